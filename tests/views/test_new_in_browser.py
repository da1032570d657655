"""The page for new transcripts in a real browser: findings of several links, presets that keep what was put in, errors
that keep the files."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from tests.views.browsing import in_browser, product  # noqa: F401 - a fixture
from transcripts.models import TeamPreset, Transcript

pytestmark = in_browser

LINKS = "http://192.168.0.4/a.mp3\nhttp://10.0.0.1/b.mp3\nhttp://172.16.0.9/c.mp3"
FILES = [
    {"name": "One <b>.wav", "mimeType": "audio/wav", "buffer": b"RIFF" + bytes(400)},
    {"name": "Two.mp3", "mimeType": "audio/mpeg", "buffer": bytes(400)},
]
CHOSEN = "[...document.querySelectorAll('.chosen-name')].map(name => name.textContent)"


async def test_each_link_gets_its_own_finding(product, bob):  # noqa: F811
    page = await product.visit(bob, "/new")
    await page.fill("[name=links]", LINKS)
    await page.focus("[name=language]")
    for host in ("192.168.0.4/a.mp3", "10.0.0.1/b.mp3", "172.16.0.9/c.mp3"):
        await page.wait_for_selector(f"[data-probe] li:has-text('{host}'):has-text('Blocked: private address')")
    assert await page.locator("[data-probe] li").count() == 3
    await page.fill("[name=links]", LINKS.splitlines()[1])
    await page.locator("[data-probe] li").nth(1).wait_for(state="detached")
    assert await page.locator("[data-probe] li").count() == 1


async def test_a_preset_changes_options_and_keeps_links_and_files(product, bob, team):  # noqa: F811
    make = sync_to_async(TeamPreset.objects.create)
    await make(team=team, name="Council", options={"preset": "manual", "pace": 2.0}, created_by=bob)
    page = await product.visit(bob, "/new")
    await page.fill("[name=links]", "https://media.example.org/a.mp3")
    await page.set_input_files("[name=uploads]", FILES)
    await page.click(".preset-name:has-text('Council')")
    await page.wait_for_selector("[data-chosen-preset]")
    assert await page.is_checked("[name=preset][value=manual]")
    assert await page.input_value("[name=links]") == "https://media.example.org/a.mp3"
    assert await page.evaluate(CHOSEN) == [file["name"] for file in FILES]


async def test_an_error_keeps_what_was_chosen_and_a_file_can_be_taken_off(product, bob):  # noqa: F811
    page = await product.visit(bob, "/new")
    await page.set_input_files("[name=uploads]", FILES)
    await page.fill("[name=links]", "ftp://media.example.org/a.mp3")
    await page.click(".sheet-end .primary")
    await page.wait_for_selector("[data-error-for=links]:not([hidden])")
    assert await page.evaluate(CHOSEN) == [file["name"] for file in FILES]
    assert await page.input_value("[name=links]") == "ftp://media.example.org/a.mp3"
    assert not await Transcript.objects.aexists()
    await page.click(".chosen li:has-text('Two.mp3') button[aria-label='Remove Two.mp3']")
    assert await page.evaluate(CHOSEN) == ["One <b>.wav"]
