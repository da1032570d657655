"""The audio that came in and was not answered yet: kept for a replay, with its levels.

Pure. Positions are samples on the transcript's clock.
"""

from __future__ import annotations

from transcripts.media.pcm import SAMPLE_BYTES, SAMPLE_RATE, Chunk, seconds_to_samples
from transcripts.realtime.buffer import ReplayBuffer
from transcripts.realtime.ledger import Ledger
from transcripts.realtime.pauses import PauseDetector
from transcripts.realtime.policy import GRID
from transcripts.realtime.tuning import Tuning

#: A first chunk may begin so much before the start and still be taken for a pre-roll.
_MAX_PREROLL = 10 * SAMPLE_RATE
#: A border with so much silence before it needs no pre-roll.
_CLEAN = SAMPLE_RATE // 5


class Intake:
    """Replay buffer and levels of one stream. ``preroll`` samples before an unclean border are heard again."""

    def __init__(self, tuning: Tuning, ledger: Ledger, *, preroll: int) -> None:
        self._live = tuning.live and not tuning.patient
        self._ahead = seconds_to_samples(tuning.read_ahead_s)
        self._bound = seconds_to_samples(tuning.replay_buffer_s)
        self._ledger = ledger
        self.preroll = preroll
        self.buffer = ReplayBuffer(ledger.done)
        self.levels = PauseDetector(ledger.done)
        self._clean = True
        self._fed = False

    def accepts(self, cursor: int) -> bool:
        """Whether more audio is wanted when everything before ``cursor`` was sent. A live source never waits."""
        if self._live:
            return True
        return self.buffer.end - cursor < self._ahead and self.buffer.end - self._ledger.done < self._bound

    def begins_early(self, start: int) -> bool:
        """Whether the first chunk brings a pre-roll; from then on it is part of what there is to send."""
        first, self._fed = not self._fed, True
        if first and self.preroll and self._ledger.done - _MAX_PREROLL <= start < self._ledger.done:
            self.buffer.end = start
            return True
        return False

    def feed(self, chunk: Chunk) -> None:
        """Take audio. What was fed before is skipped, a start beyond the last end is a gap of the source; a live
        stream beyond the bound gives up its oldest audio."""
        before = self.buffer.end
        missing = self.buffer.append(chunk)
        if missing:
            self._ledger.gap(before, before + missing, "source_dropped")
        fresh = self.buffer.end - before - missing
        if fresh:
            data = chunk.data[(chunk.samples - fresh) * SAMPLE_BYTES : chunk.samples * SAMPLE_BYTES]
            self.levels.feed(self.buffer.end - fresh, data)
        if self._live and self.buffer.end - self.buffer.start > self._bound:
            self.buffer.release((self.buffer.end - self._bound) // GRID * GRID)

    def settled(self, *, own: bool) -> None:
        """Everything before the ledger's end was answered; ``own`` says that we chose where."""
        done = self._ledger.done
        self._clean = own and self.levels.pause_at(done) >= _CLEAN
        self.buffer.release(done - self.preroll)
        self.levels.release(done - self.preroll - SAMPLE_RATE)

    @property
    def replay_start(self) -> int:
        """Where to begin on a new connection: at the border, or before it when words may lie across it."""
        done = self._ledger.done
        start = done - self.preroll
        return done if self._clean or self.buffer.run_end(start) < done else start
