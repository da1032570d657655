"""What goes in and out of the API around the text: segments, events, review."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from transcripts.api.schemas import NO_NUL, Day, ErrorOut, Index, Strict, Text, example

Speaker = Annotated[str, StringConstraints(max_length=80, pattern=NO_NUL)]
Reason = Annotated[str, StringConstraints(max_length=500, pattern=NO_NUL)]


class SegmentOut(Schema):
    """A passage of the text for the sound from ``start_ms`` to ``end_ms``. ``index`` is its name for ever."""

    index: int
    version: int = Field(description="0 as it was heard, raised by every correction; send it with the next one")
    start_ms: int
    end_ms: int
    text: str
    words: list[list[Any]] = Field(description="[text, start_ms, end_ms, confidence or null, kind?] for each word")
    speaker: str
    language: str
    confidence: float | None
    unconfirmed: bool
    is_checked: bool


class SegmentsOut(Schema):
    """A page of segments as spoken. ``next``: the cursor of what follows; empty at the end."""

    items: list[SegmentOut]
    next: str


class SegmentPatch(Strict):
    """A correction of the version that was seen; what is left out stays."""

    model_config = example(version=0, text="The new quay opens on Monday.", is_checked=True)

    version: Index
    text: Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=NO_NUL)] = Field(None)  # type: ignore[assignment]
    speaker: Speaker = Field(None)  # type: ignore[assignment]
    is_checked: bool = Field(None, description="somebody read it and found it right")  # type: ignore[assignment]


class SplitIn(Strict):
    """Cut behind this character of the text, at the end of that word."""

    model_config = example(version=0, at=12)

    version: Index
    at: Index


class MergeIn(Strict):
    """Join with the next passage, of which this version was seen."""

    model_config = example(version=1, next_version=0)

    version: Index
    next_version: Index


class RestoreIn(Strict):
    """Bring an earlier version back."""

    model_config = example(version=2, wanted=0)

    version: Index
    wanted: Index


class SpeakerIn(Strict):
    """Another name for a speaker, everywhere."""

    model_config = example(old="speaker_0", new="Ana")

    old: Speaker
    new: Speaker


class ReplaceIn(Strict):
    """Replace a text everywhere."""

    model_config = example(find="harbor", replacement="harbour", whole=True)

    find: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
    replacement: Text
    case: bool = Field(False, description="capitals matter")
    whole: bool = Field(True, description="whole words only")


class ChangedOut(Schema):
    """In how many passages something was changed."""

    changed: int


class ConflictOut(ErrorOut):
    """Somebody else was first: ``current`` is the passage as it is now, null when it was merged away."""

    current: SegmentOut | None = None


class EventOut(Schema):
    """A row of the log: what ``data`` holds depends on ``type`` (docs/api.md)."""

    type: str
    seq: int
    at: datetime
    data: dict[str, Any]


class EventsOut(Schema):
    """Events in order. ``after`` is what to ask for next; ``ended``: nothing more comes unless somebody acts."""

    items: list[EventOut]
    after: int
    ended: bool


class ReviewIn(Strict):
    """A decision; ``return`` and ``reopen`` need a reason, ``assign`` a member's id or null for nobody."""

    model_config = example(decision="return", reason="Names are missing.")

    decision: Literal["send", "assign", "approve", "return", "reopen"]
    reason: Reason = ""
    assignee: Index | None = None
    due_on: Day | None = None


class ReviewOut(Schema):
    """Where a transcript stands on its way to approval; ``state`` is empty when it was never sent."""

    transcript: UUID
    state: str
    assignee: str
    due_on: date | None
    decided_by: str
    decided_at: datetime | None
    reason: str


class QueuedOut(Schema):
    """A transcript that waits for a person, and how much it needs one."""

    review: ReviewOut
    title: str
    urgency: int = Field(description="its place: 1 needs a person most")
    flags_left: int
    low_share: float | None = Field(description="share of words of low confidence, 0 to 1")
    is_overdue: bool


class QueueOut(Schema):
    """A page of the review queue, the most urgent first. ``next``: the cursor of what follows; empty at the end."""

    items: list[QueuedOut]
    next: str


class VersionOut(Schema):
    """One version of a passage. Version 0 is what was heard, by nobody."""

    version: int
    text: str
    speaker: str
    at: datetime | None
    by: str
    how: str = Field(description="what was done, in words; empty for version 0")
    is_current: bool


class HistoryOut(Schema):
    """The versions of a passage, the newest first."""

    items: list[VersionOut]


class FlagOut(Schema):
    """A reason for a person to look at one place."""

    id: int
    kind: str = Field(description="confidence, unconfirmed, gap, loop, silence, rate, refrain, person")
    state: str = Field(description="open, resolved or dismissed")
    segment: int | None = Field(description="null for a gap, which lies between passages")
    start_ms: int
    end_ms: int
    score: float
    details: dict[str, Any]
    by: str = Field(description="who raised it or answered it last")
    at: datetime


class FlagsOut(Schema):
    """A page of flags as spoken. ``next``: the cursor of what follows; empty at the end."""

    items: list[FlagOut]
    next: str


class FlagIn(Strict):
    """Ask others to look at a passage."""

    model_config = example(segment=0, note="Is the name right?")

    segment: Index
    note: Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)] = ""


class FlagPatch(Strict):
    """An answer to a flag: it is mended, there was nothing wrong, or it is open again."""

    model_config = example(state="resolved")

    state: Literal["open", "resolved", "dismissed"]
