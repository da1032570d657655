from __future__ import annotations

import subprocess
import sys
import wave
from pathlib import Path

import pytest

from transcripts.media.decode import decode_file
from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.sample import find_sample, make_sample


async def test_the_sample_is_installed_and_is_sound() -> None:
    sample = find_sample()
    assert sample is not None
    assert sample.title
    assert sample.seconds > 5
    heard = sum([chunk.samples async for chunk in decode_file(sample.path)])
    assert abs(heard - sample.seconds * SAMPLE_RATE) < SAMPLE_RATE / 10


def test_looking_for_the_sample_imports_no_engine() -> None:
    code = "import sys; from transcripts.media.sample import find_sample; find_sample(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"moonshine_cpp", "moonshine_voice", "onnxruntime"} & set(loaded)


def test_what_is_made_of_the_speech_is_made_once_and_whole(tmp_path: Path) -> None:
    made = make_sample("pause", tmp_path)
    assert made is not None
    before = made.path.stat()
    assert make_sample("pause", tmp_path) == made
    assert made.path.stat().st_mtime_ns == before.st_mtime_ns
    assert [path.name for path in tmp_path.iterdir()] == [made.path.name]
    with wave.open(str(made.path), "rb") as file:
        heard = file.readframes(file.getnframes())
    speech = find_sample()
    assert speech is not None
    with wave.open(str(speech.path), "rb") as file:
        line = file.readframes(file.getnframes())
    assert heard == line + bytes(2 * 40 * SAMPLE_RATE) + line
    assert make_sample("nothing we know", tmp_path) == speech


def test_a_sample_that_could_not_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("wave.Wave_write.writeframes", lambda *_: (_ for _ in ()).throw(OSError(28, "No space")))
    with pytest.raises(OSError, match="No space"):
        make_sample("pause", tmp_path)
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
