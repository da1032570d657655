"""The board in real browsers: cards change and move for everybody, keep the focus, and never jump the page."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.chromium import LIVE
from tests.views.browsing import in_browser, on_the_loop, product  # noqa: F401 - a fixture
from transcripts import services
from transcripts.live import publish
from transcripts.models import Transcript

pytestmark = in_browser

ORDER = "[...document.querySelectorAll('#cards .card')].map(card => card.dataset.card)"


async def tell(transcript, **fields):
    """Change a row as its worker would, and ring."""
    await Transcript.objects.filter(pk=transcript.pk).aupdate(last_seq=transcript.last_seq + 1, **fields)
    await transcript.arefresh_from_db()
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)


@on_the_loop
async def three(make_transcript):
    return [await sync_to_async(make_transcript)(title=f"Number {n}", state="completed") for n in range(3)]


async def test_two_browsers_see_a_card_move_to_the_front_and_say_how_it_is(product, alice, bob, three):  # noqa: F811
    pages = [await product.visit(alice, "/"), await product.visit(bob, "/", width=360)]
    for page in pages:
        await page.wait_for_selector(LIVE, state="attached")
        assert await page.evaluate(ORDER) == [str(row.pk) for row in reversed(three)]
    moving = three[0]
    await tell(
        moving,
        state="running",
        is_live=True,
        last_text="The river rose.",
        committed_samples=16_000 * 90,
        delay_ms=2100,
        settled_at=timezone.now(),
    )
    for page in pages:
        card = page.locator(f"[data-card='{moving.pk}']")
        await card.locator(".behind:has-text('2.1 s behind')").wait_for()
        assert (await page.evaluate(ORDER))[0] == str(moving.pk)
        assert await card.locator(".card-text").inner_text() == "The river rose."
        assert await card.locator(".strip").get_attribute("aria-label") == "1:30 heard"
        assert await page.inner_text("[data-filter=active] span") == "1"


async def test_the_focus_stays_on_the_card_that_moves(product, alice, three):  # noqa: F811
    page = await product.visit(alice, "/")
    await page.wait_for_selector(LIVE, state="attached")
    await page.focus(f"[data-card='{three[0].pk}'] a")
    await tell(three[0], state="failed", message="The server has nothing there.", next_step="Check the link.")
    await page.wait_for_selector(f"[data-card='{three[0].pk}'][data-state=failed]")
    held = "document.activeElement.closest('.card')?.dataset.card"
    assert await page.evaluate(held) == str(three[0].pk)
    assert "Check the link." in await page.inner_text(f"[data-card='{three[0].pk}'] .card-problem")


async def test_new_text_moves_no_other_card(product, alice, three):  # noqa: F811
    page = await product.visit(alice, "/", width=360)
    await page.wait_for_selector(LIVE, state="attached")
    await tell(three[2], last_text="One.")
    await page.wait_for_selector(".card-text:has-text('One.')")
    where = f"document.querySelector(`[data-card='{three[0].pk}']`).getBoundingClientRect().top"
    top = await page.evaluate(where)
    await tell(
        three[2], last_text="A much longer sentence that takes more than one line of a narrow card, surely. " * 3
    )
    await page.wait_for_selector(".card-text:has-text('surely')")
    assert abs(await page.evaluate(where) - top) < 1


async def test_readers_are_counted_and_trouble_has_ways_out(product, alice, bob, make_transcript):  # noqa: F811
    row = await sync_to_async(make_transcript)(title="Committee", state="paused")
    await tell(row, engine="elevenlabs", code="quota_exceeded", message="The quota is used up.", next_step="Wait.")
    board = await product.visit(alice, "/")
    await product.visit(bob, f"/s/{row.pk}")
    card = board.locator(f"[data-card='{row.pk}']")
    await card.locator(".card-watchers:has-text('1')").wait_for()
    await card.locator("text=Continue with the offline engine").click()
    await board.wait_for_selector(f"[data-card='{row.pk}'][data-state=queued]")
    await row.arefresh_from_db()
    assert (row.engine, row.message) == ("embedded", "")
    await sync_to_async(services.cancel)(row)
    await board.wait_for_selector(f"[data-card='{row.pk}'][data-state=cancelled]")
