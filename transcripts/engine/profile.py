"""Every timing and switch of the server in one place. ``PRODUCT`` serves people, ``FAITHFUL`` copies the live service.

The live figures come from measurements that others published (2026); see docs/engine.md for what is known of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds unless said otherwise; pairs are the bounds of a uniform choice."""

    #: Uncommitted audio before the first partial of a connection, of a later stretch, and between two partials.
    first_partial: float = 2.0
    partial_interval: float = 1.0
    #: From a commit to its answer, at least (the live service's round trip).
    answer_delay: tuple[float, float] = (0.21, 0.44)
    #: From the plain answer to its timed twin.
    twin_delay: float = 0.015
    #: From an answer to the partial that repeats it; None sends none.
    echo_delay: tuple[float, float] | None = (0.005, 0.05)
    #: Without audio for so long the session ends; ``idle_error`` announces it, ``idle_counts_empty`` counts empty
    #: chunks as audio.
    idle: float = 15.5
    idle_error: bool = False
    idle_counts_empty: bool = False
    #: A commit of less uncommitted audio is refused and ends the session after the delay (or only skipped).
    shortest_commit: float = 0.3
    throttle_delay: float = 0.18
    throttle_closes: bool = True
    #: The server commits by itself at so much uncommitted audio.
    auto_commit: float = 35.75
    #: From here on a client commit is swallowed, as the live service was seen to do; None never.
    stall_from: float | None = None
    #: Send the timed twin of an empty answer before the plain one.
    flip_empty: bool = False
    #: Announce that ``enable_logging=false`` was not granted.
    logging_warning: bool = True
    #: Longest session in seconds of audio; None for no limit.
    session_limit: float | None = None
    #: Longest chunk in seconds of audio.
    longest_chunk: float = 30.0
    #: Sessions at once; one more is told ``over_limit``.
    sessions: int = 16
    over_limit: str = "rate_limited"
    #: Unprocessed audio at which the socket is no longer read, and at which (if not None) the session is refused.
    backlog: float = 30.0
    overflow: float | None = None


FAITHFUL = Profile()

PRODUCT = replace(
    FAITHFUL,
    first_partial=1.0,
    partial_interval=0.5,
    answer_delay=(0.0, 0.0),
    twin_delay=0.0,
    echo_delay=None,
    logging_warning=False,
)

PROFILES = {"product": PRODUCT, "faithful": FAITHFUL}
