"""A recording of real speech that an installed package carries, so that the product can be tried with one click."""

from __future__ import annotations

import wave
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


def _seconds(path: Path) -> float:
    try:
        with wave.open(str(path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, wave.Error, EOFError, ZeroDivisionError):
        return 0.0
