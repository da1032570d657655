"""What to make of a failure: what it teaches, when to try again, and when to give up.

Pure. Full jitter, as everyone who comes back at the same moment would fail together again. Times are monotonic seconds,
positions samples on the transcript's clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.errors import ErrorClass, Fault, ProviderError
from transcripts.realtime.protocol import Connection
from transcripts.realtime.rotation import Rotation
from transcripts.realtime.sending import Sender
from transcripts.realtime.tuning import Tuning

_FATAL = frozenset({ErrorClass.FATAL_KEY, ErrorClass.QUOTA, ErrorClass.FATAL_JOB})
#: Doubtful answers at one place before they are taken at their word: hearing it again did not help.
_MAX_DOUBTS = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """Either ``error``, or try again in ``delay`` seconds as the ``attempt``-th failure in a row; what lies before
    ``give_up_to`` will get no answer."""

    attempt: int = 0
    delay: float = 0.0
    error: ProviderError | None = None
    give_up_to: int | None = None


class Recovery:
    """Failures in a row. Tunes the sender and the rotation by what they say."""

    def __init__(
        self, tuning: Tuning, breaker: Breaker, rng: random.Random, sender: Sender, rotation: Rotation
    ) -> None:
        self._tuning = tuning
        self._breaker = breaker
        self._rng = rng
        self._sender = sender
        self._rotation = rotation
        self._attempt = 0
        self._since: float | None = None
        self._stuck: dict[str, int] = {}
        self._stuck_at: int | None = None
        self._chunk_halved = False
        #: Answers that may not be what they seem are heard again.
        self.doubts = True
        #: The service left word times out: no pre-roll can be trimmed, and one commit at a time must do.
        self.untimed = False
        #: The provider was seen to commit by itself.
        self.server_commits = False

    def progressed(self) -> None:
        """Something was answered."""
        self._attempt = 0
        self._since = None
        self.doubts = True
        self._stuck.clear()
        self._breaker.succeeded()

    def failed(self, fault: Fault, link: Connection, done: int, now: float, *, stopping: bool, live: bool) -> Verdict:
        """A connection failed with everything up to ``done`` answered."""
        self.server_commits = self.server_commits or link.server_commits
        fault = self._learn(fault, link, now)
        if fault.klass in _FATAL:
            return Verdict(error=fault.error())
        session_s = None if link.ready_at is None else now - link.ready_at
        if session_s is not None and session_s >= self._tuning.healthy_s:
            self._attempt, self._since = 0, None
        if not link.spoke:
            # A session that took some seconds of audio was no quick failure, however fast they were sent.
            lasted = max(session_s or 0.0, link.clock.sent / SAMPLE_RATE)
            self._breaker.failed(now, lasted, session=session_s is not None)
        self._since = now if self._since is None else self._since
        may_end = not live or self._sender.ended
        if may_end and now - self._since > self._tuning.max_retry_s:
            return Verdict(error=fault.error())
        self._attempt += 1
        delay = max(self._delay(fault), self._breaker.remaining(now))
        return Verdict(self._attempt, delay, give_up_to=self._give_up(fault, link, done, stopping=stopping))

    def _learn(self, fault: Fault, link: Connection, now: float) -> Fault:
        if fault.klass is ErrorClass.SLOW_DOWN:
            self._sender.pace.slow_to_real_time()
        elif fault.code == "session_time_limit_exceeded":
            self._rotation.learn(link, now)
        elif fault.code == "chunk_size_exceeded":
            if self._chunk_halved:
                return replace(fault, klass=ErrorClass.FATAL_JOB)
            self._chunk_halved = True
            self._sender.halve_frames()
        elif fault.code == "commit_throttled":
            self._sender.throttled()
        elif fault.code == "answer_untimed":
            self.untimed = True
            self._sender.one_at_a_time()
        return fault

    def _give_up(self, fault: Fault, link: Connection, done: int, *, stopping: bool) -> int | None:
        """Where to go on when hearing the same place again brought nothing."""
        if done != self._stuck_at:
            self._stuck_at = done
            self._stuck.clear()
        count = self._stuck[fault.code] = self._stuck.get(fault.code, 0) + 1
        if fault.code in {"answer_untimed", "answer_doubtful"} and count >= _MAX_DOUBTS:
            self.doubts = False
        if fault.code != "answer_missing" or not link.outstanding:
            return None
        allowed = 1 if stopping else self._tuning.max_replays
        return link.outstanding[0].end if count > allowed else None

    def _delay(self, fault: Fault) -> float:
        if fault.klass is ErrorClass.RECONNECT and self._attempt == 1:
            return 0.0
        ceiling = min(self._tuning.backoff_cap_s, self._tuning.backoff_base_s * 2.0 ** min(self._attempt - 1, 16))
        delay = self._rng.uniform(0.0, ceiling)
        if fault.klass is ErrorClass.SLOW_DOWN:
            # Asked to slow down: coming back at once is the one thing not to do.
            delay = max(delay, ceiling / 2)
        return max(delay, fault.retry_after or 0.0)
