"""The title changed where it stands, short passages as paragraphs, and new text spoken on request, in a browser."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from tests.chromium import LIVE
from tests.views.browsing import in_browser, product, speak  # noqa: F401 - a fixture
from transcripts.live import publish
from transcripts.models import Segment

pytestmark = in_browser

TOP = "selector => document.querySelector(selector).getBoundingClientRect().top"


async def test_a_title_changed_in_place_reaches_other_pages_and_the_board(product, bob, victor, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(title="Old title", state="completed")
    his, board, hers = (
        await product.visit(bob, f"/s/{transcript.pk}"),
        await product.visit(victor, "/"),
        await product.visit(victor, f"/s/{transcript.pk}"),
    )
    for each in (his, board, hers):
        await each.wait_for_selector(LIVE, state="attached")
    assert await hers.locator("#edit-title").count() == 0
    await his.dblclick("h1")
    await his.keyboard.type("Not this")
    await his.keyboard.press("Escape")
    assert await his.inner_text("h1") == "Old title"
    await his.click("#edit-title")
    assert await his.input_value("#title-form input[name=title]") == "Old title"
    await his.keyboard.type("New & <b>better</b> title")
    await his.keyboard.press("Enter")
    for each in (his, hers):
        await each.wait_for_selector("h1:has-text('New & <b>better</b> title')")
        assert await each.title() == "New & <b>better</b> title · sttweb"
    await board.wait_for_selector(".card-title:has-text('New & <b>better</b> title')")
    assert await his.evaluate("document.activeElement.id") == "edit-title"


async def test_an_empty_title_and_a_lost_network_are_said_and_nothing_typed_is_lost(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(title="Old title", state="completed")
    page = await product.visit(bob, f"/s/{transcript.pk}")
    await page.click("#edit-title")
    await page.fill("#title-form input[name=title]", " \t ")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#title-form .field-error:has-text('A title needs at least one letter')")
    await page.context.set_offline(True)
    await page.fill("#title-form input[name=title]", "Typed in a tunnel")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#title-form .field-error:has-text('Not saved: the server did not answer.')")
    assert await page.input_value("#title-form input[name=title]") == "Typed in a tunnel"
    await page.context.set_offline(False)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("h1:has-text('Typed in a tunnel')")


async def test_short_passages_of_one_voice_become_paragraphs_and_stay_rows(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, [f"Short one {index}." for index in range(8)])
    await Segment.objects.filter(transcript=transcript, index__gte=4).aupdate(speaker="Ana")
    page = await product.visit(bob, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    lefts = "[...document.querySelectorAll('#lines .line .said')].map(row => row.getClientRects()[0].left)"
    assert len(set(await page.evaluate(lefts))) == 1
    await page.check("#paragraphs-toggle")
    begins = "[...document.querySelectorAll('#lines .begins')].map(row => row.id)"
    assert await page.evaluate(begins) == ["seg-0", "seg-4"]
    assert len(set(await page.evaluate(lefts))) > 2
    assert await page.evaluate(TOP, "#seg-1 .said") == await page.evaluate(TOP, "#seg-0 .said")
    assert await page.locator("#lines li.line").count() == 8
    await speak(transcript, ["Short one 8."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#seg-8.begins", state="attached")
    await page.evaluate("location.hash = '#seg-2'")
    await page.wait_for_selector("#seg-2.sought")
    await page.dblclick("#seg-2 [data-slot=text]")
    await page.fill("#seg-2 textarea", "Longer than it was.")
    await page.keyboard.press("Control+Enter")
    await page.wait_for_selector("#seg-2 [data-slot=text]:has-text('Longer than it was.')")
    await page.keyboard.press("Escape")
    await page.reload()
    assert await page.is_checked("#paragraphs-toggle")
    await page.wait_for_selector("#lines.paragraphs")
    await page.uncheck("#paragraphs-toggle")
    assert len(set(await page.evaluate(lefts))) == 1


async def test_new_text_is_spoken_only_to_those_who_asked_for_it(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["Old one."])
    page = await product.visit(bob, f"/s/{transcript.pk}")
    await page.wait_for_selector(LIVE, state="attached")
    await speak(transcript, ["Not spoken."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#seg-1")
    assert await page.inner_text("#aloud") == ""
    await page.check("#aloud-toggle")
    for number in range(7):
        await speak(transcript, [f"Spoken {number}."])
        await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
        await page.wait_for_selector(f"#aloud:has-text('Spoken {number}.')", state="attached")
    assert await page.locator("#aloud p").count() == 5
    assert await page.get_attribute("#aloud", "aria-live") == "polite"
    assert await page.get_attribute("[role=log]", "aria-live") == "off"
