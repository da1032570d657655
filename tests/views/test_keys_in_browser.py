"""Every key of the sheet does what the sheet says, in a real browser with a recording that plays."""

from __future__ import annotations

import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture
from transcripts.models import Flag, Segment

pytestmark = in_browser

NOW = "document.querySelector('audio').currentTime"
PAUSED = "document.querySelector('audio').paused"
#: What this file presses; a key that the sheet lists and this file does not is an oversight.
PRESSED = {"Space k", "j l", ", .", "[ ]", "g", "f", "e", "x", "m", "v V", "C", "n", "/", "?"}


@on_the_loop
async def talk(make_transcript):
    """Four passages of two words each over the ten seconds of the sample."""
    transcript = await sync_to_async(make_transcript)(source_kind="sample", state="completed")
    await speak(transcript, ["one two", "three four", "five six", "seven eight"])
    async for row in Segment.objects.filter(transcript=transcript):
        first, second = row.text.split()
        row.words = [[first, row.start_ms, row.start_ms + 800, 0.9], [second, row.start_ms + 1000, row.end_ms, 0.9]]
        await row.asave()
    return transcript


async def until(page: Any, expression: str) -> None:
    await page.wait_for_function(expression)


async def test_keys_of_the_player(product, alice, talk):  # noqa: F811
    page = await product.visit(alice, f"/s/{talk.pk}")
    await until(page, "document.querySelector('audio').readyState >= 1")
    for key in ("k", "Space"):
        await page.keyboard.press(key)
        await until(page, f"!{PAUSED}")
        await page.keyboard.press(key)
        await until(page, PAUSED)
    await page.evaluate(f"{NOW} = 0")
    await page.keyboard.press("l")
    assert await page.evaluate(NOW) == pytest.approx(5)
    await page.keyboard.press("j")
    assert await page.evaluate(NOW) == pytest.approx(0)
    for start in (1, 2, 3):
        await page.keyboard.press(".")
        assert await page.evaluate(NOW) == pytest.approx(start)
    await page.keyboard.press(",")
    assert await page.evaluate(NOW) == pytest.approx(2)
    assert await page.evaluate("[...CSS.highlights.get('spoken')].map(String)") == ["three"]
    await page.keyboard.press("]")
    assert await page.evaluate("document.querySelector('audio').playbackRate") == 1.25
    for _ in range(3):
        await page.keyboard.press("[")
    assert await page.evaluate("document.querySelector('audio').playbackRate") == 0.5


async def test_a_click_with_ctrl_or_cmd_plays_from_that_word_and_a_plain_one_does_not(product, alice, talk):  # noqa: F811
    page = await product.visit(alice, f"/s/{talk.pk}")
    await until(page, "document.querySelector('audio').readyState >= 1")
    for modifier in ("Control", "Meta"):
        place = await page.evaluate(
            """() => {
              const node = document.querySelector('#seg-2 [data-slot=text]').firstChild;
              const range = new Range();
              range.setStart(node, 6);
              range.setEnd(node, 7);
              const { x, y, width, height } = range.getBoundingClientRect();
              return [x + width / 2, y + height / 2];
            }"""
        )
        await page.evaluate(f"{NOW} = 0")
        await page.mouse.click(*place)
        assert await page.evaluate(f"{PAUSED} && {NOW} === 0")
        await page.keyboard.down(modifier)
        await page.mouse.click(*place)
        await page.keyboard.up(modifier)
        await until(page, f"!{PAUSED} && {NOW} >= 5 && {NOW} < 8")
        await page.keyboard.press("k")
        await until(page, PAUSED)


async def test_keys_of_the_text(product, bob, talk):  # noqa: F811
    page = await product.visit(bob, f"/s/{talk.pk}")
    await page.keyboard.press("f")
    await page.wait_for_selector("#find:not([hidden])")
    await page.keyboard.press("Escape")
    assert await page.is_hidden("#find")
    await page.keyboard.press("x")
    await page.wait_for_selector("#status:has-text('Flagged')", state="attached")
    assert await Flag.objects.filter(transcript=talk, kind="person").acount() == 1
    await page.keyboard.press("e")
    await page.wait_for_selector(".editor textarea")
    await page.keyboard.type("fgx?")
    assert await page.is_hidden("#find"), "keys are off while somebody types"
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".editor", state="detached")
    await page.evaluate("sessionStorage.clear()")
    await page.focus("#lines")
    await page.keyboard.press("m")
    await page.wait_for_selector("#panel-comments:not([hidden])")
    desk = await product.visit(bob, f"/s/{talk.pk}/review")
    await desk.keyboard.press("v")
    await desk.wait_for_selector("#flags a[aria-current=true]")
    await desk.keyboard.press("Shift+V")
    await desk.wait_for_selector("#flags a[aria-current=true]")


async def test_keys_of_a_live_session(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, [f"Line {index}." for index in range(60)])
    page = await product.visit(bob, f"/s/{transcript.pk}#seg-3")
    await page.wait_for_selector("#seg-3.sought")
    await page.keyboard.press("g")
    await page.wait_for_selector("#follow[data-following=true]")
    await page.keyboard.press("Shift+C")
    for _ in range(100):
        await sync_to_async(transcript.refresh_from_db)()
        if transcript.commit_requests:
            break
        await page.wait_for_timeout(50)
    assert transcript.commit_requests == 1


async def test_keys_of_every_page_and_the_sheet_itself(product, bob, talk):  # noqa: F811
    page = await product.visit(bob, f"/s/{talk.pk}")
    await page.keyboard.press("?")
    await page.wait_for_selector("#keys[open]")
    listed = await page.evaluate("[...document.querySelectorAll('#keys [data-keys]')].map(row => row.dataset.keys)")
    assert set(listed) - {"+ -"} == PRESSED
    await page.keyboard.press("Escape")
    await page.keyboard.press("n")
    await page.wait_for_url(re.compile(r"/new$"))
    await page.keyboard.press("/")
    await page.wait_for_url(re.compile(r"/library$"))
    await page.keyboard.press("/")
    await until(page, "document.activeElement.id === 'q'")
