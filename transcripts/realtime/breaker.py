"""A circuit breaker per provider and key, so that a service which accepts and drops is not hammered.

Pure: the caller brings the clock (monotonic seconds). One breaker is shared by all streams of one provider and key in a
process. The rule of three short sessions is for the service whose handshake works and whose close comes at once, where
plain backoff would never stop.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to open and for how long. Times in seconds."""

    failures: int = 5
    window_s: float = 60.0
    short_sessions: int = 3
    short_session_s: float = 5.0
    open_s: float = 30.0
    open_cap_s: float = 60.0


class Breaker:
    """Closed: everyone may connect. Open: nobody. Half-open: one may try, and its fate decides."""

    def __init__(self, rules: BreakerRules | None = None) -> None:
        self._rules = rules or BreakerRules()
        self._failures: deque[float] = deque()
        self._short = 0
        self._open_until: float | None = None
        self._opened = 0
        self._probe_until = 0.0
        #: Longest session that the provider allows, learned from its complaint: seconds of time and of audio.
        self.learned_limit: tuple[float, float] | None = None

    @property
    def state(self) -> str:
        """``closed`` or ``open`` (also while one caller probes)."""
        return "closed" if self._open_until is None else "open"

    def remaining(self, now: float) -> float:
        """Seconds until anyone may try at all; takes no permit."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - now)

    def wait(self, now: float) -> float:
        """Seconds until a connection may be tried; 0 grants it (and, when half-open, takes the only permit)."""
        if self._open_until is None:
            return 0.0
        if now < self._open_until:
            return self._open_until - now
        if now < self._probe_until:
            return self._probe_until - now
        # A prober that never reports back must not lock everyone else out.
        self._probe_until = now + self._rules.open_s
        return 0.0

    def failed(self, now: float, session_s: float = 0.0, *, session: bool = False) -> None:
        """A connection failed without progress; ``session`` says that it had been ready, for ``session_s`` seconds."""
        self._failures.append(now)
        while self._failures and self._failures[0] <= now - self._rules.window_s:
            self._failures.popleft()
        self._short = self._short + 1 if session and session_s < self._rules.short_session_s else 0
        probing = self._open_until is not None
        if probing or len(self._failures) >= self._rules.failures or self._short >= self._rules.short_sessions:
            self._open(now)

    def succeeded(self) -> None:
        """A session answered a commit or lived long: all is well."""
        self._failures.clear()
        self._short = self._opened = 0
        self._open_until = None

    def _open(self, now: float) -> None:
        self._opened += 1
        self._open_until = now + min(self._rules.open_s * 2 ** min(self._opened - 1, 8), self._rules.open_cap_s)
        self._probe_until = 0.0
        self._failures.clear()
        self._short = 0
