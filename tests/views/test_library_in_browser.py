"""From words in the library's box to the second at which they were said, in a real browser."""

from __future__ import annotations

import re

import pytest
from asgiref.sync import sync_to_async

from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture

pytestmark = in_browser

IN_VIEW = """selector => {
  const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}"""


@on_the_loop
async def archive(make_transcript):
    """A long day, in which line 330, at 11:00, speaks of a pelican, and a short one."""
    day = await sync_to_async(make_transcript)(title="A long day", state="completed")
    texts = [f"Line number {index} of the day." for index in range(450)]
    texts[330] = "Here the grey pelican came back."
    await speak(day, texts)
    await speak(await sync_to_async(make_transcript)(title="A short one", state="completed"), ["No bird at all."])
    return day


@pytest.mark.parametrize("width", [1280, 360])
async def test_a_passage_that_was_found_opens_at_its_second(product, alice, archive, width):  # noqa: F811
    page = await product.visit(alice, "/library", width=width)
    assert await page.locator(".row").count() == 2
    await page.locator("#q").press_sequentially("\u201cgrey pelican\u201d")
    hit = page.locator(".hit")
    await hit.wait_for()
    assert await page.locator(".row").count() == 1
    assert await hit.locator("mark").all_inner_texts() == ["grey pelican"]
    assert await hit.locator(".hit-time").inner_text() == "11:00"
    await hit.click()
    await page.wait_for_url(f"**/s/{archive.pk}?t=660&seg=*#seg-*")
    await page.wait_for_selector("#seg-330.sought")
    assert (await page.locator("#seg-330 .said").inner_text()).strip() == "Here the grey pelican came back."
    await page.wait_for_function(IN_VIEW, arg="#seg-330")
    await page.go_back()
    await page.wait_for_url(re.compile(r"/library\?.*pelican"))
    await page.locator(".hit").wait_for()


async def test_a_row_is_exported_from_where_it_stands_and_the_short_view_stays(product, alice, archive):  # noqa: F811
    page = await product.visit(alice, "/library")
    await page.click(".views >> text=Compact")
    await page.wait_for_url("**/library?view=compact")
    await page.locator("#q").press_sequentially("pelican")
    await page.locator(".compact .hit").wait_for()
    assert "view=compact" in page.url
    await page.click("[data-export]")
    await page.wait_for_selector(".export-dialog[open]")
    assert f"/s/{archive.pk}/export" in await page.locator(".export-dialog form").first.get_attribute("action")
