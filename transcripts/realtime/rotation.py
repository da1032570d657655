"""Ahead of a session limit: when to open the next session, and when to force the change.

Pure. Whether the provider counts time or audio is unknown (protocol.md section 8), so both are held under the limit.
"""

from __future__ import annotations

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.protocol import Connection
from transcripts.realtime.tuning import Tuning

#: Nobody limits sessions to less: what a complaint came after is then not what it is about.
_SHORTEST_LIMIT_S = 30.0
#: No audio is sent beyond this share of a limit while the next session is being opened.
_HOLD_SHARE = 0.97
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

    def exhausted(self, link: Connection, now: float) -> bool:
        """Whether to wait for the next session before anything else is sent."""
        return now >= self._not_before and self._used(link, now) >= _HOLD_SHARE

    def wake_at(self, link: Connection, now: float) -> float:
        """When time alone makes one of them true."""
        limit = self._limit()
        if limit is None or link.ready_at is None:
            return float("inf")
        shares = (self._tuning.rotate_open_share, self._tuning.rotate_force_share)
        times = [max(self._not_before, link.ready_at + share * limit[0]) for share in shares]
        return min((at for at in times if at > now), default=float("inf"))

    def learn(self, link: Connection, now: float) -> None:
        """The provider said that ``link`` reached the longest session.

        Of the audio, only what was answered is known to have been within the limit: more may have been on the way.
        """
        if link.ready_at is None:
            return
        told = now - link.ready_at, (link.answered or link.clock.sent) / SAMPLE_RATE
        believed = self._breaker.learned_limit or (float("inf"), float("inf"))
        learned = tuple(
            # What was believed before was too much.
            min(value, old * 0.75) if value >= _SHORTEST_LIMIT_S else old
            for value, old in zip(told, believed, strict=True)
        )
        if min(learned) < float("inf"):
            self._breaker.learned_limit = (learned[0], learned[1])

    def failed(self, now: float) -> None:
        """The next session could not be opened; the present one still works."""
        self._not_before = now + _PAUSE_S
