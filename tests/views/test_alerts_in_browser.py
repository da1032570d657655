"""Alerts in a real browser: a watched word shows on the open page of its transcript and on the page of alerts."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from tests.alerts.test_alerts import say
from tests.conftest import async_db
from tests.views.browsing import product  # noqa: F401 - a fixture
from transcripts import news
from transcripts.models import Watchlist

pytestmark = [
    pytest.mark.browser,
    async_db,
    # WhiteNoise's way of sending files, to a server that knows no other.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@sync_to_async
def hear(transcript, index, text):
    """Text is committed and the worker's reader comes by."""
    say(transcript, index, text)
    news.read_all()


async def test_a_watched_word_shows_at_once_where_people_look(product, bob, team, make_transcript):  # noqa: F811
    await sync_to_async(Watchlist.objects.create)(team=team, name="City", terms=["mayor"])
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    session = await product.visit(bob, f"/s/{transcript.pk}")
    await session.wait_for_selector("#link-state[data-state=live]", state="attached")
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
