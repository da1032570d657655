"""The page of a feed's episodes in a real browser, with a feed that is fetched: from the pasted link to transcripts."""

from __future__ import annotations

from tests.media.origins import podcast
from tests.views.browsing import in_browser, on_the_loop, product  # noqa: F401 - a fixture
from tests.views.test_feed import _nobody_asked_before, site  # noqa: F401 - fixtures
from transcripts.models import Transcript

pytestmark = in_browser

SHOWN = "#episodes .episode"


@on_the_loop
async def episodes(product, bob, site):  # noqa: F811
    """Bob's page with the 214 episodes of a feed, come upon by pasting its link."""
    page = await product.visit(bob, "/new")
    await page.fill("[name=links]", site.serve("/feed.xml", podcast(214, title="The Harbour")))
    await page.focus("[name=language]")
    await page.click("[data-probe] button:has-text('Choose episodes')")
    await page.wait_for_selector("h1:has-text('The Harbour')")
    return page


async def turn(page, number: int) -> None:
    """One page on, and it is there."""
    await page.click("[rel=next]")
    await page.wait_for_selector(f".pages:has-text('Page {number} of 3')")


async def search(page, title: str) -> None:
    """Pick the one with this title."""
    await page.fill("#q", title)
    await page.locator(SHOWN).nth(1).wait_for(state="detached")
    await page.check(f"{SHOWN}:has-text('{title} &') input")


async def test_what_is_picked_stays_picked_while_the_list_is_searched_and_turned(episodes):
    page = episodes
    first = (await page.locator(f"{SHOWN}-title").first.inner_text()).split(" &")[0]
    await page.locator(f"{SHOWN} input").first.check()
    await turn(page, 2)
    await search(page, "Episode 100")
    await search(page, "Episode 77")
    assert await page.text_content("[data-count]") == "3 picked"
    await page.fill("#q", "")
    await page.uncheck(f"{SHOWN}:has-text('{first} &') input:checked")
    assert await page.text_content("[data-count]") == "2 picked"
    await page.click("text=Transcribe the picked episodes")
    await page.wait_for_selector(".card >> nth=1")
    titles = [title async for title in Transcript.objects.order_by("title").values_list("title", flat=True)]
    assert titles == ["Episode 100 & more", "Episode 77 & more"]


async def test_all_on_the_page_are_ticked_at_once_and_going_back_keeps_the_place(episodes):
    page = episodes
    await turn(page, 2)
    await turn(page, 3)
    await page.check("[data-all]")
    assert await page.text_content("[data-count]") == "14 picked"
    assert await page.locator(f"{SHOWN} input:checked").count() == 14
    await page.locator(f"{SHOWN} input").nth(5).uncheck()
    assert await page.evaluate("document.querySelector('[data-all]').indeterminate")
    await page.go_back()
    await page.wait_for_selector(".pages:has-text('Page 2 of 3')")
    assert await page.text_content("[data-count]") == "13 picked"
    await page.locator(f"{SHOWN} input").first.check()
    assert await page.text_content("[data-count]") == "14 picked"
    await page.go_forward()
    await page.wait_for_selector(f".feed:has-text('Page 3 of 3') {SHOWN} input:checked >> nth=12")
    assert await page.locator(f"{SHOWN} input:checked").count() == 13


async def test_a_feed_pasted_on_the_board_leads_to_its_episodes_too(product, bob, site):  # noqa: F811
    page = await product.visit(bob, "/")
    await page.fill("[name=links]", site.serve("/feed.xml", podcast(3, title="The Harbour")))
    await page.keyboard.press("Tab")
    await page.evaluate("document.activeElement.blur()")
    await page.click("[data-probe] button:has-text('Choose episodes')")
    await page.wait_for_selector("h1:has-text('The Harbour')")
    assert await page.locator(SHOWN).count() == 3


async def test_nothing_picked_is_said_and_nothing_is_started(episodes):
    page = episodes
    await page.click("text=Transcribe the picked episodes")
    await page.wait_for_selector("[role=alert]")
    assert not await Transcript.objects.aexists()
