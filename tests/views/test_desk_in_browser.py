"""The review desk in a real browser: flags, voices, unsure words, sound under the editor, locks that end, and a whole
review without a pointer."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture
from tests.views.test_listening import keep
from transcripts.live import events, publish
from transcripts.models import Review, ReviewState, Segment
from transcripts.reviewing import flags, flow

pytestmark = in_browser

TEXTS = ["The river rose.", "It rose overnight.", "Nobody slept.", "The council meets.", "He did not say when."]


@on_the_loop
async def text(make_transcript) -> Any:
    transcript = await sync_to_async(make_transcript)(title="Council", state="completed")
    await speak(transcript, TEXTS)
    return transcript


async def desk(product, person, transcript, rest: str = "/review", **options: Any) -> Any:  # noqa: F811
    page = await product.visit(person, f"/s/{transcript.pk}{rest}", **options)
    await page.wait_for_selector(LIVE, state="attached")
    return page


async def test_flags_are_stepped_raised_and_answered_by_key(product, alice, bob, text):  # noqa: F811
    for index in (1, 3):
        await sync_to_async(flags.raise_flag)(text, bob, index, f"note {index}")
    page = await desk(product, alice, text)
    assert "Nobody" not in await page.inner_text("#flags")
    assert "It rose overnight." in await page.inner_text("#flags li >> nth=0")

    async def at(key: str, row: int) -> None:
        await page.keyboard.press(key)
        await page.wait_for_selector(f"#flags a[aria-current][data-flag='{row}']")
        await page.wait_for_selector(f"#seg-{row}.sought")

    await at("v", 1)
    await at("v", 3)
    await at("v", 1)
    await at("Shift+V", 3)
    # The one that is meant is flagged; it comes into the list through the socket.
    await page.evaluate("location.hash = 'seg-2'")
    await page.wait_for_selector("#seg-2.sought")
    await page.keyboard.press("x")
    await page.wait_for_selector("#flags a[data-flag='2'] >> text=Nobody slept.")
    await page.wait_for_selector("#flags-left:has-text('3 flags left')")
    await page.click("#flags li:has([data-flag='1']) [data-answer=dismiss]")
    await page.wait_for_selector("#flags li[data-done] [data-flag='1']")
    await at("v", 2)
    await at("v", 3)
    # An answer is taken back where it was given.
    await page.click("#flags li[data-done] [data-answer=reopen]")
    await page.wait_for_selector("#flags-left:has-text('3 flags left')")


async def test_voices_are_renamed_and_made_one_in_the_panel(product, alice, bob, text):  # noqa: F811
    await Segment.objects.filter(transcript=text, index__lt=2).aupdate(speaker="speaker_0")
    await Segment.objects.filter(transcript=text, index__gte=2).aupdate(speaker="Ben")
    hers, his = await desk(product, alice, text), await desk(product, bob, text, "")
    chips = "[...document.querySelectorAll('#lines .speaker bdi')].map(chip => chip.textContent)"
    assert await his.evaluate(chips) == ["Speaker 1", "Ben"]
    await hers.fill("#speakers [name=new] >> nth=0", "Ana")
    await hers.press("#speakers [name=new] >> nth=0", "Enter")
    await his.wait_for_selector("#lines .speaker:has-text('Ana')")
    assert await his.evaluate(chips) == ["Ana", "Ben"]
    await his.wait_for_selector("#speakers .speaker:has-text('Ana')")
    await his.fill("#speakers [name=new] >> nth=1", "Ana")
    await his.click("#speakers button >> nth=1")
    await hers.wait_for_function(f"() => ({chips}).join() === 'Ana'")
    assert await text.segments.filter(speaker="Ana").acount() == len(TEXTS)


async def test_unsure_words_are_marked_as_the_reader_wants_it(product, alice, text):  # noqa: F811
    row = await text.segments.aget(index=1)
    row.words = [["It", 2000, 2100, 0.9], ["rose", 2100, 2500, 0.2], ["overnight.", 2500, 3000, 0.9]]
    await row.asave()
    page = await desk(product, alice, text)
    word = page.locator("#seg-1 .unsure")
    assert await word.inner_text() == "rose"
    assert await word.get_attribute("title") == "The engine was 20 % sure of this word"
    style = "getComputedStyle(document.querySelector('#seg-1 .unsure')).textDecorationStyle"
    assert await page.evaluate(style) == "dotted"
    await page.uncheck("#unsure-toggle")
    await word.wait_for(state="detached")
    await page.reload()
    await page.wait_for_selector(LIVE, state="attached")
    assert await page.inner_text("#seg-1 [data-slot=text]") == "It rose overnight."
    assert await word.count() == 0
    await page.check("#unsure-toggle")
    await word.wait_for()


async def test_a_lock_that_nobody_renews_is_gone_by_itself(product, alice, bob, text):  # noqa: F811
    page = await desk(product, alice, text)
    message = events.editing(2, bob.pk, "Bob", 1.0)
    await publish.send_editing(text.pk, message, 2, 1.0)
    await page.wait_for_selector("#seg-2.taken [data-slot=who]:has-text('Bob is editing')")
    await page.wait_for_selector("#seg-2:not(.taken)")
    assert await page.is_hidden("#seg-2 [data-slot=who]")


async def test_the_sound_starts_before_the_place_and_a_pause_goes_back(
    product,  # noqa: F811
    alice,
    text,
    settings,
    tmp_path,
):
    settings.STTWEB_MEDIA_DIR = tmp_path
    await keep(text)
    page = await desk(product, alice, text)
    await page.wait_for_function("() => document.querySelector('audio').readyState >= 1")
    await page.dblclick("#seg-2 .said")
    await page.wait_for_selector("#seg-2 textarea:focus")
    now = "document.querySelector('audio').currentTime"
    assert await page.evaluate(now) == pytest.approx(2.5, abs=0.05)
    await page.keyboard.press("Alt+k")
    await page.wait_for_function(f"() => {now} > 4.2")
    await page.evaluate(
        "addEventListener('keydown', () => { window.heard = document.querySelector('audio').currentTime }, true)"
    )
    await page.keyboard.press("Alt+k")
    await page.wait_for_function("() => document.querySelector('audio').paused")
    heard, after = await page.evaluate("window.heard"), await page.evaluate(now)
    assert heard - after == pytest.approx(1.5, abs=0.3)
    await page.keyboard.press("Alt+j")
    await page.wait_for_function(f"() => {now} < 1")
    await page.keyboard.press("Alt+l")
    await page.wait_for_function(f"() => {now} >= 5")
    assert await page.input_value("#seg-2 textarea") == TEXTS[2]


async def test_text_that_could_not_be_saved_outlives_the_page(product, alice, text):  # noqa: F811
    page = await desk(product, alice, text)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.dblclick("#seg-2 .said")
    await page.fill("#seg-2 textarea", "Everybody slept.")
    await page.context.set_offline(True)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#seg-2 >> text=Your text is kept here")
    kept = "Object.keys(sessionStorage).filter(key => key.startsWith('draft')).length"
    assert await page.evaluate(kept) == 1
    await page.context.set_offline(False)
    await page.reload()
    await page.wait_for_selector("#seg-2.has-draft >> text=unsaved text")
    await page.dblclick("#seg-2 .said")
    assert await page.input_value("#seg-2 textarea") == "Everybody slept."
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#seg-2 .said >> text=Everybody slept.")
    assert await page.evaluate(kept) == 0
    assert (await text.segments.aget(index=2)).text == "Everybody slept."


async def tab_to(page: Any, what: str) -> None:
    """Press Tab until what has the focus matches a selector."""
    for _stop in range(120):
        if await page.evaluate("what => document.activeElement.matches(what)", what):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {what}")


async def test_a_whole_review_needs_no_pointer(product, alice, bob, text):  # noqa: F811
    await sync_to_async(flow.send)(text, bob)
    await sync_to_async(flags.raise_flag)(text, bob, 1, "Really?")
    page = await product.visit(alice, "/review")
    await tab_to(page, "tbody a")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(LIVE, state="attached")
    await page.keyboard.press("v")
    await page.wait_for_selector("#seg-1.sought")
    await page.keyboard.press("e")
    await page.wait_for_selector("#seg-1 textarea:focus")
    await page.keyboard.press("Control+A")
    await page.keyboard.type("It fell overnight.")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#seg-2 textarea:focus")
    await page.keyboard.press("Control+Shift+Enter")
    await page.wait_for_selector("#seg-2[data-checked='1']")
    await page.wait_for_selector("#seg-3 textarea:focus")
    await page.keyboard.type("never to be saved")
    await page.keyboard.press("Escape")
    await page.wait_for_selector("#seg-3 textarea", state="detached")
    assert await page.evaluate("document.activeElement.matches('#seg-3 [data-edit]')")
    await page.keyboard.press("Escape")
    await page.reload()
    await page.wait_for_selector(LIVE, state="attached")
    await tab_to(page, "#flags [data-answer=resolve]")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#flags li[data-done]")
    await tab_to(page, "form[action$='/approve'] button")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#standing >> text=Approved by Alice")
    assert (await Review.objects.aget()).state == ReviewState.APPROVED
    texts = [row.text async for row in text.segments.in_order()]
    assert texts == [TEXTS[0], "It fell overnight.", *TEXTS[2:]]
