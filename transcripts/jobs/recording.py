"""From what the provider said to what is kept: stream events become log entries, segments and changes of the row.

No I/O: the recorder writes what is planned here. Positions come in as samples and leave as milliseconds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transcripts.jobs.clean import clean_json, clean_text
from transcripts.media.pcm import samples_to_ms
from transcripts.models import EventKind
from transcripts.models.log import Entry
from transcripts.realtime.results import (
    Annotation,
    Committed,
    Connected,
    Finished,
    Gap,
    Interrupted,
    Partial,
    StreamEvent,
    Word,
)

logger = logging.getLogger(__name__)

#: Longest speaker name and language tag that the table takes, and the board's last sentence.
SPEAKER_CHARS, LANGUAGE_CHARS, LAST_TEXT_CHARS = 80, 16, 300


@dataclass(frozen=True, slots=True)
class Position:
    """Where a transcript's log stands: samples that are done, segments stored, samples of gaps."""

    committed: int
    segments: int
    gaps: int = 0


@dataclass(frozen=True, slots=True)
class SegmentPlan:
    """A segment to insert; ``entry`` is the place of its event within the batch."""

    entry: int
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry for the log that is not the provider's: what became of the source, what could not be kept."""

    entry: Entry


@dataclass(slots=True)
class Batch:
    """What one transaction writes: from ``before`` to ``after``, in this order."""

    before: Position
    after: Position
    entries: list[Entry] = field(default_factory=list)
    segments: list[SegmentPlan] = field(default_factory=list)
    billed: int = 0
    last_text: str | None = None
    #: How far behind the newest sound its text settled, in ms; None when that is not known.
    delay_ms: int | None = None

    @property
    def progressed(self) -> bool:
        """Whether it moves the point to resume from."""
        return self.after.committed > self.before.committed


def plan(events: Sequence[StreamEvent | Noted], before: Position) -> Batch:
    """The batch for ``events`` in their order; partials are nobody's business here."""
    batch = Batch(before, before)
    for event in events:
        _add(batch, event)
    return batch


def _add(batch: Batch, event: StreamEvent | Noted) -> None:
    match event:
        case Committed():
            _add_commit(batch, event)
        case Gap():
            _add_gap(batch, event)
        case Connected():
            session = {"connection": event.connection, "session_id": clean_text(event.session_id, 200)}
            start = {"start_ms": samples_to_ms(event.start)}
            batch.entries.append(Entry(EventKind.SESSION, {**session, **start, "config": clean_json(event.config)}))
        case Interrupted():
            notice = {"code": clean_text(event.code, 60), "message": clean_text(event.message, 500)}
            retry = {"attempt": event.attempt, "retry_in_ms": round(event.retry_in * 1000)}
            batch.entries.append(Entry(EventKind.NOTICE, notice | retry))
        case Annotation():
            end_ms = None if event.end is None else samples_to_ms(event.end)
            kind = {"kind": clean_text(event.kind, 60), "payload": clean_json(event.payload), "end_ms": end_ms}
            batch.entries.append(Entry(EventKind.ANNOTATION, kind))
        case Noted():
            batch.entries.append(event.entry)
        case Finished():
            batch.billed += event.billed
        case Partial():
            pass


def _add_commit(batch: Batch, event: Committed) -> None:
    at = batch.after
    if event.end <= at.committed and event.start < at.committed:
        # The client abuts its commits; should it ever repeat one, the text must not appear twice. One that covers
        # nothing is no repeat: the service committed by itself and nobody can tell how far.
        logger.error("a commit up to sample %d came again behind %d", event.end, at.committed)
        return
    text = clean_text(event.text).strip()
    if text:
        fields = _segment(event, text, at.segments)
        batch.segments.append(SegmentPlan(len(batch.entries), fields))
        batch.entries.append(Entry(EventKind.COMMIT, _commit_payload(fields, event)))
        batch.last_text = text[:LAST_TEXT_CHARS]
    batch.after = Position(event.end, at.segments + bool(text), at.gaps)


def _add_gap(batch: Batch, event: Gap) -> None:
    at = batch.after
    payload = {"start_ms": samples_to_ms(event.start), "end_ms": samples_to_ms(event.end)}
    batch.entries.append(Entry(EventKind.GAP, {**payload, "reason": clean_text(event.reason, 60)}))
    # Audio before the gap may still be unanswered; then only its commit moves the point to resume from.
    committed = max(at.committed, event.end) if event.start <= at.committed else at.committed
    batch.after = Position(committed, at.segments, at.gaps + event.end - event.start)


def _segment(event: Committed, text: str, index: int) -> dict[str, Any]:
    words = [word for word in event.words if word.kind != "spacing"]
    sure = [word.confidence for word in words if word.kind == "word" and word.confidence is not None]
    speakers = [word.speaker for word in words if word.speaker]
    return {
        "index": index,
        "start_ms": samples_to_ms(words[0].start if words else event.start),
        "end_ms": samples_to_ms(words[-1].end if words else event.end),
        "text": text,
        "words": [_word(word) for word in words],
        "language": clean_text(event.language or "", LANGUAGE_CHARS),
        "speaker": clean_text(speakers[0], SPEAKER_CHARS) if speakers else "",
        "confidence": sum(sure) / len(sure) if sure else None,
        "unconfirmed": event.unconfirmed,
    }


def _word(word: Word) -> list[Any]:
    confidence = None if word.confidence is None else round(word.confidence, 3)
    item = [clean_text(word.text, 200), samples_to_ms(word.start), samples_to_ms(word.end), confidence]
    return item if word.kind == "word" else [*item, word.kind]


def _commit_payload(fields: dict[str, Any], event: Committed) -> dict[str, Any]:
    """The segment as the log and the wire have it."""
    payload = {key: fields[key] for key in ("start_ms", "end_ms", "text", "words", "language", "unconfirmed")}
    payload = {"segment": fields["index"], **payload, "raw": clean_json(event.raw)}
    return payload | ({"speaker": fields["speaker"]} if fields["speaker"] else {})
