"""What to do after a failure: when to try again, and when to give up.

Pure. Full jitter, as everyone who comes back at the same moment would fail together again. Times are monotonic seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from transcripts.realtime.breaker import Breaker
from transcripts.realtime.errors import ErrorClass, Fault
from transcripts.realtime.tuning import Tuning

_FATAL = frozenset({ErrorClass.FATAL_KEY, ErrorClass.QUOTA, ErrorClass.FATAL_JOB})


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again in ``delay`` seconds; ``attempt`` counts the failures in a row."""

    attempt: int
    delay: float


class Recovery:
    """Failures in a row, and what they mean."""

    def __init__(self, tuning: Tuning, breaker: Breaker, rng: random.Random) -> None:
        self._tuning = tuning
        self._breaker = breaker
        self._rng = rng
        self._attempt = 0
        self._since: float | None = None
        self._stuck_at: int | None = None
        self._stuck = 0

    def progressed(self) -> None:
        """Something was answered."""
        self._attempt = 0
        self._since = None
        self._breaker.succeeded()

    def failed(
        self, fault: Fault, now: float, *, session_s: float | None, progress: bool, may_end: bool
    ) -> Retry | None:
        """A connection failed. ``session_s`` is how long it was ready, None if it never was; ``may_end`` allows to give
        up for lack of time. Returns None when there is no point in going on."""
        if fault.klass in _FATAL:
            return None
        if session_s is not None and session_s >= self._tuning.healthy_s:
            self.progressed()
        if not progress:
            self._breaker.failed(now, session_s or 0.0, session=session_s is not None)
        self._since = now if self._since is None else self._since
        if may_end and now - self._since > self._tuning.max_retry_s:
            return None
        self._attempt += 1
        return Retry(self._attempt, max(self._delay(fault), self._breaker.remaining(now)))

    def stuck(self, place: int) -> int:
        """A replay from ``place`` brought nothing. Returns how often that happened there."""
        self._stuck = self._stuck + 1 if place == self._stuck_at else 1
        self._stuck_at = place
        return self._stuck

    def _delay(self, fault: Fault) -> float:
        if fault.klass is ErrorClass.RECONNECT and self._attempt == 1:
            return 0.0
        ceiling = min(self._tuning.backoff_cap_s, self._tuning.backoff_base_s * 2.0 ** min(self._attempt - 1, 16))
        delay = self._rng.uniform(0.0, ceiling)
        if fault.klass is ErrorClass.SLOW_DOWN:
            # Asked to slow down: coming back at once is the one thing not to do.
            delay = max(delay, ceiling / 2)
        return max(delay, fault.retry_after or 0.0)
