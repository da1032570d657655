"""Photographs every page at 1280 and 360 px in light and dark, with believable content, into a folder.

    python -m bench.screenshots FOLDER [--only NAME] [--chromium PATH]

Pages come from the real application under uvicorn in this process, on a database of its own in a temporary folder; no
worker runs, so states stand still. What it finds: what nobody would ship.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from itertools import product
from pathlib import Path
from typing import Any

from bench.chromium import PLAIN
from bench.stage import PASSWORD, Stage

FLAGS = [
    *PLAIN,
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
WIDTHS = {"1280": {"width": 1280, "height": 900}, "360": {"width": 360, "height": 780}}
#: Answers that the browser's console calls errors and that belong to the picture.
EXPECTED = {
    "missing": "404",
    "forbidden": "403",
    "new-wrong": "422",
    "captions-guessed": "403",
    "review-conflict": "409",
    "invitation-over": "404",
    "signup-closed": "403",
    "team-new": "422",
    "team-bad-key": "422",
    "team-erasing": "409",
    "watchlist-wrong": "422",
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


#: Name, path, who looks, and what to do before the picture.
Scene = tuple[str, str, Any, Callable[[Any], Awaitable[None]] | None]


async def play(page: Any) -> None:
    await page.evaluate("document.querySelector('audio').currentTime = 2.4")
    await page.wait_for_timeout(400)


async def open_more(page: Any) -> None:
    await page.fill("textarea[name=links]", "https://media.example.org/a.mp3\nhttp://192.168.0.4/private.mp3")
    await page.click(".more > summary")


async def probe(page: Any) -> None:
    await page.fill("textarea[name=links]", "http://192.168.0.4/private.mp3")
    await page.focus("[name=language]")
    await page.wait_for_selector("[data-probe]:has-text('Blocked')")


async def wrong(page: Any) -> None:
    await page.fill("textarea[name=links]", "http://192.168.0.4/private.mp3\nftp://media.example.org/a.mp3")
    await page.click(".sheet-end .primary")
    await page.wait_for_selector("[data-error-for=links]:not([hidden])")


async def open_export(page: Any) -> None:
    await page.click("[data-export]")
    await page.check(".export-dialog [value=srt]")
    await page.wait_for_selector(".export-preview[data-format=srt]:not(.htmx-request)")


async def offline(page: Any) -> None:
    await page.wait_for_selector("#link-state[data-state=live]", state="attached")
    await page.context.set_offline(True)
    await page.wait_for_selector("#banner:not([hidden])")


async def find(page: Any) -> None:
    await page.keyboard.press("f")
    await page.keyboard.type("the")
    await page.wait_for_selector("#find [data-slot=count]:has-text('of')")


async def change_title(page: Any) -> None:
    await page.dblclick("h1")
    await page.wait_for_selector("#title-form:not([hidden])")


async def as_paragraphs(page: Any) -> None:
    if not await page.is_visible("#paragraphs-toggle"):
        await page.click(".side > summary")
    await page.check("#paragraphs-toggle")
    await page.evaluate("scrollTo(0, 0)")
    await page.wait_for_selector("#lines.paragraphs")


async def show_keys(page: Any) -> None:
    await page.keyboard.press("?")
    await page.wait_for_selector("#keys[open]")


async def open_filters(page: Any) -> None:
    await page.click(".library-filters > summary")


async def pick(page: Any) -> None:
    """Tick two transcripts of the library."""
    for number in (1, 3):
        await page.locator(".row-pick").nth(number).check()


async def pick_and_delete(page: Any) -> None:
    """As far as the question whether to delete them."""
    await page.locator(".row-pick").first.check()
    await page.locator("#pick-all").check()
    await page.click("button[value=delete]")
    await page.wait_for_selector(".doomed")


async def share_one(page: Any) -> None:
    """A link with a password, as its maker is shown it once."""
    await page.fill("[name=password]", "river stone")
    await page.click(".share-form .primary")
    await page.wait_for_selector(".share-code svg")


async def guess(page: Any) -> None:
    await page.fill("[name=password]", "river stones")
    await page.click(".sheet-end .primary")
    await page.wait_for_selector(".field-error")


async def pick_episodes(page: Any) -> None:
    for number in (0, 2):
        await page.locator(".episode input[type=checkbox]:not(:disabled)").nth(number).check()
    await page.wait_for_selector("[data-count]:not(:empty)")


async def record(page: Any) -> None:
    """Where the browser has a microphone; where it has none, it says so."""
    await page.wait_for_selector("#recorder[data-state=off]")
    await page.click("#recorder [data-slot=record]")
    states = ",".join(f"#recorder[data-state={state}]" for state in ("recording", "denied", "missing", "failed"))
    await page.wait_for_selector(states)
    await page.wait_for_timeout(600)


async def record_alone(page: Any) -> None:
    """The network goes away while somebody speaks."""
    await record(page)
    await page.context.set_offline(True)
    await page.wait_for_timeout(1500)


async def upload(page: Any) -> None:
    """One file on its way, and one that is no recording."""
    await page.route("**/uploads/*?offset=0", lambda route: None)
    wave = {"name": "Council, 18 November.wav", "mimeType": "audio/wav", "buffer": b"RIFF" + bytes(3_000_000)}
    paper = {"name": "agenda.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 " + bytes(90_000)}
    await page.set_input_files("[name=uploads]", [wave, paper])
    await page.click(".sheet-end .primary")
    await page.wait_for_selector(".chosen-file[data-state=sending]")


def refusal(make: Callable[[], Any]) -> Callable[[Any], Awaitable[None]]:
    """A page of an error that nobody can bring about here: ``make`` renders it."""

    async def show(page: Any) -> None:
        answer = make()
        html = answer.content.decode() if hasattr(answer, "content") else answer
        await page.route("**/refused", lambda route: route.fulfill(body=html, content_type="text/html"))
        await page.goto("/refused")

    return show


def scenes(stage: Stage, publish: Any) -> list[Scene]:
    """Every page and state worth a look."""
    from django.template.loader import render_to_string
    from django.test import RequestFactory
    from django.views.defaults import bad_request, server_error

    from transcripts.live import events

    async def speak(page: Any) -> None:
        text = "and the water company says that the pumping station at the old mill will run through"
        heard = stage.live.committed_samples // 16
        shown = page.locator("#partial:not([hidden]), .captions-open:not(:empty)")
        # Who is not connected yet misses a guess: it comes again, as in life.
        for _ in range(40):
            await page.wait_for_timeout(400)
            await publish.send_partial(stage.live.pk, events.partial(text, heard, heard + 4200, 1))
            if await shown.count():
                break
        await shown.first.wait_for()
        await page.wait_for_timeout(400)

    async def drop(page: Any) -> None:
        await page.wait_for_selector("#link-state[data-state=live]", state="attached")
        await publish.send_source(stage.live.pk, events.source("reconnecting", 12.0, 2, 8, 1), passing=True)
        await page.wait_for_selector("#open-gap:not([hidden])")
        await page.wait_for_timeout(300)

    async def watched(page: Any) -> None:
        await page.wait_for_selector("#link-state[data-state=live]", state="attached")
        await publish.send_watching(stage.newsroom.pk, "elsewhere", {str(stage.live.pk): 3})
        await page.wait_for_selector(".card-watchers:not([hidden])")

    async def scroll_up(page: Any) -> None:
        await speak(page)
        await page.mouse.move(300, 400)
        await page.mouse.wheel(0, -400)
        await page.wait_for_timeout(300)

    return [
        ("login", "/login", None, None),
        ("board-empty", "/", stage.empty_handed, None),
        ("board", "/", stage.alice, watched),
        ("board-attention", "/?show=attention", stage.alice, None),
        ("board-nothing", "/?show=done", stage.empty_handed, None),
        ("new", "/new", stage.alice, None),
        ("new-more", "/new", stage.alice, open_more),
        ("new-probe", "/new", stage.alice, probe),
        ("new-wrong", "/new", stage.alice, wrong),
        ("session-live", f"/s/{stage.live.pk}", stage.alice, speak),
        ("session-reading", f"/s/{stage.live.pk}", stage.alice, scroll_up),
        ("session-gap", f"/s/{stage.gappy.pk}", stage.alice, None),
        ("session-export", f"/s/{stage.gappy.pk}", stage.alice, open_export),
        ("session-failed", f"/s/{stage.failed.pk}", stage.alice, None),
        ("session-rested", f"/s/{stage.rested.pk}", stage.alice, None),
        ("session-dropped", f"/s/{stage.live.pk}", stage.alice, drop),
        ("session-title", f"/s/{stage.gappy.pk}", stage.alice, change_title),
        ("session-paragraphs", f"/s/{stage.gappy.pk}", stage.alice, as_paragraphs),
        ("session-offline", f"/s/{stage.live.pk}", stage.alice, offline),
        ("session-find", f"/s/{stage.gappy.pk}", stage.alice, find),
        ("session-keys", f"/s/{stage.sample.pk}", stage.alice, show_keys),
        ("captions", f"/s/{stage.live.pk}/captions", stage.alice, speak),
        ("captions-light", f"/s/{stage.live.pk}/captions?style=light&size=9&lines=4", stage.alice, speak),
        ("session-player", f"/s/{stage.sample.pk}", stage.alice, play),
        ("library", "/library", stage.alice, None),
        ("library-filters", "/library?state=completed&tag=Flood", stage.alice, open_filters),
        ("library-hits", "/library?q=harbour+master", stage.alice, None),
        ("library-compact", "/library?view=compact", stage.alice, None),
        ("library-compact-hits", "/library?q=harbour+master&view=compact", stage.alice, None),
        ("library-picked", "/library", stage.alice, pick),
        ("library-delete", "/library", stage.alice, pick_and_delete),
        ("library-nothing", "/library?q=zebra", stage.alice, None),
        ("tags", "/tags", stage.alice, None),
        ("feed", "/feed", stage.alice, None),
        ("feed-episodes", stage.episodes, stage.alice, pick_episodes),
        ("mic", "/mic", stage.alice, None),
        ("mic-off", f"/s/{stage.recording.pk}", stage.alice, None),
        ("mic-recording", f"/s/{stage.recording.pk}", stage.alice, record),
        ("mic-alone", f"/s/{stage.recording.pk}", stage.alice, record_alone),
        ("new-uploading", "/new", stage.alice, upload),
        ("arabic", f"/s/{stage.arabic.pk}", stage.alice, None),
        ("export-page", f"/s/{stage.gappy.pk}/export", stage.alice, None),
        ("share", f"/s/{stage.live.pk}/share", stage.alice, None),
        ("share-made", f"/s/{stage.live.pk}/share", stage.alice, share_one),
        ("captions-locked", f"/c/{stage.locked}", None, None),
        ("captions-guessed", f"/c/{stage.locked}", None, guess),
        ("captions-overlay", f"/c/{stage.link}/overlay", None, speak),
        ("captions-public", f"/c/{stage.link}", None, speak),
        ("team-settings", f"/team/{stage.newsroom.pk}/settings", stage.alice, None),
        ("team-members", f"/team/{stage.newsroom.pk}/members", stage.alice, None),
        ("team-tokens", f"/team/{stage.newsroom.pk}/tokens", stage.alice, None),
        ("team-webhooks", f"/team/{stage.newsroom.pk}/webhooks", stage.alice, None),
        ("team-audit", f"/team/{stage.newsroom.pk}/audit", stage.alice, None),
        ("roles", "/roles", stage.alice, None),
        ("account-factors", "/account/2fa/", stage.alice, None),
        ("account-password", "/account/password/set/", stage.alice, None),
        ("status", "/admin/status", stage.alice, None),
        ("forbidden", "/new", stage.victor, None),
        ("bad-request", "/login", None, refusal(lambda: bad_request(RequestFactory().get("/"), ValueError()))),
        ("too-many", "/login", None, refusal(lambda: render_to_string("429.html"))),
        ("broken", "/login", None, refusal(lambda: server_error(RequestFactory().get("/")))),
        *stage.desk.scenes(),
        *stage.telling.scenes(),
        ("missing", "/s/00000000-0000-0000-0000-000000000000", stage.alice, None),
    ]


async def photograph(folder: Path, port: int, stage: Stage, only: str, chromium: str) -> list[str]:
    """Take all pictures; returns what went wrong: errors in the browser's console, pages that scroll sideways."""
    from playwright.async_api import async_playwright

    from transcripts.live import publish

    problems: list[str] = []
    async with async_playwright() as playwright:
        browser: Any = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        all_scenes = [*scenes(stage, publish), *stage.doors.scenes(PASSWORD)]
        chosen = [scene for scene in all_scenes if scene[0].startswith(only)]
        for scene, width, scheme in product(chosen, WIDTHS, ("light", "dark")):
            context = await browser.new_context(
                viewport=WIDTHS[width], color_scheme=scheme, base_url=f"http://127.0.0.1:{port}"
            )
            found = await shoot(context, scene, port, folder / f"{scene[0]}-{width}-{scheme}.png")
            problems += [
                f"{scene[0]} at {width} px: {what}" for what in found if EXPECTED.get(scene[0], "\n") not in what
            ]
            await context.close()
        await browser.close()
    return problems


async def shoot(context: Any, scene: Scene, port: int, file: Path) -> list[str]:
    """One picture."""
    _name, path, person, prepare = scene
    problems: list[str] = []
    page = await context.new_page()
    page.on("console", lambda said: problems.extend([said.text] * (said.type == "error")))
    page.on("pageerror", lambda error: problems.append(str(error)))
    if person is not None:
        await context.add_cookies([await session_cookie(person, port)])
    await page.goto(path, wait_until="load")
    await page.wait_for_timeout(250)
    if prepare is not None:
        await prepare(page)
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        problems.append("scrolls sideways")
    await page.screenshot(path=file)
    return problems


async def session_cookie(person: Any, port: int) -> Any:
    """A logged-in session, as the browser keeps it."""
    from asgiref.sync import sync_to_async
    from django.test import Client

    client = Client()
    await sync_to_async(client.force_login)(person)
    return {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": f"http://127.0.0.1:{port}"}


async def run(folder: Path, port: int, only: str, chromium: str) -> list[str]:
    """Serve and photograph."""
    import uvicorn
    from asgiref.sync import sync_to_async

    from sttweb.asgi import application

    stage = await sync_to_async(Stage)()
    await sync_to_async(stage.fill)()
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        return await photograph(folder, port, stage, only, chromium)
    finally:
        server.should_exit = True
        await serving


def main() -> int:
    """Set up a database of its own, then take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="names that begin with this")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sttweb-pictures-") as var:
        os.environ |= {"STTWEB_VAR": var, "STTWEB_PORT": str(port), "DJANGO_SETTINGS_MODULE": "sttweb.settings"}
        os.environ |= {"DATABASE_URL": "", "REDIS_URL": "", "DJANGO_ALLOW_ASYNC_UNSAFE": ""}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        problems = asyncio.run(run(options.folder, port, options.only, options.chromium))
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
