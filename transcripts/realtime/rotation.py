"""Ahead of a session limit: when to open the next session, and when to force the change.

Pure. Whether the provider counts time or audio is unknown (protocol.md section 8), so both are held under the limit.
"""

from __future__ import annotations

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.protocol import Connection
from transcripts.realtime.tuning import Tuning

#: A complaint that came sooner teaches nothing about a limit.
_SHORTEST_LIMIT_S = 10.0
#: After the next session could not be opened.
_PAUSE_S = 5.0


class Rotation:
    """Times are monotonic seconds."""

    def __init__(self, tuning: Tuning, breaker: Breaker) -> None:
        self._tuning = tuning
        self._breaker = breaker
        self._not_before = float("-inf")

    def _limit(self) -> tuple[float, float] | None:
        """The shortest known limit, in seconds of time and of audio."""
        set_by_us, learned = self._tuning.session_limit_s, self._breaker.learned_limit
        if set_by_us is None:
            return learned
        return (set_by_us, set_by_us) if learned is None else (min(set_by_us, learned[0]), min(set_by_us, learned[1]))

    def _used(self, link: Connection, now: float) -> float:
        """Share of the limit that is used up."""
        limit = self._limit()
        if limit is None or link.ready_at is None:
            return 0.0
        return max((now - link.ready_at) / limit[0], link.clock.sent / SAMPLE_RATE / limit[1])

    def due(self, link: Connection, now: float) -> bool:
        """Whether to open the next session."""
        return now >= self._not_before and self._used(link, now) >= self._tuning.rotate_open_share

    def forced(self, link: Connection, now: float) -> bool:
        """Whether to change at the next legal commit, pause or not."""
        return self._used(link, now) >= self._tuning.rotate_force_share

    def wake_at(self, link: Connection, now: float) -> float:
        """When time alone makes one of them true."""
        limit = self._limit()
        if limit is None or link.ready_at is None:
            return float("inf")
        shares = (self._tuning.rotate_open_share, self._tuning.rotate_force_share)
        times = [max(self._not_before, link.ready_at + share * limit[0]) for share in shares]
        return min((at for at in times if at > now), default=float("inf"))

    def learn(self, link: Connection, now: float) -> None:
        """The provider said that ``link`` reached the longest session."""
        if link.ready_at is None:
            return
        told = (now - link.ready_at, link.clock.sent / SAMPLE_RATE)
        if max(told) >= _SHORTEST_LIMIT_S:
            self._breaker.learned_limit = (max(told[0], 0.1), max(told[1], 0.1))

    def failed(self, now: float) -> None:
        """The next session could not be opened; the present one still works."""
        self._not_before = now + _PAUSE_S
