"""What a realtime transcription tells its caller: a small closed set of events on the transcript's own clock.

Pure: no I/O, no framework. All positions are samples at 16 kHz counted from the transcript's first sample, whatever
connection they came over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Word:
    """One token of committed text: a word with its punctuation, the spacing between words, or an audio event.

    ``start`` and ``end`` are samples; ``confidence`` is 0..1 (exp of the provider's natural-log probability) or None
    when the provider gave none; ``kind`` is ``word``, ``spacing`` or ``audio_event``.
    """

    text: str
    start: int
    end: int
    kind: str = "word"
    confidence: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A provider session is ready (``session_started`` was read). ``connection`` counts from 1 within the stream."""

    connection: int
    session_id: str
    config: Mapping[str, Any]
    start: int


@dataclass(frozen=True, slots=True)
class Partial:
    """The provider's current guess for the open segment. Replaces the previous one, is never stored.

    ``start`` is the open segment's first sample, ``heard`` the last sample sent to the provider so far.
    """

    text: str
    start: int
    heard: int


@dataclass(frozen=True, slots=True)
class Committed:
    """Final text for the audio ``[start, end)``; consecutive ones abut, so ``end`` is a safe point to resume from.

    ``text`` may be empty (silence was committed: nothing to show, but the audio is done). ``unconfirmed`` marks a
    partial that was kept because the provider never answered the last commit. ``raw`` holds the provider's fields
    that have no place above (never the audio).
    """

    text: str
    start: int
    end: int
    words: tuple[Word, ...] = ()
    language: str | None = None
    unconfirmed: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotation:
    """Anything else the provider said about a segment or the session: entities, redacted, edited or diarized text,
    merged speakers, warnings, input errors and message types this version does not know. ``kind`` is the wire's
    ``message_type``; ``payload`` the message without it. ``end`` is the end sample of the segment it belongs to, or
    None when it belongs to the session."""

    kind: str
    payload: Mapping[str, Any]
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The provider session ended before the audio did; another follows in ``retry_in`` seconds. Nothing is lost."""

    code: str
    message: str
    attempt: int
    retry_in: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Audio ``[start, end)`` of which there is no text and never will be. ``reason`` is a short code
    (``source_dropped``, ``buffer_overflow``)."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """All audio was answered and the session closed. ``end`` is the last sample heard; ``billed`` counts every sample
    sent to the provider, silence, keep-alive and replays included."""

    end: int
    billed: int


StreamEvent = Connected | Partial | Committed | Annotation | Interrupted | Gap | Finished
