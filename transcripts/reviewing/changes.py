"""A change of one segment: what it becomes, and how the tables and the log have it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User

from transcripts.models import How, Revision, Segment, Transcript
from transcripts.reviewing.people import name_of
from transcripts.reviewing.words import Passage


@dataclass(frozen=True, slots=True)
class Change:
    """One segment as it becomes. ``made_from`` is the segment that a new one was split from."""

    segment: Segment
    passage: Passage
    how: How
    origin: int | None = None
    made_from: Segment | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def passage_of(row: Segment | Revision) -> Passage:
    """What a segment, or a version of it, says."""
    return Passage(row.start_ms, row.end_ms, row.text, [list(word) for word in row.words], row.speaker)


def values_of(change: Change) -> dict[str, Any]:
    """The columns of the segment."""
    passage = change.passage
    sure = [word[3] for word in passage.words if len(word) == 4 and word[3] is not None]
    return {
        "start_ms": passage.start_ms,
        "end_ms": passage.end_ms,
        "text": passage.text,
        "words": passage.words,
        "speaker": passage.speaker,
        "confidence": sum(sure) / len(sure) if sure else None,
        "version": change.segment.version + 1,
        "is_checked": False,
    }


def payload(change: Change, person: User) -> dict[str, Any]:
    """What the log keeps and open pages are told."""
    now = values_of(change)
    said = {key: now[key] for key in ("start_ms", "end_ms", "text", "words", "speaker", "version")}
    said |= {"segment": change.segment.index, "how": change.how.value, "by": name_of(person)}
    if change.made_from is not None:
        said["after"] = change.made_from.index
    if "gone" in change.extra:
        said["gone"] = [index for index, _ in change.extra["gone"]]
    return said


def revision(transcript: Transcript, person: User, change: Change) -> Revision:
    """The version as it is kept beside the segment."""
    passage = change.passage
    return Revision(
        transcript=transcript,
        segment=change.segment.index,
        version=change.segment.version,
        how=change.how,
        origin=change.origin,
        start_ms=passage.start_ms,
        end_ms=passage.end_ms,
        text=passage.text,
        words=passage.words,
        speaker=passage.speaker,
        by=person,
        by_name=name_of(person),
    )
