"""The whole thread in real browsers: one click, words while they are spoken, the same for everybody, and kept."""

from __future__ import annotations

import re
import wave
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import LIVE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DONE = "#session[data-state=completed]"


def lines(page: Any) -> list[str]:
    # On a phone the pencil stands in the line, behind a space that a wide page does not have.
    return [text.strip() for text in page.locator("#lines .said").all_inner_texts()]


def start_sample(page: Any) -> None:
    # On an empty board the samples are cards, the first of them the same.
    page.locator(".sample-card, form.sample button").first.click()
    page.wait_for_url(re.compile(r"/s/[0-9a-f-]{36}$"))


def test_the_sample_becomes_words_in_two_browsers_while_it_plays(visit):
    first, second = visit(), visit(width=360)
    start_sample(first)
    first.wait_for_selector("#partial:not([hidden])")
    assert first.get_attribute("#session", "data-state") in {"running", "finishing"}
    second.goto(first.url)
    for page in (first, second):
        page.wait_for_selector(DONE)
        page.wait_for_selector("#partial", state="hidden")
        assert page.inner_text(".session-head .pill") == "Done"
    said = " ".join(lines(first)).lower()
    assert "tried" in said
    assert "fail" in said
    assert lines(first) == lines(second)
    first.reload()
    assert lines(first) == lines(second)
    without_script = visit(first.url, script=False)
    assert lines(without_script) == lines(second)


def test_a_browser_without_network_catches_up_when_it_returns(visit):
    page, witness = visit(), visit()
    start_sample(page)
    page.wait_for_selector("#partial:not([hidden])")
    page.context.set_offline(True)
    page.wait_for_selector("#banner:has-text('You are offline')")
    assert page.is_hidden("#partial")
    witness.goto(page.url)
    witness.wait_for_selector(DONE)
    assert page.get_attribute("#session", "data-state") == "running"
    page.context.set_offline(False)
    page.wait_for_selector(DONE)
    page.wait_for_selector("#banner:has-text('Caught up')")
    assert lines(page) == lines(witness)
    numbers = [int(row.get_attribute("data-seq")) for row in page.query_selector_all("#lines > li")]
    assert numbers == sorted(set(numbers))


def test_the_board_moves_by_itself(visit):
    board, page = visit(), visit()
    start_sample(page)
    card = board.locator(f"[data-card='{page.url.rsplit('/', 1)[-1]}']")
    card.wait_for()
    card.locator(".pill[data-tone=busy]").wait_for()
    card.locator(".pill:has-text('Done')").wait_for()
    assert "fail" in card.locator(".card-text").inner_text().lower()
    card.locator(".card-title a").click()
    board.wait_for_url(page.url)


def test_a_dropped_file_is_sent_transcribed_played_and_exported(visit, sample_file, tmp_path):
    page = visit()
    copy = tmp_path / "Rehearsal_notes <b>.wav"
    copy.write_bytes(sample_file.read_bytes())
    page.set_input_files(".composer [name=uploads]", copy)
    assert page.inner_text(".chosen-name") == copy.name
    page.click(".composer >> text=Transcribe")
    page.wait_for_url(re.compile(r"/s/[0-9a-f-]{36}$"))
    assert page.inner_text("h1") == "Rehearsal notes <b>"
    page.wait_for_selector(DONE)
    page.click("#lines .line:last-child .time")
    page.wait_for_selector("#lines .line.playing")
    assert page.evaluate("document.querySelector('audio').currentTime > 0")
    page.click(".session-head [data-export]")
    page.check(".export-dialog [value=srt]")
    page.wait_for_selector(".export-preview[data-format=srt]")
    with page.expect_download() as download:
        page.click(".export-dialog >> text=Download")
    assert download.value.suggested_filename == "Rehearsal notes b .srt".replace("b .", "b.")
    assert "-->" in download.value.path().read_text()
    page.goto("/library")
    page.fill("#q", "rehearsal")
    page.wait_for_url(re.compile("q=rehearsal"))
    # The address changes before the rows do.
    page.wait_for_function("document.querySelectorAll('.row').length === 1")


def test_mistakes_are_said_at_the_field_and_nothing_typed_is_lost(visit):
    page = visit("/new")
    typed = "http://127.0.0.1/private.mp3\nhttps://media.example.org/a.mp3"
    page.fill("[name=links]", typed)
    page.click(".more > summary")
    page.fill("[name=vad_threshold]", "7")
    page.click(".sheet-end button")
    page.wait_for_selector("[data-error-for=links]:has-text('private')")
    assert page.input_value("[name=links]") == typed
    assert "0.9" in page.inner_text("[data-error-for=vad_threshold]")


def test_commit_now_settles_text_and_stop_ends_with_the_last_words(visit, sample_file, tmp_path):
    page = visit("/new")
    page.set_input_files("[name=uploads]", repeated(sample_file, 10, tmp_path / "Long.wav"))
    page.check("[name=preset][value=manual]")
    page.click(".more > summary")
    page.fill("[name=pace]", "1")
    page.click(".sheet-end button")
    page.wait_for_selector("#partial:not([hidden])")
    assert lines(page) == []
    page.click("text=Commit now")
    page.wait_for_selector("#lines .line")
    page.click("text=Stop")
    page.wait_for_selector(DONE)
    assert lines(page)
    assert page.is_hidden("text=Commit now")


def test_new_text_never_moves_what_is_read(visit, sample_file, tmp_path):
    page = visit("/new", width=360)
    page.set_input_files("[name=uploads]", repeated(sample_file, 40, tmp_path / "Long.wav"))
    page.check("[name=preset][value=live]")
    page.click(".sheet-end button")
    page.locator("#lines .line").nth(8).wait_for(state="attached")
    assert page.get_attribute("#follow", "data-following") == "true"
    page.mouse.move(180, 400)
    page.mouse.wheel(0, -400)
    page.wait_for_selector("#follow[data-following=false]")
    page.wait_for_timeout(200)
    where, before = "document.querySelector('#lines .line').getBoundingClientRect().top", len(lines(page))
    top = page.evaluate(where)
    page.locator("#lines .line").nth(before).wait_for(state="attached")
    assert abs(page.evaluate(where) - top) < 1
    page.wait_for_selector("#follow:has-text('new')")
    page.click("#follow")
    distance = "document.scrollingElement.scrollHeight - document.scrollingElement.scrollTop - innerHeight"
    assert page.evaluate(distance) < 2
    assert page.get_attribute("#follow", "data-following") == "true"


def repeated(source: Path, times: int, target: Path) -> Path:
    """A recording that says the same thing several times."""
    with wave.open(str(source), "rb") as file:
        form, frames = file.getparams(), file.readframes(file.getnframes())
    with wave.open(str(target), "wb") as file:
        file.setparams(form)
        file.writeframes(frames * times)
    return target


def test_the_keyboard_reaches_the_content_first(visit):
    page = visit("/library")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_theme_is_kept_without_a_flash(visit):
    page = visit()
    page.click(".user-menu summary")
    with page.expect_response("**/theme"):
        page.click("text=Dark")
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"


def test_logging_out_ends_the_socket_and_says_so(visit):
    page = visit()
    other = page.context.new_page()
    other.goto("/")
    page.wait_for_selector(LIVE, state="attached")
    other.click(".user-menu summary")
    other.click("text=Log out")
    other.wait_for_url("**/login*")
    # The server ends the socket by itself, and the page does not knock again.
    page.wait_for_selector("#link-state[data-state=login]", state="attached")
