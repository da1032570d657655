"""What holds on all pages: the keyboard alone is enough, nothing chatters at a screen reader, scripts of both
directions, no motion where none is wanted, forced colours."""

from __future__ import annotations

import re

from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture
from transcripts.live import events, publish
from transcripts.models import Segment, Transcript

pytestmark = in_browser

MOST_STOPS = 80
#: Whether something around the focus shows it: an outline, or the ring of the box for links.
SHOWN = """() => {
  for (let element = document.activeElement; element && element !== document.body; element = element.parentElement) {
    const style = getComputedStyle(element);
    if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) return true;
    if (element.matches(".composer:focus-within") && style.boxShadow !== "none") return true;
  }
  return false;
}"""
HERE = "document.activeElement.outerHTML.slice(0, 160)"
SPOKEN = """[...document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log], output")]
  .filter(element => (element.getAttribute("aria-live") ?? "on") !== "off" && !element.closest("[hidden]"))
  .map(element => element.id || element.className)"""
#: To the left of a page from right to left there is no scrollbar to tell: what stands there cannot be reached.
LOST = """[...document.querySelectorAll("main *")].filter(element => element.checkVisibility()
  && element.getBoundingClientRect().right < 0 && !element.closest(".visually-hidden")).length"""


async def tab_to(page, selector: str, *, back: bool = False) -> None:
    """Press Tab until the focus is there; every stop on the way shows it."""
    for _stop in range(MOST_STOPS):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        on_page = await page.evaluate("document.activeElement !== document.body")
        assert not on_page or await page.evaluate(SHOWN), f"no focus to be seen: {await page.evaluate(HERE)}"
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached; the last stop is {await page.evaluate(HERE)}")


@on_the_loop
async def said(make_transcript):
    transcript = await sync_to_async(make_transcript)(title="A day", state="completed")
    await speak(transcript, ["The river rose.", "The bridge is closed."])
    return transcript


async def test_without_a_mouse_from_a_link_to_a_transcript(product, bob):  # noqa: F811
    page = await product.visit(bob, "/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await tab_to(page, ".places .new")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/new$"))
    await tab_to(page, "[name=links]")
    await page.keyboard.type("https://media.example.org/evening.mp3")
    await tab_to(page, "[name=preset]")
    await page.keyboard.press("ArrowDown")
    await tab_to(page, ".more > summary")
    await page.keyboard.press("Enter")
    await tab_to(page, "[name=vad_threshold]")
    await tab_to(page, ".sheet-end button.primary")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/s/[0-9a-f-]{36}$"))
    assert await Transcript.objects.filter(source_url="https://media.example.org/evening.mp3").acount() == 1


async def test_without_a_mouse_from_the_library_to_an_export_and_back(product, bob, said):  # noqa: F811
    page = await product.visit(bob, "/library")
    await tab_to(page, "#q")
    await page.keyboard.type("bridge")
    await page.wait_for_url(re.compile("q=bridge"))
    await page.wait_for_selector(".row mark")
    await tab_to(page, ".row-link")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#session")
    await tab_to(page, "a[data-export]")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".export-dialog[open]")
    assert await page.evaluate("document.activeElement.name") == "format"
    for _stop in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        inside = await page.evaluate("document.activeElement.closest('dialog') !== null || !document.hasFocus()")
        assert inside or await page.evaluate("document.activeElement === document.body"), await page.evaluate(HERE)
        if await page.evaluate("document.activeElement.matches('.export-dialog a[download]')"):
            break
    else:
        raise AssertionError("the download is not reached")
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".export-dialog", state="detached")
    assert await page.evaluate("document.activeElement.matches('a[data-export]')")


async def test_menus_and_the_sheet_close_with_escape_and_give_the_focus_back(product, bob, said):  # noqa: F811
    page = await product.visit(bob, f"/s/{said.pk}")
    await tab_to(page, ".more-menu > summary")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".more-menu[open]")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    assert await page.locator(".more-menu[open]").count() == 0
    assert await page.evaluate("document.activeElement.matches('.more-menu > summary')")
    await page.keyboard.press("?")
    await page.wait_for_selector("#keys[open]")
    for _stop in range(6):
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('#keys') !== null"
        )
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#keys", state="hidden")
    assert await page.evaluate("document.activeElement.matches('.more-menu > summary')")


async def test_text_that_arrives_is_not_read_aloud(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One.", "Two."])
    page = await product.visit(bob, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    # What speaks new text is empty until the reader asks for it.
    assert await page.evaluate(SPOKEN) == ["aloud", "status"]
    before = await page.inner_text("#status")
    await publish.send_partial(transcript.pk, events.partial("thr", 4000, 5000, 1))
    await page.wait_for_selector("#partial:has-text('thr')")
    await speak(transcript, ["Three."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#lines >> text=Three.")
    assert await page.inner_text("#status") == before
    assert await page.inner_text("#aloud") == ""
    tree = await page.locator("main").aria_snapshot()
    assert '- log "Transcript"' in tree
    assert "thr" not in tree.replace("Three", "")
    assert "listitem" in tree


async def test_a_page_without_motion_has_none(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One."])
    for motion, moves in (("no-preference", True), ("reduce", False)):
        page = await product.visit(bob, f"/s/{transcript.pk}#seg-0", reduced_motion=motion)
        await page.wait_for_selector(LIVE, state="attached")
        await publish.send_partial(transcript.pk, events.partial("two", 4000, 5000, 1))
        await page.wait_for_selector("#partial:not([hidden])")
        running = await page.evaluate("document.getAnimations().filter(each => each.playState === 'running').length")
        assert (running > 0) == moves
        board = await product.visit(bob, "/", reduced_motion=motion)
        assert (await board.evaluate("document.getAnimations().length") > 0) == moves


async def test_scripts_that_run_from_the_right(product, bob, make_transcript, settings):  # noqa: F811
    settings.LANGUAGES = [("en", "English"), ("ar", "Arabic")]
    transcript = await sync_to_async(make_transcript)(title="نشرة الأخبار", state="completed")
    await speak(transcript, ["ارتفع منسوب النهر (BBC 14:30)!", "The river rose."])
    await Segment.objects.filter(transcript=transcript, index=0).aupdate(speaker="عمر")
    page = await product.visit(bob, f"/s/{transcript.pk}")
    direction = "selector => getComputedStyle(document.querySelector(selector)).direction"
    assert await page.evaluate(direction, "html") == "ltr"
    for selector, expected in {"h1": "rtl", "#seg-0 .said": "rtl", "#seg-1 .said": "ltr", "#seg-0 bdi": "rtl"}.items():
        assert await page.evaluate(direction, selector) == expected, selector
    for width in (1280, 360):
        mirrored = await product.visit(bob, f"/s/{transcript.pk}", width=width, locale="ar")
        assert await mirrored.evaluate(direction, "html") == "rtl"
        assert await mirrored.evaluate(direction, "#seg-1 .said") == "ltr"
        where = "[...document.querySelectorAll('#seg-1 > :is(.time, .said)')].map(row => row.getBoundingClientRect().x)"
        time, text = await mirrored.evaluate(where)
        assert time > text
        for path in (f"/s/{transcript.pk}", "/", "/new", "/library"):
            await mirrored.goto(path)
            assert await mirrored.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
            assert await mirrored.evaluate(LOST) == 0, (path, width)


async def test_forced_colours_keep_edges_and_states(product, bob, said):  # noqa: F811
    page = await product.visit(bob, f"/s/{said.pk}", forced_colors="active")
    edge = "selector => parseFloat(getComputedStyle(document.querySelector(selector)).borderTopWidth)"
    for selector in (".pill", ".button[data-export]"):
        assert await page.evaluate(edge, selector) > 0
    assert await page.inner_text(".session-head .pill") == "Done"
