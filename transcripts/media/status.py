"""How a source is doing, in words that a person watching a transcript understands. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from .pcm import SAMPLE_RATE, Chunk


class SourceState(StrEnum):
    """PLAYING: sound comes. QUIET: it comes, and nothing can be heard in it. STALLED: connected, and nothing comes.
    RECONNECTING: the connection was lost and is being made again."""

    PLAYING = "playing"
    QUIET = "quiet"
    STALLED = "stalled"
    RECONNECTING = "reconnecting"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A change of state. ``attempt`` of ``attempts`` belongs to RECONNECTING, ``seconds`` (so far) to STALLED and
    QUIET."""

    state: SourceState
    attempt: int = 0
    attempts: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NowPlaying:
    """What a station says it plays: cleaned, at most 300 characters, still a stranger's text."""

    title: str


Notice = SourceStatus | NowPlaying
OnStatus = Callable[[Notice], None]


class Reporter:
    """Hands changes on, and only changes. Nothing is said until something else than PLAYING happens."""

    def __init__(self, on_status: OnStatus | None) -> None:
        self._on_status = on_status
        self._last = SourceStatus(SourceState.PLAYING)

    @property
    def state(self) -> SourceState:
        """The state that was told last."""
        return self._last.state

    def tell(self, state: SourceState, *, attempt: int = 0, attempts: int = 0, seconds: float = 0.0) -> None:
        """The source is in ``state`` now."""
        status = SourceStatus(state, attempt, attempts, seconds)
        if (state, attempt) != (self._last.state, self._last.attempt):
            self._last = status
            if self._on_status is not None:
                self._on_status(status)

    def title(self, title: str) -> None:
        """The station names what it plays."""
        if self._on_status is not None:
            self._on_status(NowPlaying(title))


class QuietWatch:
    """Tells sound from silence that somebody should know of: no sample louder than ``peak`` (of 32768) for
    ``after_s`` seconds. Half of a thousandth of full scale (-66 dB) is below any microphone's own noise."""

    def __init__(self, after_s: float = 30.0, peak: int = 16) -> None:
        self._after = round(after_s * SAMPLE_RATE)
        self._peak = peak
        self._silent = 0

    def feed(self, chunk: Chunk) -> float | None:
        """Seconds of silence up to the end of ``chunk`` once they are too many, else None."""
        samples = np.frombuffer(chunk.data, "<i2")
        if samples.size and (int(samples.max()) > self._peak or int(samples.min()) < -self._peak):
            self._silent = 0
        else:
            self._silent += samples.size
        return self._silent / SAMPLE_RATE if self._silent >= self._after else None
