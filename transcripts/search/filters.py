"""What may narrow the library down, and the order in which it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from transcripts.models import Engine, Segment, SourceKind, State, Transcript
from transcripts.models.transcript import TranscriptQuerySet

#: What can be wrong with a text.
TROUBLES = ("gaps", "unconfirmed")
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty fields let everything through. ``since`` and ``until`` are days, both included; ``trouble`` is one of
    TROUBLES; ``kind``, ``state`` and ``engine`` are values of the model's own choices."""

    kind: str = ""
    state: str = ""
    engine: str = ""
    language: str = ""
    trouble: str = ""
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
        if self.trouble == "unconfirmed":
            rows = rows.filter(Exists(Segment.objects.filter(transcript=OuterRef("pk"), unconfirmed=True)))
        return rows


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def read(values: Mapping[str, str]) -> Filters:
    """Filters from a query string; what has no meaning is left out."""
    choices = {"kind": SourceKind.values, "state": State.values, "engine": Engine.values, "trouble": TROUBLES}
    chosen = {name: values.get(name, "") for name in choices}
    known = {name: value for name, value in chosen.items() if value in choices[name]}
    language = values.get("language", "").replace("\x00", "").strip()[:16]
    return Filters(**known, language=language, since=_day(values.get("since")), until=_day(values.get("until")))


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return found if date(1900, 1, 1) <= found <= date(9000, 1, 1) else None


def cursor_of(row: Transcript) -> str:
    """The place after a row: microseconds of its making, and its id."""
    return f"{round(row.created_at.timestamp() * 1_000_000)}~{row.pk.hex}"


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
