"""Recordings to try the product with, offline: speech that an installed package carries, and what is made of it."""

from __future__ import annotations

import os
import tempfile
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

#: Package, file inside it, title. The packages bring the embedded engine's weights, so one of them is there.
_CANDIDATES = (
    ("moonshine_cpp", "test-data/beckett.wav", "A line of Samuel Beckett, read aloud"),
    ("moonshine_voice", "assets/beckett.wav", "A line of Samuel Beckett, read aloud"),
    ("moonshine_voice", "assets/two_cities.wav", "The opening of A Tale of Two Cities, read aloud"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A WAV file at ``path``, ``seconds`` long, with the title to show."""

    path: Path
    title: str
    seconds: float


def find_sample() -> Sample | None:
    """The first sample that is installed and readable, or None. Looks, but imports nothing (the packages load
    libraries of 20 MB on import)."""
    for package, name, title in _CANDIDATES:
        spec = find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            path = Path(folder, name)
            seconds = _seconds(path)
            if seconds:
                return Sample(path, title, seconds)
    return None


#: What is made of the speech: seconds of silence behind each time that it is heard.
MADE: dict[str, tuple[float, ...]] = {"pause": (40.0, 0.0), "long": (2.0,) * 25}


def make_sample(name: str, folder: Path) -> Sample | None:
    """The speech itself, or for a name of MADE what is made of it, kept in ``folder`` from then on; None when no speech
    is installed. Raises OSError when there is no room."""
    speech = find_sample()
    if speech is None or name not in MADE:
        return speech
    path = folder / f"{name}-{speech.path.stem}-{speech.path.stat().st_size}.wav"
    if not _seconds(path):
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, speech.path, MADE[name])
    return Sample(path, speech.title, _seconds(path))


def _write(path: Path, speech: Path, pauses: tuple[float, ...]) -> None:
    """Under another name first: whoever looks meanwhile finds all of it or nothing."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with wave.open(str(speech), "rb") as heard, os.fdopen(handle, "wb") as file, wave.open(file, "wb") as made:
            made.setparams(heard.getparams())
            for piece in _pieces(heard, pauses):
                made.writeframes(piece)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _pieces(heard: wave.Wave_read, pauses: tuple[float, ...]) -> Iterator[bytes]:
    speech = heard.readframes(heard.getnframes())
    frame = heard.getsampwidth() * heard.getnchannels()
    for seconds in pauses:
        yield speech
        yield bytes(frame * round(seconds * heard.getframerate()))


def _seconds(path: Path) -> float:
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, wave.Error, EOFError, ZeroDivisionError):
        return 0.0
