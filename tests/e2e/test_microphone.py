"""The microphone page with a real recording played into Chromium's fake microphone, and a network that goes away."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import FLAGS, LISTEN
from transcripts.media.ffmpeg import find_program

pytestmark = [pytest.mark.browser, pytest.mark.speech]

#: From the beginning to the end of what the sample says.
SAID = ("matter", "again", "better")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample between silences, in the form that Chromium plays."""
    from transcripts.media.sample import find_sample

    found = find_sample()
    assert found is not None
    path = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    command = [find_program(), "-loglevel", "error", "-i", str(found.path), "-af", "adelay=3000,apad=pad_dur=300"]
    subprocess.run([*command, "-ac", "1", "-ar", "48000", str(path)], check=True)
    return path


@pytest.fixture
def microphone(address: tuple[str, str], spoken: Path) -> Iterator[Any]:
    """A page on ``/mic`` of somebody who is logged in, in a browser whose microphone hears the sample."""
    path = shutil.which("chromium")
    if path is None and os.environ.get("STTWEB_REQUIRE_ALL") != "1":
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    origin, password = address
    flags = [*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*flags, f"--use-file-for-fake-audio-capture={spoken}%noloop"]
        )
        context = browser.new_context(base_url=origin, permissions=["microphone"])
        context.add_init_script(LISTEN)
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto("/login")
        page.fill("#id_username", "owner")
        page.fill("#id_password", password)
        page.click("text=Log in >> nth=-1")
        page.wait_for_url(f"{origin}/")
        page.goto("/mic")
        yield page
        assert page.evaluate("window.refused") == []
        browser.close()


def test_what_is_said_appears_and_a_network_that_was_away_costs_no_word(microphone: Any) -> None:
    page = microphone
    page.fill("#id_title", "Dictation")
    page.click("text=Open the microphone")
    page.wait_for_selector("#recorder[data-state=off]")
    page.click("#recorder [data-slot=record]")
    page.wait_for_selector("#recorder[data-state=recording]")
    page.wait_for_selector("#partial:not([hidden])")
    page.context.set_offline(True)
    page.wait_for_selector("#recorder [data-slot=kept]:not([hidden])")
    page.wait_for_timeout(3000)  # so much is spoken while nobody can be reached
    if folder := os.environ.get("STTWEB_SHOTS"):
        page.screenshot(path=f"{folder}/mic-away.png")
        page.set_viewport_size({"width": 360, "height": 800})
        page.screenshot(path=f"{folder}/mic-away-360.png")
    page.context.set_offline(False)
    page.wait_for_selector("#recorder [data-slot=kept]", state="hidden")
    page.wait_for_selector("#session .words:has-text('better')")
    page.click("#recorder [data-slot=stop]")
    page.wait_for_selector("#session[data-state=completed]")
    page.wait_for_selector("#recorder[data-state=ended]")
    if folder := os.environ.get("STTWEB_SHOTS"):
        page.screenshot(path=f"{folder}/mic-ended.png")
    words = " ".join(page.locator("#lines .said").all_inner_texts()).lower()
    places = [words.find(word) for word in SAID]
    assert -1 not in places, words
    assert places == sorted(places)
    assert page.locator("#lines .gap").count() == 0
