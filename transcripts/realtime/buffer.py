"""The samples that a provider has not answered for yet, so that they can be sent again.

Pure. Holds the audio from the last committed end on, as runs without holes. The bound is enforced by the owner: a
file's reader waits, a live stream gives up its oldest samples and says so.
"""

from __future__ import annotations

from collections import deque

from transcripts.media.pcm import SAMPLE_BYTES, Chunk


class _Run:
    """Audio without a hole. Cutting a bytearray at its front moves no bytes."""

    __slots__ = ("data", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.data = bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self.data) // SAMPLE_BYTES

    def drop_before(self, position: int) -> None:
        del self.data[: (position - self.start) * SAMPLE_BYTES]
        self.start = position


class ReplayBuffer:
    """Audio in order on the transcript's clock, with the holes that the source left. Positions are samples."""

    def __init__(self, start: int) -> None:
        self._runs: deque[_Run] = deque()
        #: First sample that was not fed yet.
        self.end = start

    @property
    def start(self) -> int:
        """First sample that can still be read (``end`` when empty)."""
        return self._runs[0].start if self._runs else self.end

    def append(self, chunk: Chunk) -> int:
        """Take a chunk; what was fed before is skipped. Returns the samples that the source left out before it."""
        skip = max(0, self.end - chunk.start)
        if skip >= chunk.samples:
            return 0
        missing = max(0, chunk.start - self.end)
        if missing or not self._runs:
            self._runs.append(_Run(chunk.start + skip))
        self._runs[-1].data += memoryview(chunk.data)[skip * SAMPLE_BYTES : chunk.samples * SAMPLE_BYTES]
        self.end = chunk.end
        return missing

    def next_audio(self, cursor: int) -> int:
        """The first sample at or after ``cursor`` that can be read (``end`` when there is none)."""
        for run in self._runs:
            if run.end > cursor:
                return max(cursor, run.start)
        return max(cursor, self.end)

    def run_end(self, cursor: int) -> int:
        """End of the audio that continues without a hole from ``cursor`` (``cursor`` itself when it is in a hole)."""
        for run in self._runs:
            if run.start <= cursor < run.end:
                return run.end
        return cursor

    def read(self, start: int, end: int) -> bytes:
        """The audio ``[start, end)``, which must lie within one run."""
        for run in self._runs:
            if run.start <= start < run.end:
                low = (start - run.start) * SAMPLE_BYTES
                return bytes(memoryview(run.data)[low : low + (end - start) * SAMPLE_BYTES])
        return b""

    def release(self, before: int) -> None:
        """Forget everything before ``before``."""
        while self._runs and self._runs[0].end <= before:
            self._runs.popleft()
        if self._runs and self._runs[0].start < before:
            self._runs[0].drop_before(before)
