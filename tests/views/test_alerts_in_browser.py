"""Alerts in a real browser: a watched word shows on the open page of its transcript and on the page of alerts."""

from __future__ import annotations

import asyncio

from asgiref.sync import sync_to_async

from tests.alerts.test_alerts import say
from tests.chromium import LIVE
from tests.views.browsing import in_browser, product  # noqa: F401 - a fixture
from transcripts import news
from transcripts.models import SourceKind, Watchlist

pytestmark = in_browser


@sync_to_async
def hear(transcript, index, text):
    """Text is committed and the worker's reader comes by."""
    say(transcript, index, text)
    news.read_all()


async def test_a_watched_word_shows_at_once_where_people_look(product, bob, team, make_transcript):  # noqa: F811
    await sync_to_async(Watchlist.objects.create)(team=team, name="City", terms=["mayor"])
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    session = await product.visit(bob, f"/s/{transcript.pk}")
    await session.wait_for_selector(LIVE, state="attached")
    alerts = await product.visit(bob, "/alerts", width=360)
    await hear(transcript, 7, "and the mayor of <London> spoke")
    toast = session.locator("#alert-toast")
    await toast.wait_for()
    assert "1:11 “mayor”" in await toast.inner_text()
    assert await toast.locator("a").get_attribute("href") == "#t=1:11"
    await session.wait_for_selector("#alerts mark", state="attached")
    await alerts.wait_for_selector("#hits mark")
    assert "of <London> spoke" in await alerts.inner_text("#hits")
    assert await alerts.evaluate("document.documentElement.scrollWidth") <= 360


async def test_what_was_said_is_played_on_the_page_of_alerts_and_stops(product, bob, team, make_transcript):  # noqa: F811
    await sync_to_async(Watchlist.objects.create)(team=team, name="City", terms=["mayor"])
    heard = await sync_to_async(make_transcript)(state="completed", source_kind=SourceKind.SAMPLE)
    silent = await sync_to_async(make_transcript)(state="completed", title="Nothing kept")
    for transcript in (heard, silent):
        await hear(transcript, 0, "one two three four mayor")
    page = await product.visit(bob, "/alerts")
    button = page.locator("[data-hit]")
    await button.wait_for()
    assert await page.locator("[data-hit]").count() == 1
    await button.click()
    async with asyncio.timeout(60):
        while not await page.evaluate("document.getElementById('hit-sound').currentTime > 0.2"):
            await asyncio.sleep(0.05)
    assert await button.get_attribute("aria-pressed") == "true"
    # Rows that are read anew know what plays.
    await page.evaluate("htmx.ajax('GET', '/alerts', {target: '#hits'})")
    await page.wait_for_selector("[data-hit][aria-pressed=true]")
    await page.locator("[data-hit]").click()
    assert await page.evaluate("document.getElementById('hit-sound').paused")
    assert await page.locator("[data-hit][aria-pressed=true]").count() == 0
