"""Files on their way in a real browser: dropped anywhere, cut off in the middle, taken up again, transcribed."""

from __future__ import annotations

import base64
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
    sent: list[str] = []

    def watch(request: Any) -> None:
        # The second part of the large file is the middle: there the network goes.
        if request.method == "PUT" and not request.url.endswith("offset=0") and not sent:
            sent.append(request.url)
            page.context.set_offline(True)

    page.on("request", watch)
    page.click(".sheet-end button")
    page.wait_for_selector(".chosen-file[data-state=offline]:has-text('Second.wav')")
    assert sent
    assert "goes on by itself" in page.inner_text(".chosen-file[data-state=offline]")
    page.context.set_offline(False)
    page.wait_for_url(lambda url: url.rstrip("/").count("/") == 2)
    page.wait_for_selector(".card:has-text('First')")
    page.wait_for_selector(".card:has-text('Second')")
