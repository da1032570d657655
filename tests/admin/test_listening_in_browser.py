"""Staff listen to a recording from the admin's page in a real browser: a time in the text is a place in the sound."""

from __future__ import annotations

import asyncio

from asgiref.sync import sync_to_async

from tests.admin.conftest import operator, speak  # noqa: F401 - fixtures
from tests.admin.test_transcripts import url
from tests.views.browsing import in_browser, product  # noqa: F401 - a fixture
from transcripts.models import Act, AuditEntry, SourceKind, State

pytestmark = in_browser

NOW = "document.getElementById('sound').currentTime"


async def until(page, expression: str) -> None:
    """Asked again from here: what a page polls itself is an eval, which the policy refuses."""
    async with asyncio.timeout(60):
        while not await page.evaluate(expression):
            await asyncio.sleep(0.05)


async def test_a_time_plays_from_there_and_leaves_the_page_where_it_is(product, operator, speak):  # noqa: F811
    talk = await sync_to_async(speak)("One.", "Two.", "Three.", source_kind=SourceKind.SAMPLE, state=State.COMPLETED)
    page = await product.visit(operator, url(talk))
    times = page.locator("#text a[data-ms]")
    assert await times.count() == 3
    await times.nth(1).click()
    await until(page, f"{NOW} >= 2 && !document.getElementById('sound').paused")
    assert page.url.endswith(url(talk))
    # The place and the wish to play are set before anything was asked for.
    async with asyncio.timeout(60):
        while not await AuditEntry.objects.filter(act=Act.HEARD_BY_STAFF, actor="olga").aexists():
            await asyncio.sleep(0.05)
    await page.evaluate("document.getElementById('sound').pause()")
    await times.nth(0).focus()
    await page.keyboard.press("Enter")
    await until(page, f"{NOW} < 2 && !document.getElementById('sound').paused")


async def test_a_time_opened_in_another_tab_is_the_recording_itself(product, operator, speak):  # noqa: F811
    talk = await sync_to_async(speak)("One.", "Two.", source_kind=SourceKind.SAMPLE, state=State.COMPLETED)
    page = await product.visit(operator, url(talk))
    async with page.context.expect_page() as opened:
        await page.locator("#text a[data-ms]").nth(1).click(modifiers=["Control"])
    other = await opened.value
    await other.wait_for_url(f"**/admin/listen/{talk.pk}*")
    assert await page.evaluate(f"document.getElementById('sound').paused && {NOW} === 0")
