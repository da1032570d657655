"""Files on their way in a real browser: dropped anywhere, cut off in the middle, taken up again, transcribed."""

from __future__ import annotations

import base64
import hashlib
import wave
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser

#: A drop of files as the browser sends it.
DROP = """
files => {
  const transfer = new DataTransfer();
  for (const [name, text] of files)
    transfer.items.add(new File([Uint8Array.from(atob(text), byte => byte.charCodeAt(0))], name, {lastModified: 1}));
  for (const type of ["dragenter", "drop"])
    document.body.dispatchEvent(new DragEvent(type, {dataTransfer: transfer, bubbles: true, cancelable: true}));
}
"""


def silence(path: Path, seconds: float) -> Path:
    """A recording of nothing."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(int(seconds * 32_000)))
    return path


def drop(page: Any, *files: Path) -> None:
    page.evaluate(DROP, [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files])


def test_two_dropped_files_survive_a_lost_network_and_become_transcripts(visit, sample_file, tmp_path):
    page = visit("/new")
    first, second = tmp_path / "First.wav", silence(tmp_path / "Second.wav", 600)
    first.write_bytes(sample_file.read_bytes())
    drop(page, first, second)
    assert page.locator(".chosen-name").all_inner_texts() == ["First.wav", "Second.wav"]
    # The second part of the large file is its middle: there the network goes.
    away = True
    page.route("**/uploads/*?offset=8388608", lambda route: route.abort() if away else route.continue_())
    page.click(".sheet-end button")
    page.wait_for_selector(".chosen-file[data-state=offline]:has-text('Second.wav')")
    assert "goes on by itself" in page.inner_text(".chosen-file[data-state=offline]")
    away = False
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_url(lambda url: "/new" not in url)
    page.wait_for_selector(".card:has-text('First')")
    page.wait_for_selector(".card:has-text('Second')")


def test_a_reload_keeps_what_was_sent_and_the_same_file_goes_on(visit, tmp_path):
    page = visit("/new")
    large = silence(tmp_path / "Reloaded.wav", 800)
    page.route("**/uploads/*?offset=8388608", lambda route: route.abort())
    page.set_input_files("[name=uploads]", large)
    page.click(".sheet-end button")
    page.wait_for_selector(".chosen-file[data-state=offline]")
    page.unroute_all()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/new")
    page.wait_for_selector(".chosen-file[data-state=unfinished]:has-text('Reloaded.wav')")
    offsets: list[str] = []
    page.on("request", lambda request: offsets.append(request.url) if request.method == "PUT" else None)
    page.set_input_files("[name=uploads]", large)
    page.wait_for_url("**/s/*")
    # Once more the last part that was there, for comparison, and the others.
    assert [url.rpartition("=")[2] for url in offsets][:3] == ["0", "8388608", "16777216"]


def test_pause_go_on_and_cancel_by_keyboard(visit, tmp_path):
    page = visit("/new")
    page.route("**/uploads/*?offset=0", lambda route: None)
    page.set_input_files("[name=uploads]", silence(tmp_path / "Paused.wav", 30))
    with page.expect_request(lambda request: request.method == "PUT"):
        page.click(".sheet-end button")
    page.focus("[aria-label='Pause: Paused.wav']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chosen-file[data-state=paused]:has-text('Paused at')")
    assert page.get_attribute(".chosen-file progress", "aria-label") == "Upload of Paused.wav"
    page.focus("[aria-label='Remove Paused.wav']")
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as gone:
        page.keyboard.press("Enter")
    assert gone.value.status == 204
    assert page.locator(".chosen-file").count() == 0
    page.unroute_all()


def test_what_is_cancelled_before_the_server_answered_leaves_nothing_there(visit, tmp_path):
    page = visit("/new")
    held: list[Any] = []
    page.route("**/uploads", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.set_input_files("[name=uploads]", silence(tmp_path / "Ghost.wav", 30))
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/uploads")):
        page.click(".sheet-end button")
    page.click("[aria-label='Remove Ghost.wav']")
    assert page.locator(".chosen-file").count() == 0
    with page.expect_response(lambda answer: answer.request.method == "DELETE") as gone:
        held[0].continue_()
    assert gone.value.status == 204
    page.unroute_all()
    listed = page.request.get("/uploads", headers={"Accept": "application/json"}).json()["uploads"]
    assert "Ghost.wav" not in [one["name"] for one in listed]
    page.reload()
    page.wait_for_load_state("networkidle")
    assert page.locator(".chosen-file:has-text('Ghost.wav')").count() == 0


def test_pause_before_the_server_answered_goes_on_with_the_same_upload(visit, tmp_path):
    page = visit("/new")
    held: list[Any] = []
    page.route("**/uploads", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.set_input_files("[name=uploads]", silence(tmp_path / "Slow start.wav", 30))
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/uploads")):
        page.click(".sheet-end button")
    page.click("[aria-label='Pause: Slow start.wav']")
    page.click("[aria-label='Go on: Slow start.wav']")
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_url("**/s/*")
    assert len(held) == 1


def test_what_is_no_recording_is_said_in_its_row(visit, tmp_path):
    page = visit("/new")
    paper = tmp_path / "talk.mp3"
    paper.write_bytes(b"%PDF-1.7 and so on")
    page.set_input_files("[name=uploads]", paper)
    page.click(".sheet-end button")
    page.wait_for_selector(".chosen-file[data-state=failed]:has-text('PDF')")


def test_the_hash_in_plain_script_is_the_real_one(visit):
    page = visit("/new")
    for length in (0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 70_000):
        found = page.evaluate(
            "async length => { const {hex, plain} = await import('/static/transcripts/sha256.js');"
            " return hex(plain(Uint8Array.from({length}, (_, i) => i * 7).buffer)); }",
            length,
        )
        assert found == hashlib.sha256(bytes(i * 7 % 256 for i in range(length))).hexdigest()
