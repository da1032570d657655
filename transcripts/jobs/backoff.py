"""When to try again: full jitter, so that many jobs that failed together do not come back together.

Pure. Source: security_reliability.md B6.
"""

from __future__ import annotations

import random
from collections.abc import Callable

BASE_SECONDS = 1.0
CAP_SECONDS = 60.0
#: Failures in a row, without any progress in between, after which a job gives up: about a day at the cap.
RETRY_LIMIT = 2880


def delay(
    attempt: int,
    *,
    base: float = BASE_SECONDS,
    cap: float = CAP_SECONDS,
    draw: Callable[[], float] = random.random,
) -> float:
    """Seconds to wait before try number ``attempt`` (the first retry is 1): uniform in ``[0, min(cap, base·2ⁿ))``."""
    ceiling = cap if attempt > 60 else min(cap, base * 2.0 ** max(attempt, 0))
    return draw() * ceiling
