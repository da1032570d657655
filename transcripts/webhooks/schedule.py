"""When a message is tried again: the schedule of the Standard Webhooks scheme, some three days in all. Pure."""

from __future__ import annotations

import random

_M, _H = 60.0, 3600.0
#: Seconds after each failed try until the next one; after the last the message is given up.
DELAYS = (5.0, 5 * _M, 30 * _M, 2 * _H, 5 * _H, 10 * _H, 14 * _H, 20 * _H, 24 * _H)


def delay(attempts: int, draw: float | None = None) -> float | None:
    """Seconds after the ``attempts``-th failed try, or None when that was the last.

    Spread over half to one and a half of the schedule (``draw`` from 0 to 1), so that what failed together does not
    come back together.
    """
    if attempts > len(DELAYS):
        return None
    draw = random.random() if draw is None else draw  # noqa: S311 - spreads load, keeps no secret
    return DELAYS[max(0, attempts - 1)] * (0.5 + draw)
