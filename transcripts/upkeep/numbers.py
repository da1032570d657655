"""How the installation is, in numbers: read from the tables, so they hold for all processes together.

Every question is answered by an index and reads at most some thousand rows, however large the tables are: what is at
work, what waits, and what happened within the last hour. Ages are by the database's clock. Synchronous.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import BooleanField, Count, F, OuterRef, Q, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils import timezone

from transcripts.models import (
    ACTIVE,
    FINAL,
    Act,
    AuditEntry,
    Erasure,
    Event,
    EventKind,
    ProviderAccount,
    State,
    Transcript,
    Worker,
)

#: How far back trouble is counted.
WINDOW = timedelta(hours=1)
#: Most rows that one question reads; a number that reaches it is a lower bound.
MOST_ROWS = 5_000
#: A worker that was silent for so long is gone: six heartbeats of the default.
SILENT_SECONDS = 30.0
UNFINISHED = [state for state in State if state not in FINAL]
# As literals: SQLite takes the partial index only for the very words of its condition.
_TROUBLE = "\"transcripts_event\".\"kind\" IN ('notice', 'gap')"


class WorkerLook(NamedTuple):
    """One worker as it last reported itself; ages in seconds."""

    name: str
    silent: float
    capacity: int
    running: int
    holding_back: str
    breakers: dict[str, float]
    counts: dict[str, dict[str, float]]

    @property
    def alive(self) -> bool:
        """Heard of lately."""
        return self.silent < SILENT_SECONDS


class SessionLook(NamedTuple):
    """One transcript at work: seconds since its last event and since its lease was renewed (None: never)."""

    id: UUID
    title: str
    team: str
    state: str
    worker: str
    is_live: bool
    delay: float | None
    lease_age: float | None
    lease_left: float | None

    @property
    def label(self) -> str:
        """The state in words."""
        return str(State(self.state).label)


class DiskLook(NamedTuple):
    """One folder of ours and the disk that it is on, in bytes."""

    name: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """Everything at one moment. Counters are of the last hour; seconds where nothing else is said."""

    states: dict[str, int]
    due: int
    oldest_due: float
    ended: dict[str, int]
    workers: list[WorkerLook]
    sessions: list[SessionLook]
    notices: Counter[str]
    gaps: Counter[str]
    blocked: list[ProviderAccount] = field(default_factory=list)
    erasures_open: int = 0
    disks: list[DiskLook] = field(default_factory=list)
    refused_sign_ins: int = 0


def read() -> Numbers:
    """Ask the database and the disks. Raises DatabaseError."""
    now = database_now()
    notices, gaps = _trouble(now)
    due, oldest = _queue(now)
    return Numbers(
        states=_states(),
        due=due,
        oldest_due=oldest,
        ended=_ended(now),
        workers=workers(now),
        sessions=_sessions(now),
        notices=notices,
        gaps=gaps,
        blocked=list(ProviderAccount.objects.exclude(code="")[:100]),
        erasures_open=len(Erasure.objects.filter(finished_at__isnull=True).values_list("id")[:MOST_ROWS]),
        disks=disks(),
        refused_sign_ins=_refused_sign_ins(now),
    )


def database_now() -> datetime:
    """The time by the database's clock, which all ages are measured with."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")
            return timezone.make_aware(datetime.fromisoformat(cursor.fetchone()[0]), timezone.get_fixed_timezone(0))
        cursor.execute("SELECT statement_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment


def _since(now: datetime, moment: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())


def _states() -> dict[str, int]:
    """Unfinished transcripts by state; those that have ended would be a count of the whole table."""
    rows = Transcript.objects.filter(state__in=UNFINISHED).order_by().values("state").annotate(number=Count("pk"))
    found = {row["state"]: row["number"] for row in rows}
    return {state.value: found.get(state.value, 0) for state in UNFINISHED}


def _refused_sign_ins(now: datetime) -> int:
    """Over all accounts and addresses: who tries one password for each of many stays under the limits of both."""
    rows = AuditEntry.objects.filter(at__gte=now - WINDOW, act=Act.SIGN_IN_FAILED).order_by()
    return len(rows.values_list("pk")[:MOST_ROWS])


def _ended(now: datetime) -> dict[str, int]:
    rows = Transcript.objects.filter(finished_at__gte=now - WINDOW).order_by()
    counted = Counter(rows.values_list("state", flat=True)[:MOST_ROWS])
    return {state.value: counted[state.value] for state in State if state in FINAL}


def _queue(now: datetime) -> tuple[int, float]:
    """How many wait for a worker, and for how long the one that waits longest has: since its last event."""
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    rows = Transcript.objects.filter(due, state__in=[State.QUEUED, State.WAITING]).order_by()
    last = Event.objects.filter(transcript=OuterRef("pk"), seq=OuterRef("last_seq")).values("at")
    since = [
        max(moment, not_before or moment)
        for moment, not_before in rows.annotate(since=Subquery(last)).values_list("since", "not_before")[:MOST_ROWS]
        if moment
    ]
    return len(since), max((_since(now, moment) for moment in since), default=0.0)


def workers(now: datetime) -> list[WorkerLook]:
    """Every worker that has not said goodbye within the last day."""
    return [
        WorkerLook(
            name=row.name,
            silent=_since(now, row.heartbeat_at),
            capacity=row.capacity,
            running=row.running,
            holding_back=row.holding_back,
            breakers=row.breakers or {},
            counts=row.counts or {},
        )
        for row in Worker.objects.order_by("name")[:MOST_ROWS]
    ]


def _sessions(now: datetime) -> list[SessionLook]:
    last = Event.objects.filter(transcript=OuterRef("pk"), seq=OuterRef("last_seq")).values("at")
    rows = Transcript.objects.filter(state__in=ACTIVE).annotate(last_at=Subquery(last), team_name=F("team__name"))
    return [_session(row, now) for row in rows.order_by("-is_live", "created_at")[:MOST_ROWS]]


def _session(row: Any, now: datetime) -> SessionLook:
    left = (row.lease_until - now).total_seconds() if row.lease_until else None
    return SessionLook(
        id=row.pk,
        title=row.title,
        team=row.team_name,
        state=row.state,
        worker=row.worker,
        is_live=row.is_live,
        delay=_since(now, row.last_at) if row.last_at else None,
        lease_age=None if left is None else max(0.0, settings.STTWEB_LEASE_SECONDS - left),
        lease_left=left,
    )


def trouble_since(moment: datetime) -> Any:
    """Notices and gaps of all transcripts since a moment, the newest first; reads the partial index only."""
    literal = RawSQL(_TROUBLE, (), output_field=BooleanField())  # noqa: S611 - a constant
    return Event.objects.filter(literal, at__gte=moment).order_by("-at")


def _trouble(now: datetime) -> tuple[Counter[str], Counter[str]]:
    notices, gaps = Counter[str](), Counter[str]()
    for kind, payload in trouble_since(now - WINDOW).values_list("kind", "payload")[:MOST_ROWS]:
        if kind == EventKind.GAP:
            gaps[str(payload.get("reason") or "unknown")] += 1
        else:
            notices[str(payload.get("code") or "unknown")] += 1
    return notices, gaps


def disks() -> list[DiskLook]:
    """The folders that hold our state; those that share a disk are listed each."""
    folders = {"state": settings.STTWEB_VAR, "media": settings.STTWEB_MEDIA_DIR, "spool": settings.STTWEB_SPOOL_DIR}
    return [DiskLook(name, *_usage(Path(folder))) for name, folder in folders.items()]


def _usage(folder: Path) -> tuple[int, int]:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def decoder_is_missing() -> bool:
    """Whether every worker that was heard of lately refuses to decode, because its sandbox does not hold."""
    fresh = Worker.objects.filter(heartbeat_at__gt=Now() - timedelta(seconds=SILENT_SECONDS))
    found = set(fresh.values_list("holding_back", flat=True))
    return found == {"decoder_unsafe"}


def worker_is_fresh() -> bool:
    """Whether any worker was heard of lately, by the database's clock."""
    return Worker.objects.filter(heartbeat_at__gt=Now() - timedelta(seconds=SILENT_SECONDS)).exists()
