"""What the reader hands to whoever feeds the decoder, in the order of the stream."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bytes:
    """Media for the running decoder: a whole segment (``seconds`` long, as announced) or, with ``section``, an
    initialisation section. ``program_time`` is the wall clock of the segment's beginning in seconds since 1970, when
    the stream says it."""

    data: bytes
    seconds: float = 0.0
    program_time: float | None = None
    section: bool = False


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """Format or timestamps may change: the decoder is ended, drained and started anew. No time is missing."""


@dataclass(frozen=True, slots=True)
class Missing:
    """``seconds`` of the stream cannot be had. What follows is for a new decoder, as after ``Discontinuity``.

    ``reason``: ``missed``, ``announced``, ``restarted`` (see ``schedule.Skip``), ``unavailable`` (could not be
    fetched) or ``unreadable`` (was no media)."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """Nothing new for ``seconds``; said once, the next other item ends it. The reader keeps trying."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The last item. ``reason``: ``complete`` (the playlist's end) or ``source_ended`` (it stopped growing)."""

    reason: str


Item = Bytes | Discontinuity | Missing | Stalled | Ended
