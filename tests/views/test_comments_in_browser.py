"""Comments in real browsers: two people beside one text, by keyboard, on a phone, and while the network is away."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture
from tests.views.test_every_page import judge
from transcripts.live import publish
from transcripts.models import Comment
from transcripts.reviewing import comments

pytestmark = in_browser

MARK = "[data-comments]:not([hidden])"


@on_the_loop
async def text(make_transcript) -> Any:
    transcript = await sync_to_async(make_transcript)(title="Council", state="running", is_live=True)
    await speak(transcript, ["The river rose.", "It rose overnight.", "Nobody slept."])
    return transcript


async def visit(product, person, transcript, rest: str = "", **options: Any) -> Any:  # noqa: F811
    page = await product.visit(person, f"/s/{transcript.pk}{rest}", **options)
    await page.wait_for_selector(LIVE, state="attached")
    return page


async def test_two_people_talk_about_a_passage_while_the_text_goes_on(product, alice, bob, text):  # noqa: F811
    hers, his = await visit(product, alice, text), await visit(product, bob, text, "?panel=comments")
    await hers.evaluate("location.hash = 'seg-1'")
    await hers.wait_for_selector("#seg-1.sought")
    await hers.keyboard.press("m")
    await hers.wait_for_selector("#comment-text:focus")
    assert "It rose overnight." in await hers.inner_text("#comment-form [data-slot=where]")
    await hers.keyboard.type("Which <b>river</b>?")
    await hers.keyboard.press("Control+Enter")
    # He sees it at once: in the list, on the row, and it is said.
    await his.wait_for_selector("#comments >> text=Which <b>river</b>?")
    await his.wait_for_selector(f"#seg-1 {MARK}")
    await his.wait_for_selector("#status:has-text('New comment by Alice')", state="attached")
    assert await his.inner_text("#comment-count") == "1"
    # New text moves nothing of it, and keeps the mark.
    await his.click("[data-reply]")
    await his.keyboard.type("The Alva")
    await text.arefresh_from_db()
    await speak(text, ["Somebody coughed."])
    await publish.ring(text.pk, text.team_id, text.last_seq)
    await his.wait_for_selector("#seg-3")
    assert await his.input_value("#comment-text") == "The Alva"
    await his.keyboard.press("Control+Enter")
    await hers.wait_for_selector(".answers >> text=The Alva")
    # What one has unfolded stays so while the other writes.
    await hers.click(".comment-delete summary >> nth=0")
    await sync_to_async(comments.write)(text, bob, "Another.", segment=2)
    await hers.wait_for_selector("#comments >> text=Another.")
    assert await hers.is_visible(".comment-delete[open] button")
    await his.click("text=Resolve >> nth=0")
    await hers.wait_for_selector(f"#seg-1 {MARK}", state="detached")
    await hers.wait_for_selector(f"#seg-2 {MARK}")
    assert await sync_to_async(lambda: Comment.objects.get(text="The Alva").parent.resolved_name)() == "Bob"


async def test_a_mark_leads_to_the_comment_and_the_comment_to_the_passage(product, alice, text):  # noqa: F811
    await sync_to_async(comments.write)(text, alice, "Who?", segment=2)
    page = await visit(product, alice, text)
    assert await page.is_hidden("#panel-comments")
    await page.click(f"#seg-2 {MARK}")
    assert await page.is_visible("#panel-comments")
    assert await page.evaluate("document.activeElement.matches('.comment-time')")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#seg-2.sought")
    # The same place once more.
    await page.evaluate("document.querySelector('#seg-2').classList.remove('sought')")
    await page.click("a.comment-time")
    await page.wait_for_selector("#seg-2.sought")
    # Joined with the one before, the passage takes its comment along.
    await page.dblclick("#seg-1 .said")
    await page.click("#seg-1 [data-act=merge]")
    await page.wait_for_selector(f"#seg-1 {MARK}", state="attached")
    await page.wait_for_selector("a.comment-time[href='#seg-1']")


async def test_without_a_network_a_comment_stays_in_its_field_and_in_the_tab(product, bob, text):  # noqa: F811
    page = await visit(product, bob, text, "?panel=comments")
    await page.click("#comment-text")
    await page.click("[data-forget]")
    assert await page.inner_text("#comment-form [data-slot=where]") == "On the whole transcript"
    await page.keyboard.type("All good.")
    await page.context.set_offline(True)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#comment-form [data-slot=note]:has-text('Your text is kept here')")
    assert await page.input_value("#comment-text") == "All good."
    await page.context.set_offline(False)
    await page.reload()
    await page.wait_for_selector(LIVE, state="attached")
    assert await page.input_value("#comment-text") == "All good."
    await page.focus("#comment-text")
    await page.click("[data-forget]")
    await page.click("text=Send")
    await page.wait_for_selector("#comments >> text=All good.")
    comment = await Comment.objects.aget()
    assert (comment.segment, comment.text) == (None, "All good.")
    assert await page.evaluate("Object.keys(sessionStorage).filter(key => key.startsWith('comment'))") == []


async def test_tabs_are_keys_and_a_viewer_reads(product, alice, victor, text):  # noqa: F811
    await sync_to_async(comments.write)(text, alice, "Who?", segment=2)
    page = await visit(product, victor, text)
    await page.focus("#tab-details")
    await page.keyboard.press("ArrowRight")
    assert await page.evaluate("document.activeElement.id") == "tab-comments"
    assert await page.is_visible("#panel-comments >> text=Who?")
    assert await page.is_hidden("#panel-details")
    assert await page.locator("#comment-form, [data-reply], [data-comment-act]").count() == 0
    await page.keyboard.press("End")
    assert await page.is_visible("#panel-activity")
    await page.keyboard.press("ArrowRight")
    assert await page.is_visible("#panel-details")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_the_panel_opens_from_the_editor(product, alice, text, scheme):  # noqa: F811
    page = await visit(product, alice, text, width=360, color_scheme=scheme, reduced_motion="reduce")
    await page.dblclick("#seg-1 .said")
    await page.click("#seg-1 [data-act=comment]")
    await page.wait_for_selector("#comment-text:focus")
    await page.keyboard.type("Who?")
    await page.click("text=Send")
    await page.wait_for_selector("#comments >> text=Who?")
    assert await judge(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_ones_own_is_edited_in_place_and_not_over_what_another_tab_saved(product, alice, bob, text):  # noqa: F811
    comment = await sync_to_async(comments.write)(text, alice, "Which rivver?", segment=1)
    page = await visit(product, alice, text, "?panel=comments")
    await page.click(".comment-edit summary")
    await page.fill(".comment-edit textarea", "Which river?")
    # Somebody else writes meanwhile: the list is read again, and what is being typed stays.
    await sync_to_async(comments.write)(text, bob, "Another.", segment=2)
    await page.wait_for_selector("#comments >> text=Another.")
    assert await page.input_value(".comment-edit textarea") == "Which river?"
    await sync_to_async(comments.edit)(text, alice, comment.pk, "Which stream?", 0)
    await page.wait_for_selector(".comment-text >> text=Which stream?")
    await page.click(".comment-edit button")
    await page.wait_for_selector(".comment-edit [data-slot=note]:has-text('“Which stream?”')")
    assert await page.input_value(".comment-edit textarea") == "Which river?"
    await page.click(".comment-edit button")
    await page.wait_for_selector(".comment-text >> text=Which river?")
    assert await page.is_visible(".comment-edited")
    assert await page.is_hidden(".comment-edit textarea")
    assert await judge(page) == []
