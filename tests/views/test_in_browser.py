"""The session page and the captions in a real browser: long texts, finding, keys, coverage, and what others change."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture
from transcripts import services
from transcripts.live import events, publish
from transcripts.views.rows import PAGE, WINDOW

pytestmark = in_browser

TOP = "selector => document.querySelector(selector).getBoundingClientRect().top"
ROWS = "document.querySelectorAll('#lines .line').length"


@on_the_loop
async def long(make_transcript):
    """450 lines; one of them speaks of a pelican, and every hundredth of the sea."""
    transcript = await sync_to_async(make_transcript)(title="A long day", state="completed")
    texts = [f"Line number {index} of the day." for index in range(450)]
    texts[50] = "Here the PELICAN came back."
    for index in range(0, 450, 100):
        texts[index] = "The sea."
    await speak(transcript, texts)
    return transcript


async def test_scrolling_up_brings_older_lines_and_moves_nothing(product, alice, long):  # noqa: F811
    page = await product.visit(alice, f"/s/{long.pk}#seg-200")
    await page.wait_for_selector("#seg-200.sought")
    assert await page.evaluate(ROWS) == WINDOW
    top = await page.evaluate(TOP, "#seg-200")
    await page.mouse.move(500, 500)
    await page.mouse.wheel(0, -1500)
    await page.locator("#lines .line").nth(WINDOW + PAGE - 1).wait_for(state="attached")
    await page.wait_for_timeout(300)
    assert abs(await page.evaluate(TOP, "#seg-200") - top - 1500) < 60
    while await page.locator("#earlier").count():
        await page.mouse.wheel(0, -3000)
        await page.wait_for_timeout(100)
    indexes = await page.evaluate("[...document.querySelectorAll('#lines .line')].map(row => row.id)")
    assert indexes == [f"seg-{index}" for index in range(450)]


@pytest.mark.parametrize("place", ["#seg-7", "#t=14.9", "#t=0:15"])
async def test_a_link_into_what_is_not_loaded_opens_there(product, alice, long, place):  # noqa: F811
    page = await product.visit(alice, f"/s/{long.pk}{place}")
    await page.wait_for_selector("#seg-7.sought")
    assert 0 < await page.evaluate(TOP, "#seg-7") < 800
    assert await page.evaluate("document.querySelector('#lines .line').id") in {"seg-7", "seg-0"}


async def test_find_counts_all_lines_and_steps_through_them(product, alice, long):  # noqa: F811
    page = await product.visit(alice, f"/s/{long.pk}")
    await page.keyboard.press("f")
    await page.keyboard.type("pelican")
    await page.wait_for_selector("#find >> text=1 of 1 lines")
    assert 0 < await page.evaluate(TOP, "#seg-50") < 800
    assert await page.evaluate("[...CSS.highlights.get('here')].map(String)") == ["PELICAN"]
    await page.fill("#find input", "the sea")
    await page.wait_for_selector("#find >> text=2 of 5 lines")  # the next from here
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#find >> text=3 of 5 lines")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.press("Shift+Enter")
    await page.wait_for_selector("#find >> text=5 of 5 lines")
    await page.fill("#find input", "zebra")
    await page.wait_for_selector("#find >> text=Not found")
    await page.keyboard.press("Escape")
    assert await page.is_hidden("#find")
    assert await page.evaluate("CSS.highlights.get('found').size + CSS.highlights.get('here').size") == 0


async def test_searching_leaves_the_live_edge_and_new_hits_are_counted(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, [f"Word {index}." for index in range(60)])
    page = await product.visit(alice, f"/s/{transcript.pk}")
    await page.wait_for_selector("#follow[data-following=true]")
    await page.click("#open-find")
    await page.keyboard.type("word")
    await page.wait_for_selector("#find >> text=of 60 lines")
    assert await page.get_attribute("#follow", "data-following") == "false"
    await speak(transcript, ["One more word."])
    await page.wait_for_selector("#find >> text=of 61 lines")
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.wait_for_selector("#follow[data-following=true]")


async def test_the_sheet_lists_what_works_here_and_can_switch_it_off(product, alice, long):  # noqa: F811
    page = await product.visit(alice, f"/s/{long.pk}")
    await page.keyboard.press("?")
    await page.wait_for_selector("#keys[open]")
    assert await page.is_visible("#keys >> text=Find in the text")
    assert await page.is_hidden("#keys >> text=Play or pause")
    await page.uncheck("[data-shortcuts]")
    await page.keyboard.press("Escape")
    assert await page.is_hidden("#keys")
    await page.keyboard.press("f")
    assert await page.is_hidden("#find")
    await page.click(".user-menu summary")
    await page.click("#open-keys")
    await page.check("[data-shortcuts]")
    await page.keyboard.press("Escape")
    await page.keyboard.press("f")
    await page.keyboard.type("g?")
    assert await page.input_value("#find input") == "g?"
    assert await page.is_hidden("#keys")


async def test_coverage_is_told_in_words_and_grows(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One.", "Two."])
    page = await product.visit(alice, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    await page.wait_for_selector("#coverage[aria-label='Coverage: Settled 0:04']")
    assert await page.is_hidden("#pace")
    await publish.send_partial(transcript.pk, events.partial("thr", 4000, 9000, 1))
    await page.wait_for_selector("#coverage[aria-label*='On its way 5 s']")
    await speak(transcript, ["Three."])
    await page.wait_for_selector("#pace:has-text('s behind')")
    behind = float((await page.inner_text("#pace")).split()[0])
    assert 3.1 <= behind < 10


async def test_captions_show_the_last_words_in_the_chosen_look(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True, title="Old")
    await speak(transcript, [f"Sentence number {index} fills the screen with words." for index in range(20)])
    page = await product.visit(alice, f"/s/{transcript.pk}/captions")
    await page.wait_for_selector("#captions-text:has-text('number 19')")
    await page.wait_for_timeout(500)
    await publish.send_partial(transcript.pk, events.partial("and now", 40_000, 41_000, 1))
    await page.wait_for_selector(".captions-open:has-text('and now')")
    await speak(transcript, ["And now this <b>."])
    await page.wait_for_selector("[data-slot=settled]:has-text('And now this <b>.')")
    assert await page.inner_text(".captions-open") == ""
    height = "document.querySelector('.captions-box').clientHeight"
    font = "parseFloat(getComputedStyle(document.querySelector('.captions-box')).fontSize)"
    before = await page.evaluate(font)
    assert await page.evaluate(height) <= 3 * 1.3 * before + 1
    await page.keyboard.press("+")
    await page.select_option("[name=style]", "yellow")
    await page.select_option("[name=lines]", "2")
    assert await page.evaluate(font) > before
    assert await page.evaluate(height) <= 2 * 1.3 * await page.evaluate(font) + 1
    await page.reload()
    assert await page.get_attribute("#captions", "data-style") == "yellow"
    assert await page.get_attribute("#captions", "data-lines") == "2"
    await sync_to_async(services.rename)(transcript, "New")
    await page.wait_for_selector("h1:has-text('New')")


async def test_a_new_title_shows_on_every_open_page_and_dates_stay_as_they_were(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(title="Old title", state="completed")
    await speak(transcript, ["Words."])
    board, page = await product.visit(alice, "/"), await product.visit(alice, f"/s/{transcript.pk}")
    for each in (board, page):
        await each.wait_for_selector(LIVE, state="attached")
    date = await board.inner_text(".card time")
    await sync_to_async(services.rename)(transcript, "New $& title")
    await page.wait_for_selector("h1:has-text('New $& title')", timeout=60_000)
    assert await page.title() == "New $& title · sttweb"
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq + 1)
    await board.wait_for_selector(".card-title:has-text('New $& title')")
    assert await board.inner_text(".card time") == date


async def test_a_link_is_looked_at_when_the_box_is_left_and_the_button_stays_put(product, bob):  # noqa: F811
    page = await product.visit(bob, "/new")
    await page.fill("[name=links]", "http://192.168.0.4/private.mp3")
    await page.focus("[name=language]")
    await page.wait_for_selector("[data-probe]:has-text('Blocked: private address. Upload the file instead')")
    await page.fill("[name=links]", "http://192.168.0.5/other.mp3")
    await page.click(".sheet-end button")
    await page.wait_for_selector("[data-error-for=links]:has-text('private')")
