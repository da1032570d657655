"""How much one caller may ask for, counted by all processes together: a bucket that fills by and by (stack.md 4.1).

A process takes several turns out of the shared bucket at once and hands them out by itself, so that not every request
writes. Turns that it does not use in time are lost: a caller gets at most what the limit says, at times a little less.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F

from transcripts.models import TokenBucket

#: Turns that a process takes at once, and for how many seconds it keeps them.
LOT, LOT_SECONDS = 10, 10.0
#: Keys whose turns are remembered here.
MOST_KEYS = 10_000
#: A bucket that nobody asked for so long is full again and forgotten.
FORGET_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Limit:
    """``burst`` at once, ``rate`` a second in the long run."""

    rate: float
    burst: float

    @classmethod
    def a_minute(cls, count: int) -> Limit:
        """``count`` a minute, a sixth of them at once."""
        return cls(count / 60, max(1.0, count / 6))


class Turns:
    """The turns that this process has taken and not yet handed out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def use(self, key: str, cost: float, now: float) -> bool:
        """Whether ``cost`` turns were at hand; they are used up then."""
        with self._lock:
            left, until = self._left.get(key, (0.0, 0.0))
            if now >= until or left < cost:
                return False
            self._left[key] = (left - cost, until)
            return True

    def keep(self, key: str, count: float, now: float) -> None:
        """Remember turns for later."""
        with self._lock:
            self._left[key] = (count, now + LOT_SECONDS)
            self._left.move_to_end(key)
            if len(self._left) > MOST_KEYS:
                self._left.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._left.clear()


turns = Turns()


def take(key: str, limit: Limit, cost: float = 1.0, now: float | None = None) -> float:
    """Take ``cost`` turns: 0.0, or the seconds to wait before asking again. Blocks on the database."""
    now = time.time() if now is None else now
    if turns.use(key, cost, now):
        return 0.0
    wanted = max(cost, min(float(LOT), limit.burst / 4))
    taken, wait = _draw(key, limit, cost, wanted, now)
    if taken > cost:
        turns.keep(key, taken - cost, now)
    return wait


def give_back(key: str, cost: float = 1.0) -> None:
    """Undo a `take` that was not what the limit counts. Blocks on the database."""
    TokenBucket.objects.filter(key=key).update(level=F("level") + cost)


@transaction.atomic
def _draw(key: str, limit: Limit, cost: float, wanted: float, now: float) -> tuple[float, float]:
    """Turns out of the shared bucket, between ``cost`` and ``wanted``, or none and the seconds until there are."""
    row = TokenBucket.objects.select_for_update().filter(key=key).first() or _made(key, limit, now)
    level = min(limit.burst, row.level + max(0.0, now - row.at) * limit.rate)
    if level < min(cost, limit.burst):
        return 0.0, (min(cost, limit.burst) - level) / limit.rate
    taken = max(min(wanted, level), cost)
    TokenBucket.objects.filter(key=key).update(level=level - taken, at=now)
    return taken, 0.0


def _made(key: str, limit: Limit, now: float) -> TokenBucket:
    try:
        with transaction.atomic():
            return TokenBucket.objects.create(key=key, level=limit.burst, at=now)
    except IntegrityError:
        # Another process was first.
        return TokenBucket.objects.select_for_update().get(key=key)


def sweep() -> int:
    """Forget buckets that have been full for long; how many."""
    return TokenBucket.objects.filter(at__lt=time.time() - FORGET_SECONDS).delete()[0]
