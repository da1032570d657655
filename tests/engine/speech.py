"""Real recordings and the prepared model for the slow tests."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from transcripts.engine.weights import sample_recording

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "../shared/speech/dev"

#: Converted weights are kept between test runs; the folder is not part of the repository.
CACHE = Path(os.environ.get("STTWEB_ENGINE_DIR") or ROOT / "var" / "engine")

needs_speech = pytest.mark.skipif(
    not SPEECH.is_dir() and os.environ.get("STTWEB_REQUIRE_ALL") != "1", reason="../shared/speech is absent"
)


def pcm(path: Path) -> bytes:
    """16 kHz s16le mono of a media file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-ac", "1", "-ar", "16000"]
    return subprocess.run([*command, "-f", "s16le", "-"], check=True, capture_output=True).stdout


def recordings(*names: str) -> list[dict[str, Any]]:
    """Manifest entries of these files, with their ``pcm``."""
    lines = (SPEECH / "manifest.jsonl").read_text().splitlines()
    entries = {entry["file"]: entry for entry in map(json.loads, lines)}
    return [{**entries[name], "pcm": pcm(SPEECH / name)} for name in names]


def sample() -> bytes:
    """The recording that the model's package carries."""
    path = sample_recording()
    assert path is not None
    return pcm(path)
