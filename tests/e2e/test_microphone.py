"""The microphone page with a real recording played into Chromium's fake microphone, and a network that goes away."""

from __future__ import annotations

import os
import re
import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import FLAGS, LISTEN, program
from tests.jobs.test_server import free_port
from tests.jobs.test_up import until_up, up
from transcripts.media.ffmpeg import find_program

pytestmark = [pytest.mark.browser, pytest.mark.speech]

#: From the beginning to the end of what the sample says.
SAID = ("matter", "again", "better")
#: Of these, what it says no second time.
ONCE = ("matter", "better")


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


@contextmanager
def listening(origin: str, password: str, spoken: Path) -> Iterator[Any]:
    """A page on ``/mic`` of somebody who is logged in, in a browser whose microphone hears the sample."""
    path = program()
    from playwright.sync_api import sync_playwright

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
        assert context.pages[-1].evaluate("window.refused") == []
        browser.close()


@pytest.fixture
def microphone(address: tuple[str, str], spoken: Path) -> Iterator[Any]:
    """`listening` before the product that all tests share."""
    with listening(*address, spoken) as page:
        yield page


def record(page: Any, title: str) -> None:
    """Begin to record, until the first words are guessed."""
    page.fill("#id_title", title)
    page.click("text=Open the microphone")
    page.wait_for_selector("#recorder[data-state=off]")
    page.click("#recorder [data-slot=record]")
    page.wait_for_selector("#recorder[data-state=recording]")
    page.wait_for_selector("#partial:not([hidden])")


def until_all_was_heard(page: Any) -> list[str]:
    """The words of the transcript, once everything that the sample says is there and it has ended."""
    page.wait_for_selector("#session .words:has-text('better')")
    page.click("#recorder [data-slot=stop]")
    page.wait_for_selector("#session[data-state=completed]")
    page.wait_for_selector("#recorder[data-state=ended]")
    assert page.locator("#lines .gap").count() == 0
    text = " ".join(page.locator("#lines .said [data-slot=text]").all_text_contents()).lower()
    return re.findall(r"[a-z']+", text)


def has_every_word_once(words: list[str]) -> bool:
    """What any hearing of the sample has, in its order and as often as it is said."""
    places = [words.index(word) for word in SAID if word in words]
    return len(places) == len(SAID) and places == sorted(places) and [words.count(word) for word in ONCE] == [1, 1]


def test_the_server_killed_in_the_middle_costs_no_word(spoken: Path, tmp_path: Path) -> None:
    port = free_port()
    settings = {"STTWEB_ENGINE_RECOGNIZER": "moonshine", "STTWEB_LEASE_SECONDS": "8", "STTWEB_HEARTBEAT_SECONDS": "2"}
    with up(tmp_path, port, **settings) as first:
        found = re.search(r"Password\s+(\S+)", until_up(first))
        assert found
        with listening(f"http://127.0.0.1:{port}", found[1], spoken) as page:
            record(page, "Killed")
            first.kill()
            first.wait()
            page.wait_for_selector("#recorder [data-slot=kept]:not([hidden])")
            page.wait_for_timeout(3000)  # so much is spoken while nobody is there
            with up(tmp_path, port, **settings) as second:
                words = until_all_was_heard(page)
                assert has_every_word_once(words), words
                second.kill()


def test_what_a_closed_page_could_not_send_is_sent_by_the_next_one(microphone: Any) -> None:
    page = microphone
    record(page, "Closed")
    page.context.set_offline(True)
    page.wait_for_selector("#recorder [data-slot=kept]:has-text('0:09')")  # by then all of it was spoken
    address, context = page.url, page.context
    page.wait_for_timeout(1500)  # what the last second brought goes into the browser's database
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(address)
    words = until_all_was_heard(page)
    assert has_every_word_once(words), words


def test_what_comes_too_late_is_offered_as_a_file(microphone: Any) -> None:
    page = microphone
    record(page, "Late")
    page.context.set_offline(True)
    page.wait_for_selector("#recorder [data-slot=kept]:has-text('0:03')")
    address, context = page.url, page.context
    page.wait_for_timeout(1500)
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.route("**/recorder*.js", lambda route: route.abort())  # so that nothing is sent before the end
    page.goto(address)
    page.dispatch_event("[data-control=stop] button", "click")
    page.wait_for_selector("#session[data-state=completed]")
    page.unroute_all()
    page.goto(address)
    page.wait_for_selector("#recorder [data-slot=kept]:has-text('came too late')")
    with page.expect_download() as saved:
        page.click("#recorder [data-slot=save]")
    with wave.open(str(saved.value.path())) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.getnframes() >= 3 * 16_000
    page.wait_for_selector("#recorder", state="hidden")


def test_what_is_said_appears_and_a_network_that_was_away_costs_no_word(microphone: Any) -> None:
    page = microphone
    record(page, "Dictation")
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
