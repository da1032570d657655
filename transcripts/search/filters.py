"""What may narrow the library down, and the order in which it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.models import Engine, Review, ReviewState, Segment, SourceKind, State, Tagging
from transcripts.models.tag import TAG_CHARS, tag_key
from transcripts.models.transcript import TranscriptQuerySet

#: What can be wrong with a text.
TROUBLES = ("gaps", "unconfirmed")
#: Where it can stand in review; UNSENT: nobody ever sent it there.
UNSENT = "none"
REVIEWS = (*ReviewState.values, UNSENT)
#: Lengths that can be asked for: minutes from (included) and to (not included), 0 for no end.
LENGTHS = {"-5": (0, 5), "5-30": (5, 30), "30-120": (30, 120), "120-": (120, 0)}
#: Up to so many transcripts, what a filter names is looked up first; more, and the newest are tried one by one.
FEW = 1000
#: Filters by a name that people type, and its most characters.
NAMES = {"language": 16, "tag": TAG_CHARS, "speaker": 80}
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty fields let everything through. ``since`` and ``until`` are days, both included; ``trouble`` is one of
    TROUBLES, ``length`` of LENGTHS, ``review`` of REVIEWS; ``kind``, ``state`` and ``engine`` are values of the model's
    own choices; ``tag`` and ``speaker`` are names, the first in any spelling."""

    kind: str = ""
    state: str = ""
    engine: str = ""
    review: str = ""
    language: str = ""
    trouble: str = ""
    tag: str = ""
    speaker: str = ""
    length: str = ""
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))

    def apply(self, rows: TranscriptQuerySet) -> TranscriptQuerySet:
        """The rows that pass."""
        exact = {"source_kind": self.kind, "state": self.state, "engine": self.engine, "language": self.language}
        rows = rows.filter(**{name: value for name, value in exact.items() if value})
        if self.since:
            rows = rows.filter(created_at__gte=_midnight(self.since))
        if self.until:
            rows = rows.filter(created_at__lt=_midnight(self.until + timedelta(days=1)))
        if self.trouble == "gaps":
            rows = rows.filter(gap_samples__gt=0)
        if self.length:
            rows = rows.filter(_lasts(*LENGTHS[self.length]))
        if self.review == UNSENT:
            rows = rows.filter(~Exists(Review.objects.filter(transcript=OuterRef("pk"))))
        for named in self._named():
            rows = rows.filter(_among(named))
        return rows

    def _named(self) -> Iterator[QuerySet[Any]]:
        """Rows with a ``transcript`` that passes, for each filter on something else than the transcript's own row."""
        if self.trouble == "unconfirmed":
            yield Segment.objects.filter(unconfirmed=True)
        if self.review and self.review != UNSENT:
            yield Review.objects.filter(state=self.review)
        if self.speaker:
            yield Segment.objects.filter(speaker=self.speaker).exclude(speaker="")
        if self.tag:
            yield Tagging.objects.filter(tag__key=tag_key(self.tag))


def _lasts(low: int, high: int) -> Q:
    """At least ``low`` and less than ``high`` minutes were heard."""
    minute = 60 * SAMPLE_RATE
    return Q(committed_samples__gte=low * minute) & (Q(committed_samples__lt=high * minute) if high else Q())


def _among(named: QuerySet[Any]) -> Q:
    """By id for a few of them: a list of the newest would otherwise try every transcript to find the last of them."""
    keys = list(named.order_by().values_list("transcript", flat=True).distinct()[: FEW + 1])
    return Q(pk__in=keys) if len(keys) <= FEW else Q(Exists(named.filter(transcript=OuterRef("pk"))))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def read(values: Mapping[str, str]) -> Filters:
    """Filters from a query string; what has no meaning is left out."""
    choices = {
        "kind": SourceKind.values, "state": State.values, "engine": Engine.values, "trouble": TROUBLES,
        "length": list(LENGTHS), "review": REVIEWS,
    }  # fmt: skip
    chosen = {name: values.get(name, "") for name in choices}
    known = {name: value for name, value in chosen.items() if value in choices[name]}
    names = {name: _line(values.get(name, ""), most) for name, most in NAMES.items()}
    return Filters(**known, **names, since=_day(values.get("since")), until=_day(values.get("until")))


def _line(text: str, most: int) -> str:
    return " ".join(text.replace("\x00", "").split())[:most]


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return found if date(1900, 1, 1) <= found <= date(9000, 1, 1) else None


def cursor_of(created_at: datetime, key: UUID) -> str:
    """The place after a row: microseconds of its making, and its id."""
    return f"{round(created_at.timestamp() * 1_000_000)}~{key.hex}"


def read_cursor(cursor: str) -> tuple[datetime, UUID] | None:
    """What `cursor_of` wrote, or None for anything else."""
    stamp, _, key = cursor.partition("~")
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(stamp[:20]))
        return min(moment, _LATEST), UUID(key)
    except (ValueError, OverflowError):
        return None


def after(rows: TranscriptQuerySet, cursor: str) -> TranscriptQuerySet:
    """The rows behind a cursor, newest first."""
    place = read_cursor(cursor)
    if place is not None:
        moment, key = place
        rows = rows.filter(Q(created_at__lt=moment) | Q(created_at=moment, pk__lt=key), created_at__lte=moment)
    return rows.order_by("-created_at", "-id")


def place_of(cursor: str) -> int:
    """The cursor of an order by anything else than time: how many come before the page."""
    return int(cursor) if cursor.isascii() and cursor.isdecimal() and len(cursor) < 5 else 0
