"""The one interface between the server and whatever understands audio.

A recogniser opens streams. A stream takes 16 kHz s16le PCM and commits, and tells its owner, in order and on the event
loop, what it understood. Everything is counted in samples from the stream's first sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from transcripts.engine.alignment import HeardWord


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What a stream is opened with.

    ``first_partial`` and ``partial_interval`` are samples of uncommitted audio before the first partial of a stretch
    and between two. ``vad`` is None for client commits only, else (threshold 0..1, silence seconds, shortest speech
    seconds, shortest silence seconds): the stream then also commits by itself at pauses.
    """

    first_partial: int
    partial_interval: int
    vad: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class PartialHeard:
    """The current guess for all uncommitted audio."""

    text: str


@dataclass(frozen=True, slots=True)
class FinalHeard:
    """The answer to one commit, for the audio ``[start, end)``. ``words`` join with single blanks to the text."""

    start: int
    end: int
    words: tuple[HeardWord, ...]

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream is dead and will answer nothing more."""

    message: str


Heard = PartialHeard | FinalHeard | Failed


class Stream(Protocol):
    """One stream of audio."""

    @property
    def backlog(self) -> int:
        """Samples fed but not yet worked off (audio of the open segment that was listened to counts as done)."""

    def feed(self, pcm: bytes) -> None:
        """Adds audio (whole samples)."""

    def commit(self) -> None:
        """Asks for a ``FinalHeard`` over everything since the last commit."""

    async def drained(self, backlog: int) -> None:
        """Returns when the backlog is at most ``backlog`` samples, or the stream is dead."""

    def close(self) -> None:
        """Forgets the stream; no event follows."""


class Recognizer(Protocol):
    """Opens streams. ``languages`` are the ISO 639-1 codes it understands, None when it does not care."""

    languages: frozenset[str] | None

    async def start(self) -> None:
        """Gets ready (loads the model); raises ``EngineError`` when it cannot."""

    async def ready(self) -> None:
        """Returns when a stream can be opened: at once, or after the recogniser has been started again."""

    def open(self, options: StreamOptions, heard: Callable[[Heard], None]) -> Stream:
        """A new stream; ``heard`` is called on the event loop, never from within a method of the stream."""

    async def close(self) -> None:
        """Ends all streams and frees everything, within 2 s."""
