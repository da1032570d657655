"""What one connection tells the stream above it.

Pure. Positions are samples on the transcript's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transcripts.realtime.errors import Fault
from transcripts.realtime.results import Word


@dataclass(frozen=True, slots=True)
class Ready:
    """``session_started`` was read."""

    session_id: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A partial of the open segment."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Final text up to ``end``.

    ``own`` is False when the provider committed by itself; then ``end`` is the end of the last word, which is all that
    the answer is known to cover.
    """

    text: str
    end: int
    own: bool
    words: tuple[Word, ...] = ()
    language: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """Anything else that was said. ``end`` is the end of the segment it belongs to, or None for the session."""

    kind: str
    payload: Mapping[str, Any]
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection is over."""

    fault: Fault


LinkEvent = Ready | Heard | Answer | Note | Failed
