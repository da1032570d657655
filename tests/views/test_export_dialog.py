"""The export dialog in a real browser: what is chosen is what is shown, copied and downloaded, also while live."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from tests.views.browsing import in_browser, on_the_loop, product, speak  # noqa: F401 - a fixture

pytestmark = in_browser


@on_the_loop
async def spoken(make_transcript):
    transcript = await sync_to_async(make_transcript)(title="Zoë’s <b>day</b>", state="running")
    await speak(transcript, [f"Line number {index} of a day that was long." for index in range(20)])
    return transcript


async def open_dialog(product, person, transcript):  # noqa: F811
    page = await product.visit(person, f"/s/{transcript.pk}")
    await page.click(".session-head [data-export]")
    await page.wait_for_selector(".export-dialog[open] .export-preview")
    return page


async def test_what_is_chosen_is_shown_and_downloaded(product, alice, spoken):  # noqa: F811
    page = await open_dialog(product, alice, spoken)
    assert "so far" in await page.inner_text(".so-far")
    assert await page.is_hidden("[data-option=columns]")
    await page.check(".export-dialog [value=srt]")
    await page.wait_for_selector(".export-preview[data-format=srt]")
    assert await page.is_hidden("[data-option=times]")
    await page.fill("[name=columns]", "22")
    await page.wait_for_selector(".export-end a[href*='columns=22']")
    shown = await page.inner_text(".export-preview pre")
    assert max(map(len, shown.splitlines())) <= 29  # the line of times
    async with page.expect_download() as download:
        await page.click(".export-end >> text=Download")
    assert (await download.value).suggested_filename == "Zoë’s b day b.srt"
    text = (await (await download.value).path()).read_text()
    assert text.startswith(shown.strip()[:200])


async def test_the_text_is_copied_and_the_dialog_gives_back_the_focus(product, alice, spoken):  # noqa: F811
    page = await open_dialog(product, alice, spoken)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.click("text=Copy the text")
    await page.wait_for_selector("button:has-text('Copied')")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert "Line number 0 of a day" in copied
    assert "Line number 19 of a day" in copied
    await page.keyboard.press("Escape")
    await page.wait_for_selector(".export-dialog", state="detached")
    assert await page.evaluate("document.activeElement.matches('[data-export]')")
