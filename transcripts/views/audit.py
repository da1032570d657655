"""The audit record of a team: what was done, by whom, when and from where; a page at a time, and as a table."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date
from django.utils.timezone import get_current_timezone, localdate, make_aware
from django.views.decorators.http import require_safe

from transcripts import access, auditing
from transcripts.access import Right
from transcripts.exports.table import MARK, row
from transcripts.jobs.clean import clean_line
from transcripts.models import Act, AuditEntry, Team
from transcripts.models.audit import AuditQuerySet, entries_of
from transcripts.views.shell import PersonRequest

PAGE_ROWS, CSV_ROWS = 50, 500
#: The largest number that the database's keys have.
_MOST = 2**63 - 1
COLUMNS = ("at", "who", "act", "kind", "id", "what", "address", "outcome", "details")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of a query string; what cannot be read is left out."""

    who: str = ""
    act: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def of(cls, values: QueryDict) -> Wanted:
        """``who`` (part of a name), ``act``, ``since`` and ``until`` (days, both included)."""
        act = values.get("act", "")
        days = _day(values.get("since", "")), _day(values.get("until", ""))
        return cls(clean_line(values.get("who", ""), 150), act if act in Act.values else "", *days)

    def among(self, entries: AuditQuerySet) -> AuditQuerySet:
        """Those of ``entries`` that are wanted."""
        if self.who:
            entries = entries.filter(actor__icontains=self.who)
        if self.act:
            entries = entries.filter(act=self.act)
        if self.since:
            entries = entries.filter(at__gte=_begin(self.since))
        if self.until:
            entries = entries.filter(at__lt=_begin(self.until + timedelta(days=1)))
        return entries

    def query(self) -> str:
        """The filters as a query string."""
        values = {"who": self.who, "act": self.act, "since": self.since, "until": self.until}
        return urlencode({name: value for name, value in values.items() if value})


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # Days at the ends of the calendar have no day before or behind them.
    return day if day and 1970 <= day.year <= 9000 else None


def _begin(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min), get_current_timezone())


@require_safe
@login_required
def audit(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/audit``: the newest first; ``before`` (an entry's number) goes on behind it."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    wanted = Wanted.of(request.GET)
    entries = wanted.among(entries_of(team.pk)).order_by("-id")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 20:
        entries = entries.filter(pk__lt=int(before))
    rows = list(entries[: PAGE_ROWS + 1])
    older = rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else None
    context = {"managed": team, "entries": rows[:PAGE_ROWS], "older": older, "wanted": wanted, "acts": Act.choices}
    response = render(request, "transcripts/team/audit.html", context | {"is_first": not before})
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@login_required
def audit_csv(request: PersonRequest, team_id: UUID) -> HttpResponseBase:
    """``/team/<id>/audit.csv``: all that is wanted, the newest first. Taking it away is recorded as well."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    wanted = Wanted.of(request.GET)
    auditing.record(Act.EXPORTED, actor=request.user, team=team, target=team, format="audit.csv")
    response = StreamingHttpResponse(_table(team, wanted), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="audit-{localdate():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


async def _table(team: Team, wanted: Wanted) -> AsyncIterator[str]:
    """The table, some hundred rows at a time, by key: as much in memory as one part of it."""
    yield MARK + row(COLUMNS)
    last = _MOST
    while part := await sync_to_async(_part)(team, wanted, last):
        last = part[-1].pk
        yield "".join(row(_cells(entry)) for entry in part)


def _part(team: Team, wanted: Wanted, last: int) -> list[AuditEntry]:
    return list(wanted.among(entries_of(team.pk)).filter(pk__lt=last).order_by("-id")[:CSV_ROWS])


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    at = entry.at.astimezone(UTC).isoformat(timespec="seconds")
    facts: Mapping[str, object] = entry.details
    details = json.dumps(facts, ensure_ascii=False) if facts else ""
    what = entry.target_kind, entry.target_id, entry.target
    return at, entry.actor, entry.act, *what, entry.address or "", entry.outcome, details
