"""What an export is made from: one transcript as plain data, without database or framework.

Pure. All times are whole milliseconds on the transcript's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its punctuation, ``[start_ms, end_ms)``. ``confidence`` is 0..1, or None when the engine gave none;
    ``kind`` is ``word`` or ``audio_event``."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    kind: str = "word"


@dataclass(frozen=True, slots=True)
class Line:
    """The text of one commit for the audio ``[start_ms, end_ms)``.

    ``text`` is what counts (people correct it); ``words`` tell when it was said and may be missing or older than the
    text. ``unconfirmed``: kept although the provider never confirmed it.
    """

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    speaker: str = ""
    confidence: float | None = None
    unconfirmed: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio ``[start_ms, end_ms)`` that nobody could hear, and a short code of why."""

    start_ms: int
    end_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the event log: its number, kind, ISO time, the claim that wrote it (0: a person) and its payload."""

    seq: int
    kind: str
    at: str
    epoch: int
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a transcript stands in review: ``state`` is ``none``, ``open``, ``returned`` or ``approved``; when it is
    approved, by whom and when (ISO 8601)."""

    state: str
    by: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment of a person on the sound at ``start_ms``, written at an ISO time; ``answers`` is how deep it stands: 1
    for an answer, else 0. ``resolved``: nothing is left to do about it. Comments of one ``thread`` (a number, 0: none)
    belong together. ``edited``: its author changed it since."""

    start_ms: int
    text: str
    by: str
    at: str
    answers: int = 0
    resolved: bool = False
    thread: int = 0
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A transcript as it stands.

    ``segments`` are in the order spoken, ``gaps`` in order of time. ``created_at`` is ISO 8601. ``duration_ms`` is 0
    while the length is not known. ``notes`` are sentences for the reader (not finished yet, ended by an error).
    ``events`` is the whole log, or None when it was not asked for; so are ``comments``, each behind what it answers.
    """

    title: str
    source: str
    language: str
    engine: str
    created_at: str
    state: str
    duration_ms: int
    segments: tuple[Line, ...]
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    events: tuple[Record, ...] | None = None
    id: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    review: Stamp | None = None
    comments: tuple[Remark, ...] | None = None
