"""What to send next on the current connection: audio, a commit, padding, a keep-alive, or nothing yet.

Pure. One frame at a time is asked for, so that nothing waits unsent anywhere but in the replay buffer. Positions are
samples on the transcript's clock, times monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from transcripts.media.pcm import SAMPLE_RATE, ms_to_samples, seconds_to_samples
from transcripts.realtime.buffer import ReplayBuffer
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.pace import Pace
from transcripts.realtime.pauses import PauseDetector
from transcripts.realtime.policy import GRID, CommitPolicy, View
from transcripts.realtime.protocol import Connection
from transcripts.realtime.tuning import Tuning

#: Audio that does not fill a frame is sent after so long without more of it.
_STALE_S = 0.25
#: Without word times a doubled final cannot be told from the next answer but by when it comes.
_UNTIMED_SPACING_S = 0.3


class Sender:
    """The send cursor and the open segment. ``on_gap(start, end)`` is told when audio is skipped for good."""

    def __init__(
        self,
        options: SessionOptions,
        tuning: Tuning,
        buffer: ReplayBuffer,
        levels: PauseDetector,
        on_gap: Callable[[int, int], None],
    ) -> None:
        self._tuning = tuning
        self._buffer = buffer
        self._levels = levels
        self._on_gap = on_gap
        self._policy = CommitPolicy(options, tuning)
        self._vad = options.commit_strategy != "manual"
        threshold = options.vad_silence_threshold_secs
        self._vad_pause = seconds_to_samples(1.5 if threshold is None else threshold)
        self._vad_margin = 0
        self._timed = options.include_timestamps
        self._window = tuning.max_outstanding if self._timed else 1
        self._floor = seconds_to_samples(tuning.commit_floor_s)
        self.pace = Pace(tuning.pace, max(0.5, tuning.frame_ms / 1000))
        self.frame = max(GRID, ms_to_samples(tuning.frame_ms) // GRID * GRID)
        #: Next sample to send.
        self.cursor = buffer.end
        #: Where the open segment starts: everything before it was committed on some connection.
        self.begin = buffer.end
        #: All audio that there will ever be was fed.
        self.ended = False
        #: A border is wanted at the next good place (rotation).
        self.hurry = False
        #: Somebody asked to commit now.
        self.requested = False
        #: When audio was last fed.
        self.fed_at = 0.0
        #: When to ask again at the latest.
        self.wake_at = float("inf")

    def restart(self, begin: int, cursor: int) -> None:
        """Go back to ``cursor``; what lies before ``begin`` was had already."""
        self.begin, self.cursor = begin, cursor

    def server_committed(self, end: int) -> None:
        """The provider committed by itself up to ``end``."""
        self.begin = max(self.begin, min(end, self.cursor))

    def halve_frames(self) -> None:
        """The service wants smaller chunks."""
        self.frame = max(GRID, self.frame // 2 // GRID * GRID)

    def one_at_a_time(self) -> None:
        """Answers come without word times: only order can tell them apart, so no commit before the last's answer."""
        self._timed = False
        self._window = 1

    @property
    def done(self) -> bool:
        """All audio was sent and committed."""
        return self.ended and self.cursor >= self._buffer.end and self.begin >= self.cursor

    def next_frame(self, link: Connection, now: float, *, paused: bool = False, full: bool = False) -> bytes | None:
        """The next frame for ``link``, or None; then ask again at ``wake_at`` or when something happens.

        ``paused`` holds everything back but the keep-alive; ``full`` says that the link may take no more audio, only
        the commit that ends it.
        """
        self.wake_at = float("inf")
        if not link.ready or link.failed:
            return None
        frame = None
        if not paused:
            frame = self._gap(link, now) or self._commit_now(link, now, pad=full)
            if not full:
                frame = frame or self._audio(link, now) or self._rest(link, now)
        return frame or self.keep_alive(link, now)

    def keep_alive(self, link: Connection, now: float) -> bytes | None:
        """Real zeros, if it is time: the service closes a session that hears nothing, and pings do not help."""
        if not link.ready or link.failed:
            return None
        due = link.last_sent_at + self._tuning.keepalive_s
        if now < due:
            self.wake_at = min(self.wake_at, due)
            return None
        samples = ms_to_samples(self._tuning.keepalive_ms)
        # Silence alone may also reach the provider's limit in the end.
        if link.uncommitted >= seconds_to_samples(self._tuning.commit_forced_s) and self._may_commit(link, now):
            return self._padded_commit(link, samples, now)
        return link.padding(samples, now)

    def _may_commit(self, link: Connection, now: float) -> bool:
        if len(link.outstanding) >= self._window:
            return False
        spaced = link.answered_at + _UNTIMED_SPACING_S
        if not self._timed and now < spaced:
            self.wake_at = min(self.wake_at, spaced)
            return False
        return True

    def _committed(self, frame: bytes) -> bytes:
        self.begin = max(self.begin, self.cursor)
        self.requested = False
        self.hurry = False
        return frame

    def _padded_commit(self, link: Connection, samples: int, now: float) -> bytes:
        return self._committed(link.padding(samples, now, commit_end=max(self.begin, self.cursor)))

    def _close_segment(self, link: Connection, now: float) -> bytes | None:
        """Commit what was sent, with as much silence as it takes to make that legal."""
        if not self._may_commit(link, now):
            return None
        if self._vad:
            return self._padded_commit(link, self._vad_padding(), now)
        if link.fresh >= self._floor:
            return self._committed(link.commit(self.cursor, now))
        # A throttled commit may take pending answers with it: let them come first.
        return None if link.outstanding else self._padded_commit(link, self._floor - link.fresh, now)

    def _vad_padding(self) -> int:
        """Silence before a commit of ours beside the provider's voice detection.

        Either so little that the provider cannot have committed yet, or so much that it did and enough came after it.
        """
        quiet = self._levels.pause_at(self.cursor)
        short = self._floor + GRID
        if quiet + short < self._vad_pause - 3 * GRID and not self._vad_margin:
            return short
        return max(short, self._vad_pause - quiet) + 2 * self._floor + self._vad_margin

    def throttled(self) -> None:
        """A commit of ours met one of the provider's own: its idea of silence is not ours."""
        self._vad_margin += SAMPLE_RATE // 2

    def _gap(self, link: Connection, now: float) -> bytes | None:
        target = self._buffer.next_audio(self.cursor)
        if target == self.cursor or target >= self._buffer.end:
            return None
        if self.cursor > self.begin:
            return self._close_segment(link, now)
        self._on_gap(max(self.cursor, self.begin), target)
        self.begin = self.cursor = target
        return None

    def _commit_now(self, link: Connection, now: float, *, pad: bool) -> bytes | None:
        if not self.requested:
            return None
        if self.cursor <= self.begin:
            self.requested = False
            return None
        if self._vad or pad:
            return self._close_segment(link, now)
        if link.fresh < self._floor or not self._may_commit(link, now):
            return None
        return self._committed(link.commit(self.cursor, now))

    def _audio(self, link: Connection, now: float) -> bytes | None:
        run_end = self._buffer.run_end(self.cursor)
        if run_end == self.cursor:
            return None
        last_run = run_end == self._buffer.end
        waits = not self._tuning.live and not self.ended and last_run
        view = View(self.begin, self.cursor, run_end, link.uncommitted, link.fresh, waits, self.hurry)
        plan = self._policy.plan(view, self._levels)
        if plan.limit <= self.cursor:
            can = plan.cut and self.cursor > self.begin and self._may_commit(link, now)
            return self._committed(link.commit(self.cursor, now)) if can else None
        size = min(plan.limit - self.cursor, self.frame)
        partial = size < self.frame and plan.limit == run_end and not plan.cut and last_run and not self.ended
        if partial and now < self.fed_at + _STALE_S:
            self.wake_at = min(self.wake_at, self.fed_at + _STALE_S)
            return None
        wait = self.pace.wait(size, now)
        if wait:
            self.wake_at = min(self.wake_at, now + wait)
            return None
        return self._send(link, size, now, cut=plan.cut and self.cursor + size == plan.limit)

    def _send(self, link: Connection, size: int, now: float, *, cut: bool) -> bytes:
        start = self.cursor
        pcm = self._buffer.read(start, start + size)
        self.cursor = start + size
        self.pace.spend(size, now)
        cut = cut and self.cursor > self.begin and self._may_commit(link, now)
        frame = link.audio(start, pcm, now, commit=cut)
        return self._committed(frame) if cut else frame

    def _rest(self, link: Connection, now: float) -> bytes | None:
        """The end of the stream, or a source that is quiet: settle what was said."""
        if self.cursor < self._buffer.end or self.cursor <= self.begin:
            return None
        if self.ended:
            return self._close_segment(link, now)
        if not self._tuning.live or not self._levels.voice_in(self.begin, self.cursor):
            return None
        due = self.fed_at + self._tuning.stall_commit_s
        if now < due:
            self.wake_at = min(self.wake_at, due)
            return None
        return self._close_segment(link, now)
