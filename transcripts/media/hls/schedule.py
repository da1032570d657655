"""What to do next while following a playlist: which segment, which hole, when to reload, when to give up. Pure.

Time comes in as ``now``, seconds on any steady clock. No segment is handed out twice, and none is passed over without
a ``Skip`` that says how long it was.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .model import MediaPlaylist, Segment
from .numbering import Numbering, Order

#: Reload interval whatever the playlist says, in seconds.
MIN_RELOAD_S = 1.0
MAX_RELOAD_S = 30.0

#: Listening to a live stream begins so many target durations before its end (RFC 8216, 6.3.3).
EDGE_TARGETS = 3

#: Longest list of segments waiting to be fetched; the oldest ones become a hole.
MAX_PENDING = 20_000

#: Holes shorter than this (seconds), found by the clock, are rounding.
_LEAST_GAP_S = 0.5


@dataclass(frozen=True, slots=True)
class Take:
    """Fetch ``segment`` (its ``discontinuity`` set where the numbering began anew)."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class Skip:
    """``seconds`` of the stream cannot be had: ``missed`` (gone from the playlist before it was seen), ``announced``
    (the server has nothing there) or ``restarted`` (nothing was sent while the source began anew)."""

    seconds: float
    reason: str


class Schedule:
    """The plan over successive reloads of one media playlist. ``from_start`` begins a live one at its oldest segment.
    ``ended`` is true when the playlist has an end and everything before it was handed out."""

    def __init__(self, now: float, *, from_start: bool = False) -> None:
        self.reload_at = now
        self._from_start = from_start
        self._numbering = Numbering()
        self._pending: deque[Take | Skip] = deque()
        self._following: int | None = None
        self._last: Segment | None = None
        self._target = 0.0
        self._mean = 0.0
        self._longest = 0.0
        self._complete = False
        self._news_at = now
        self._failures = 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left and nothing will come."""
        return self._complete and not self._pending

    @property
    def complete(self) -> bool:
        """Whether the playlist has an end, so that reloading brings nothing."""
        return self._complete

    @property
    def waiting(self) -> int:
        """Number of steps that can be taken without a reload."""
        return len(self._pending)

    @property
    def failures(self) -> int:
        """Reloads in a row that failed."""
        return self._failures

    @property
    def stall_after(self) -> float:
        """Seconds without anything new after which a viewer should be told: two segments' time, within 15 to 30 s."""
        return min(30.0, max(15.0, 2 * self._longest))

    def idle(self, now: float) -> float:
        """Seconds since the playlist last had something new."""
        return now - self._news_at

    def next_step(self) -> Take | Skip | None:
        """The next step, or None: then ``ended``, or wait until ``reload_at`` and ``update``."""
        return self._pending.popleft() if self._pending else None

    def update(self, playlist: MediaPlaylist, now: float) -> None:
        """Take in the playlist whose loading began at ``now``."""
        self._failures = 0
        self._target = playlist.target
        self._complete = not playlist.live
        fresh = self._fresh(playlist, now)
        for segment in fresh:
            self._append(segment)
        if fresh:
            self._news_at = now
        pace = _clamp(self._target)
        self.reload_at = now + (pace if fresh else _clamp(pace / 2))

    def failed(self, now: float) -> float:
        """Note a reload that failed; returns the seconds to wait before the next one."""
        wait = min(MAX_RELOAD_S, MIN_RELOAD_S * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self.reload_at = now + wait
        return wait

    def _fresh(self, playlist: MediaPlaylist, now: float) -> Sequence[Segment]:
        """The segments not seen before, with the holes before them already planned."""
        segments = playlist.segments
        if not segments:
            return ()
        self._mean = playlist.seconds / len(segments)
        self._longest = max(segment.duration for segment in segments)
        if self._following is None:
            self._numbering.match(segments, segments[0].sequence)
            return segments if self._complete or self._from_start else segments[_edge(playlist) :]
        order = self._numbering.match(segments, self._following)
        if order is Order.DOUBTFUL:
            return ()
        if order is Order.FORWARD:
            first = segments[0].sequence + self._numbering.shift
            if first <= self._following:
                return segments[self._following - first :]
            if self._plan_jump(first - self._following, segments[0], now):
                return segments
        return self._begin_anew(segments, now)

    def _plan_jump(self, count: int, first: Segment, now: float) -> bool:
        """Plan the hole of ``count`` segments that were never seen. False when so much cannot have passed: then the
        numbers mean something else."""
        seconds = count * self._mean
        if seconds > self.idle(now) * 2 + 10 * max(self._mean, MIN_RELOAD_S):
            return False
        if self._last is not None and self._last.program_time is not None and first.program_time is not None:
            by_date = first.program_time - self._last.program_time - self._last.duration
            if 0 < by_date <= 2 * seconds + self._mean:
                seconds = by_date
        self._plan_skip(seconds, "missed")
        return True

    def _begin_anew(self, segments: Sequence[Segment], now: float) -> Sequence[Segment]:
        """After a restart only what can have been made since the last news is new; a backup server's playlist may
        hold hours that were heard already."""
        elapsed = self.idle(now)
        begin = len(segments) - 1
        total = segments[begin].duration
        while begin and total + segments[begin - 1].duration <= elapsed:
            begin -= 1
            total += segments[begin].duration
        if elapsed - total > _LEAST_GAP_S:
            self._plan_skip(elapsed - total, "restarted")
        return [replace(segments[begin], discontinuity=True), *segments[begin + 1 :]]

    def _append(self, segment: Segment) -> None:
        number = segment.sequence + self._numbering.shift
        self._following = number + 1
        self._last = segment
        if segment.gap:
            self._plan_skip(segment.duration, "announced")
        else:
            self._pending.append(Take(segment))
        if len(self._pending) > MAX_PENDING:
            self._drop_oldest()

    def _plan_skip(self, seconds: float, reason: str) -> None:
        if seconds > 0:
            self._pending.append(Skip(seconds, reason))

    def _drop_oldest(self) -> None:
        """One hole in place of the two oldest steps."""
        seconds = sum(
            step.seconds if isinstance(step, Skip) else step.segment.duration
            for step in (self._pending.popleft(), self._pending.popleft())
        )
        self._pending.appendleft(Skip(seconds, "missed"))


def _clamp(seconds: float) -> float:
    return max(MIN_RELOAD_S, min(seconds, MAX_RELOAD_S))


def _edge(playlist: MediaPlaylist) -> int:
    """Index of the last segment that begins at least ``EDGE_TARGETS`` target durations before the end, else 0."""
    longest = max(segment.duration for segment in playlist.segments)
    target = playlist.target if 0 < playlist.target <= 2 * longest else longest
    behind = 0.0
    for index in range(len(playlist.segments) - 1, -1, -1):
        behind += playlist.segments[index].duration
        if behind >= EDGE_TARGETS * target:
            return index
    return 0
