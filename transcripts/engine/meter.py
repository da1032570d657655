"""Counts a connection's audio: how much came, how much is uncommitted, when the server commits by itself. Pure."""

from __future__ import annotations

SAMPLE_RATE = 16_000


class Meter:
    """``position`` counts the 16 kHz samples given to the recogniser; seconds count what the client sent.

    The two differ by what the resampler still holds (under a millisecond) and only for rates other than 16 kHz.
    """

    def __init__(self, auto_commit: float) -> None:
        self._auto = round(auto_commit * SAMPLE_RATE)
        self.position = 0
        self.seconds = 0.0
        self._commit_position = 0
        self._commit_seconds = 0.0

    @property
    def uncommitted(self) -> float:
        """Seconds of audio since the last commit."""
        return self.seconds - self._commit_seconds

    def received(self, seconds: float) -> None:
        """The client sent so much."""
        self.seconds += seconds

    def room(self) -> int:
        """Samples (at least 1) that may be fed before the server has to commit."""
        return max(1, self._auto - (self.position - self._commit_position))

    def fed(self, samples: int) -> bool:
        """The recogniser got so much; True when the server must commit now."""
        self.position += samples
        return self.position - self._commit_position >= self._auto

    def committed(self) -> None:
        """A commit at the current position; audio that was received but not fed yet stays uncommitted."""
        self.committed_at(self.position)

    def committed_at(self, position: int) -> None:
        """A commit by the recogniser at ``position``, which may lie a little in the past."""
        self._commit_position = max(self._commit_position, position)
        self._commit_seconds = self._commit_position / SAMPLE_RATE
