"""Two people correct one transcript in two browsers, first while it is still being heard, then to its approval."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture
from transcripts.live import publish
from transcripts.models import Transcript

pytestmark = in_browser


async def hear(transcript, *texts):
    """New text, told to the open pages."""
    await speak(transcript, list(texts))
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)


@on_the_loop
async def live(make_transcript):
    transcript = await sync_to_async(make_transcript)(title="Council", state="running", is_live=True)
    await speak(transcript, ["The river rose.", "It rose overnight.", "Nobody slept."])
    return transcript


async def both(product, alice, bob, transcript):  # noqa: F811
    pages = [await product.visit(person, f"/s/{transcript.pk}") for person in (alice, bob)]
    for page in pages:
        await page.wait_for_selector(LIVE, state="attached")
    return pages


async def test_f55_two_editors_see_each_other_and_lose_nothing_to_the_approval(product, alice, bob, live):  # noqa: F811
    hers, his = await both(product, alice, bob, live)
    await hers.dblclick("#seg-0 .said")
    await hers.fill("#seg-0 textarea", "The river sank.")
    await his.wait_for_selector("#seg-0 >> text=Alice is editing")
    # New text disturbs nobody who types.
    await hear(live, "Somebody coughed.")
    await hers.wait_for_selector("#seg-3")
    assert await hers.input_value("#seg-0 textarea") == "The river sank."
    # He saves first, after a warning that does not stop him.
    await his.hover("#seg-0")
    await his.click("#seg-0 [data-edit]")
    await his.wait_for_selector("#seg-0 .editor >> text=Alice is editing")
    await his.fill("#seg-0 textarea", "The river fell.")
    await his.keyboard.press("Control+Enter")
    await his.wait_for_selector("#seg-1 textarea")
    await his.keyboard.press("Escape")
    await hers.wait_for_selector("#seg-0 >> text=Bob saved this passage meanwhile")
    # Her save shows both, and hers wins because she says so.
    await hers.focus("#seg-0 textarea")
    await hers.keyboard.press("Control+Enter")
    await hers.wait_for_selector("#seg-0 .conflict:not([hidden])")
    assert await hers.inner_text("#seg-0 .conflict [data-slot=theirs] del") == " fell."
    assert await hers.inner_text("#seg-0 .conflict [data-slot=mine] ins") == " sank."
    await hers.click("#seg-0 [data-act=mine]")
    await his.wait_for_selector("#seg-0 >> text=The river sank.")
    texts = [row async for row in live.revisions.order_by("version").values_list("text", "by_name")]
    assert texts == [("The river fell.", "Bob"), ("The river sank.", "Alice")]
    await hers.wait_for_selector("#seg-1 textarea")
    await hers.keyboard.press("Escape")
    # It ends; she approves on the review screen, and his page is read-only at once.
    await Transcript.objects.filter(pk=live.pk).aupdate(state="completed")
    await hers.goto(f"/s/{live.pk}/review")
    await hers.click("text=Approve >> nth=-1")
    await hers.wait_for_selector("#standing >> text=Approved by Alice")
    await his.wait_for_selector("#standing >> text=Approved by Alice")
    assert await his.is_hidden("#seg-0 [data-edit]")
    response = await his.request.get(f"/s/{live.pk}/export/vtt")
    assert "NOTE Approved by Alice on" in await response.text()
    await hers.click("text=Reopen…")
    await hers.fill("#reopen-reason", "A name is wrong")
    await hers.click("#standing form .button")
    await his.wait_for_selector("#standing >> text=A name is wrong")
    await his.hover("#seg-0")
    await his.click("#seg-0 [data-edit]")
    await his.wait_for_selector("#seg-0 textarea")


async def test_cut_join_check_and_history_without_a_pointer(product, alice, bob, live):  # noqa: F811
    hers, his = await both(product, alice, bob, live)
    await hers.evaluate("location.hash = 'seg-1'")
    await hers.wait_for_selector("#seg-1.sought")
    await hers.keyboard.press("e")
    await hers.wait_for_selector("#seg-1 textarea:focus")
    await hers.evaluate("document.activeElement.setSelectionRange(7, 7)")
    await hers.click("#seg-1 [data-act=split]")
    await hers.wait_for_selector("#lines .line:nth-of-type(3) textarea")
    rows = "[...document.querySelectorAll('#lines .line [data-slot=text]')].map(text => text.textContent)"
    expected = ["The river rose.", "It rose", "overnight.", "Nobody slept."]
    assert await hers.evaluate(rows) == expected
    await his.locator("#lines .line").nth(3).wait_for()
    assert await his.evaluate(rows) == expected
    # What was typed and not saved is there again.
    await hers.fill("textarea", "by night.")
    await hers.keyboard.press("Escape")
    await hers.wait_for_selector(".line.has-draft")
    await hers.dblclick(".line.has-draft .said")
    assert await hers.input_value("textarea") == "by night."
    await hers.keyboard.press("Control+Shift+Enter")
    await his.wait_for_selector("#lines .line:nth-of-type(3)[data-checked='1'] >> text=by night.")
    await hers.wait_for_selector("#seg-2 textarea")
    await hers.keyboard.press("Escape")
    await hers.dblclick("#seg-1 .said")
    await hers.click("#seg-1 [data-act=merge]")
    await his.locator("#lines .line").nth(3).wait_for(state="detached")
    assert await his.evaluate(rows) == ["The river rose.", "It rose by night.", "Nobody slept."]
    await hers.wait_for_selector("#seg-1 textarea")
    await hers.click("#seg-1 [data-act=history]")
    await hers.wait_for_selector("#history >> text=As heard")
    await hers.click("#history li:last-child button")
    await his.wait_for_selector("#seg-1 >> text=It rose overnight.")


async def test_without_a_network_the_text_stays_in_the_field(product, alice, live):  # noqa: F811
    page = await product.visit(alice, f"/s/{live.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    await page.dblclick("#seg-2 .said")
    await page.fill("#seg-2 textarea", "Everybody slept.")
    await page.context.set_offline(True)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#seg-2 >> text=Your text is kept here")
    assert await page.input_value("#seg-2 textarea") == "Everybody slept."
    await page.context.set_offline(False)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#seg-2 .said >> text=Everybody slept.")
    assert await live.segments.filter(text="Everybody slept.", version=1).aexists()


async def test_find_and_replace_tells_how_many_before_it_does(product, alice, live):  # noqa: F811
    page = await product.visit(alice, f"/s/{live.pk}", width=360)
    await page.wait_for_selector(LIVE, state="attached")
    await page.click(".more-menu > summary")
    await page.click("#open-replace")
    await page.fill("#replace-find", "rose")
    await page.fill("#replace-by", "sank")
    await page.wait_for_selector("#replace >> text=2 passages would change")
    await page.click("#replace [data-do]")
    await page.wait_for_selector("#replace >> text=Changed passages: 2")
    assert await page.inner_text("#seg-0 [data-slot=text]") == "The river sank."
