"""What happens at the same time on the session page: questions that overlap, late answers, a socket that died."""

from __future__ import annotations

import asyncio
from typing import Any

from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, product, speak  # noqa: F401 - a fixture
from transcripts.live import publish

pytestmark = in_browser

ASK = """async () => {
  const { refresh } = await import("/static/transcripts/send.js");
  const places = ["standing", "speakers", "alerts"].map(id => document.getElementById(id));
  const [standing] = places;
  for (const place of places) refresh(place, `/fresh/${place.id}`);
  refresh(standing, "/fresh/older");
  refresh(standing, "/fresh/newest");
}"""


async def test_pieces_of_the_page_that_are_asked_for_at_once_all_come(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="completed")
    await speak(transcript, ["Good evening."])
    page = await product.visit(bob, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    held = asyncio.Event()

    async def answer(route: Any) -> None:
        await held.wait()
        await route.fulfill(body=f"<p>fresh {route.request.url.rsplit('/', 1)[1]}</p>", content_type="text/html")

    await page.route("**/fresh/*", answer)
    async with page.expect_request("**/fresh/alerts"):
        await page.evaluate(ASK)
    held.set()
    await page.wait_for_selector("#speakers >> text=fresh speakers", state="attached")
    await page.wait_for_selector("#alerts >> text=fresh alerts", state="attached")
    await page.wait_for_selector("#standing >> text=fresh newest")


async def test_a_passage_that_is_closed_while_it_is_saved_leaves_no_draft(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="completed")
    await speak(transcript, ["Good evening.", "And welcome."])
    page = await product.visit(bob, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    held = asyncio.Event()

    async def hold(route: Any) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/segments/0/edit", hold)
    await page.dblclick("#seg-0 .said")
    await page.fill("#seg-0 textarea", "Good morning.")
    async with page.expect_request("**/segments/0/edit"):
        await page.keyboard.press("Control+Enter")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#seg-0.has-draft")
    held.set()
    await page.wait_for_selector("#seg-0:not(.has-draft) >> text=Good morning.")
    await page.dblclick("#seg-0 .said")
    assert await page.input_value("#seg-0 textarea") == "Good morning."
    assert await page.is_hidden("#seg-0 [data-act=discard]")


async def test_a_socket_that_died_silently_is_replaced(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["Good evening."])
    sockets: list[Any] = []
    dead: set[Any] = set()

    def wire(browser_side: Any) -> None:
        sockets.append(browser_side)
        server = browser_side.connect_to_server()
        browser_side.on_message(lambda text: None if browser_side in dead else server.send(text))
        server.on_message(lambda text: None if browser_side in dead else browser_side.send(text))

    async def prepare(page: Any) -> None:
        await page.clock.install()
        await page.route_web_socket("**/ws/t/**", wire)

    page = await product.visit(alice, f"/s/{transcript.pk}", prepare=prepare)
    await page.wait_for_selector(LIVE, state="attached")
    dead.add(sockets[0])
    await speak(transcript, ["And welcome."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    # A question after 45 s of silence, and 20 s for an answer.
    for _ in range(16):
        await page.clock.run_for(5000)
    await page.wait_for_selector("#lines >> text=And welcome.")
    await page.wait_for_selector(LIVE, state="attached")
    assert len(sockets) == 2


async def test_a_search_that_was_given_up_leads_nowhere(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="completed")
    await speak(transcript, [f"Line number {index} of the day." for index in range(60)])
    asked = []
    page = await product.visit(alice, f"/s/{transcript.pk}", prepare=lambda page: page.clock.install())
    page.on("request", lambda request: asked.append(request.url) if "/find?" in request.url else None)
    await page.wait_for_selector(LIVE, state="attached")
    await page.keyboard.press("f")
    await page.keyboard.type("number 50")
    await page.keyboard.press("Escape")
    await page.clock.run_for(2000)
    assert await page.is_hidden("#find")
    assert asked == []
