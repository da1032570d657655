"""The clock of one connection against the clock of the transcript.

Pure. A connection counts every sample it was sent: real audio, keep-alive and padding. The transcript counts what the
source gave. The map between them is piecewise: invented silence takes time on the first clock and none on the second,
and a gap of the source takes time on the second and none on the first.
"""

from __future__ import annotations

from bisect import bisect_right


class ClockMap:
    """Where the samples of one connection lie on the transcript's clock. All numbers are samples at 16 kHz."""

    def __init__(self, origin: int) -> None:
        #: Samples sent on the connection so far.
        self.sent = 0
        self._starts = [0]
        self._targets = [origin]
        self._real = [False]

    def aim(self, origin: int) -> None:
        """Before anything was sent: where it will begin."""
        self._targets[-1] = origin

    def add_audio(self, start: int, samples: int) -> None:
        """``samples`` of real audio were sent, the first of them being transcript sample ``start``."""
        if not (self._real[-1] and start == self._targets[-1] + self.sent - self._starts[-1]):
            self._piece(start, real=True)
        self.sent += samples

    def add_silence(self, samples: int) -> None:
        """``samples`` of silence were sent that the source does not have."""
        if self._real[-1]:
            self._piece(self.to_transcript(self.sent), real=False)
        self.sent += samples

    def to_transcript(self, position: int) -> int:
        """The transcript sample at a connection position; inside invented silence, the sample it was inserted at."""
        index = max(0, bisect_right(self._starts, position) - 1)
        # A position on a border belongs to the end of what came before, not to the far side of a gap.
        if index and position == self._starts[index] and self._real[index - 1]:
            index -= 1
        offset = min(position, self.sent) - self._starts[index]
        return self._targets[index] + (max(0, offset) if self._real[index] else 0)

    def begins_at(self, position: int) -> int:
        """Like ``to_transcript``, for the first sample of something: a border belongs to what comes after it."""
        index = max(0, bisect_right(self._starts, position) - 1)
        offset = min(position, self.sent) - self._starts[index]
        return self._targets[index] + (max(0, offset) if self._real[index] else 0)

    def _piece(self, target: int, *, real: bool) -> None:
        if self._starts[-1] == self.sent:
            self._targets[-1], self._real[-1] = target, real
            return
        self._starts.append(self.sent)
        self._targets.append(target)
        self._real.append(real)
