"""A window into the middle of a long transcript, in a real browser: both ways out of it, and what is new meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, product, speak  # noqa: F401 - a fixture
from transcripts.live import events, publish
from transcripts.views.rows import PAGE

pytestmark = in_browser

TOP = "selector => document.querySelector(selector).getBoundingClientRect().top"
INDEXES = "[...document.querySelectorAll('#lines .line')].map(row => Number(row.id.slice(4)))"
ROWS = "document.querySelectorAll('#lines .line').length"


async def in_view(page, selector: str) -> None:
    """Until it stands in the window: rows get their real heights while they are brought there."""
    for _ in range(100):
        if 0 < await page.evaluate(TOP, selector) < 800:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"{selector} is at {await page.evaluate(TOP, selector)}")


async def make(make_transcript, **fields):
    """900 lines of two seconds each."""
    transcript = await sync_to_async(make_transcript)(title="A long day", **fields)
    await speak(transcript, [f"Line number {index} of the day." for index in range(900)])
    return transcript


@pytest.mark.parametrize("place", ["?t=13:21", "?seg=400", "#seg-400", "#t=800.5"])
async def test_a_link_into_the_middle_brings_the_rows_around_it_only(product, alice, make_transcript, place):  # noqa: F811
    transcript = await make(make_transcript, state="completed")
    page = await product.visit(alice, f"/s/{transcript.pk}{place}")
    await page.wait_for_selector("#seg-400.sought")
    await in_view(page, "#seg-400")
    assert await page.evaluate(INDEXES) == list(range(400 - PAGE, 400 + PAGE + 1))


#: In each frame: where the row of the link stands, once there is one.
FRAMES = """
window.tops = [];
const look = () => {
  const row = document.getElementById("seg-400");
  if (row) window.tops.push(Math.round(row.getBoundingClientRect().top));
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@pytest.mark.parametrize("width", [1280, 360])
async def test_a_link_to_a_moment_is_painted_in_its_place_at_once(product, bob, make_transcript, width):  # noqa: F811
    transcript = await make(make_transcript, state="completed")
    page = await product.visit(
        bob, f"/s/{transcript.pk}?t=13:21", width=width, prepare=lambda page: page.add_init_script(FRAMES)
    )
    await page.wait_for_selector("#seg-400.sought")
    await page.wait_for_selector(LIVE, state="attached")
    seen = await page.evaluate("window.tops.length")
    await page.wait_for_function("before => window.tops.length > before + 30", arg=seen)
    tops = await page.evaluate("window.tops")
    assert 150 < tops[-1] < 600
    # Rows above get their real heights when they come near; nobody sees a few pixels.
    assert max(tops) - min(tops) <= 8, tops
    assert page.url.endswith(f"/s/{transcript.pk}?t=13:21&seg=400#seg-400")


async def test_who_only_follows_keeps_the_newest_rows(product, alice, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="running", is_live=True)
    page = await product.visit(alice, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    assert await page.evaluate(ROWS) == 300
    await speak(transcript, [f"New line {index}." for index in range(301)])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#seg-1200")
    await page.wait_for_selector("#earlier >> text=901 earlier lines", state="attached")
    assert await page.evaluate(INDEXES) == list(range(901, 1201))
    assert await page.get_attribute("#follow", "data-following") == "true"
    await page.mouse.move(300, 400)
    await page.mouse.wheel(0, -2000)
    await page.wait_for_selector("#follow[data-following=false]")
    await page.evaluate("document.querySelector('#earlier').scrollIntoView()")
    await page.wait_for_selector("#seg-801", state="attached")
    indexes = await page.evaluate(INDEXES)
    assert indexes == list(range(indexes[0], 1201))


async def test_scrolling_leads_out_of_the_window_both_ways_and_moves_nothing(product, alice, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="completed")
    page = await product.visit(alice, f"/s/{transcript.pk}?seg=400")
    await page.wait_for_selector("#seg-400.sought")
    # A reader's touch: from here on the page no longer holds the row that it was opened for.
    await page.keyboard.press("Shift")
    await page.evaluate("document.querySelector('#seg-300').scrollIntoView({ block: 'start' })")
    await page.wait_for_selector("#seg-200", state="attached")
    assert abs(await page.evaluate(TOP, "#seg-300") - 144) < 150
    await page.evaluate("document.querySelector('#seg-500').scrollIntoView({ block: 'end' })")
    await page.wait_for_selector("#seg-600", state="attached")
    await in_view(page, "#seg-500")
    indexes = await page.evaluate(INDEXES)
    assert indexes == list(range(indexes[0], indexes[-1] + 1))
    while await page.locator("#later").count():
        await page.evaluate("document.querySelector('#later')?.scrollIntoView()")
        await asyncio.sleep(0.05)
    assert (await page.evaluate(INDEXES))[-1] == 899


async def test_find_joins_what_meets_and_jumps_over_what_does_not(product, alice, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="completed")
    page = await product.visit(alice, f"/s/{transcript.pk}")
    await page.evaluate("location.hash = '#seg-550'")
    await page.wait_for_selector("#seg-550.sought")
    assert await page.evaluate(INDEXES) == list(range(450, 900))
    await page.evaluate("location.hash = '#seg-50'")
    await page.wait_for_selector("#seg-50.sought")
    assert await page.evaluate(INDEXES) == list(range(151))
    await page.evaluate("location.hash = '#seg-200'")
    await page.wait_for_selector("#seg-200.sought")
    assert await page.evaluate(INDEXES) == list(range(301))
    await page.evaluate("location.hash = '#seg-123456'")
    await page.keyboard.press("f")
    await page.keyboard.type("number 700 of")
    await page.wait_for_selector("#find >> text=1 of 1 lines")
    await page.wait_for_selector("#seg-700")
    await in_view(page, "#seg-700")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.wait_for_selector("#seg-899")
    assert await page.locator("#later").count() == 0


async def test_what_is_new_waits_while_older_rows_are_read_and_comes_once(product, alice, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="running", is_live=True)
    page = await product.visit(alice, f"/s/{transcript.pk}?seg=100")
    await page.wait_for_selector("#seg-100.sought")
    await page.wait_for_selector(LIVE, state="attached")
    await publish.send_partial(transcript.pk, events.partial("and n", 1_800_000, 1_801_000, 1))
    await speak(transcript, ["New one.", "New two."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#follow:has-text('2 new')")
    assert await page.evaluate(INDEXES) == list(range(201))
    assert await page.is_hidden("#partial")
    top = await page.evaluate(TOP, "#seg-100")
    await speak(transcript, ["New three."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#follow:has-text('3 new')")
    assert await page.evaluate(TOP, "#seg-100") == top
    await page.click("#follow")
    await page.wait_for_selector("#follow[data-following=true]")
    assert (await page.evaluate(INDEXES))[-3:] == [900, 901, 902]
    await speak(transcript, ["New four."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#seg-903:has-text('New four.')")
    assert len(set(await page.evaluate(INDEXES))) == await page.evaluate(ROWS)


async def test_who_writes_keeps_the_row_when_a_link_leads_elsewhere(product, bob, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="completed")
    page = await product.visit(bob, f"/s/{transcript.pk}?seg=400")
    await page.wait_for_selector("#seg-400.sought")
    await page.dblclick("#seg-400 [data-slot=text]")
    await page.fill("#seg-400 textarea", "Half a thought")
    await page.evaluate("location.hash = '#seg-250'")
    await page.wait_for_selector("#seg-250.sought")
    assert await page.input_value("#seg-400 textarea") == "Half a thought"
    indexes = await page.evaluate(INDEXES)
    assert indexes == list(range(indexes[0], indexes[-1] + 1))


async def test_who_listens_on_gets_the_rows_below(product, alice, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="completed", source_kind="sample", options={"sample": "long"})
    page = await product.visit(alice, f"/s/{transcript.pk}?seg=20")
    await page.wait_for_selector("#seg-20.sought")
    assert (await page.evaluate(INDEXES))[-1] == 120
    await page.wait_for_function("document.querySelector('audio').readyState >= 1")
    await page.evaluate("document.querySelector('audio').currentTime = 243.2")
    await page.wait_for_selector("#seg-121", state="attached")
    await page.evaluate("document.querySelector('audio').currentTime = 243")
    await page.wait_for_selector("#seg-121.playing", state="attached")


async def test_the_review_screen_pages_as_the_session_page_does(product, bob, make_transcript):  # noqa: F811
    transcript = await make(make_transcript, state="completed")
    page = await product.visit(bob, f"/s/{transcript.pk}/review")
    await page.click("#earlier a")
    await page.wait_for_selector("#seg-500", state="attached")
    assert await page.locator(".session-head").count() == 1
