"""Watchlists of the team, and the times that their words were said."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from transcripts import access
from transcripts.access import Holder, Right
from transcripts.alerts import managing
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.paging import PageQuery, newest_first
from transcripts.api.textschemas import ChangedOut
from transcripts.api.watchschemas import (
    AlertsOut,
    SeenIn,
    WatchlistIn,
    WatchlistOut,
    WatchlistPatch,
    WatchlistsOut,
)
from transcripts.forms import first_errors
from transcripts.models import Hit, Watchlist
from transcripts.outward_forms import WatchlistForm
from transcripts.views.looks import clock

router = Router(tags=["alerts"])
ONE = "/watchlists/{uuid:watchlist_id}"
NAMES = (
    "name", "terms", "any_form", "sources", "languages", "live_only", "time_zone", "tells_pages", "tells_webhooks",
    "is_enabled",
)  # fmt: skip


class AlertsQuery(PageQuery):
    """Which hits."""

    watchlist: UUID | SkipJsonSchema[None] = None
    transcript: UUID | SkipJsonSchema[None] = None
    unseen: bool = Field(False, description="only what nobody has seen")


def _held(held: Holder, watchlist_id: UUID, right: Right) -> Watchlist:
    """The list, if it is the team's. Raises Http404, PermissionDenied."""
    access.require(held, right)
    found = Watchlist.objects.filter(pk=watchlist_id, team=held.team).first()
    if found is None:
        raise Http404("No such watchlist.")
    return found


def _hour(moment: time | None) -> str | None:
    return None if moment is None else f"{moment:%H:%M}"


def _values(row: Watchlist) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in NAMES}
    return values | {"quiet_from": _hour(row.quiet_from), "quiet_until": _hour(row.quiet_until)}


def _shown(row: Watchlist) -> dict[str, Any]:
    return _values(row) | {"id": row.pk, "since": row.since}


def _save(held: Holder, row: Watchlist, values: dict[str, Any]) -> dict[str, Any]:
    """Judge it as the page does, and keep it. Raises Refusal."""
    was_on = row._state.adding or row.is_enabled
    form = WatchlistForm(_fields(values), instance=row)
    if not form.is_valid():
        fields = {name or "request": list(texts) for name, texts in first_errors(form).items()}
        raise Refusal(
            "bad_watchlist", _("This cannot be watched for."), _("Change what “fields” names."), fields=fields
        )
    try:
        managing.save(held.team, held.person, form.instance, again=form.instance.is_enabled and not was_on)
    except managing.TooManyWatchlists as error:
        message = _("This team has as many watchlists as it may have. Delete one first.")
        raise Refusal(error.code, message) from error
    form.instance.refresh_from_db()
    return _shown(form.instance)


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    """As the form of the page sends them; a term is one line."""
    lines = {name: "\n".join(" ".join(one.split()) for one in values[name]) for name in ("terms", "sources")}
    return values | lines | {"languages": ", ".join(values["languages"])}


@router.get("/watchlists", response=WatchlistsOut)
def list_watchlists(request: HolderRequest) -> dict[str, Any]:
    """What the team watches for. Scope `read`."""
    access.require(request.auth, Right.SEE)
    return {"items": [_shown(row) for row in Watchlist.objects.filter(team=request.auth.team)]}


@router.post("/watchlists", response={201: WatchlistOut})
def make_watchlist(request: HolderRequest, data: WatchlistIn) -> Status[dict[str, Any]]:
    """Watch for more words. Scope `edit`."""
    access.require(request.auth, Right.EDIT)
    return Status(201, _save(request.auth, Watchlist(team=request.auth.team), data.model_dump()))


@router.get(ONE, response=WatchlistOut)
def read_watchlist(request: HolderRequest, watchlist_id: UUID) -> dict[str, Any]:
    """One list. Scope `read`."""
    return _shown(_held(request.auth, watchlist_id, Right.SEE))


@router.patch(ONE, response=WatchlistOut)
def change_watchlist(request: HolderRequest, watchlist_id: UUID, data: WatchlistPatch) -> dict[str, Any]:
    """Change a list. Switched on again, what was said meanwhile is not matched. Scope `edit`."""
    row = _held(request.auth, watchlist_id, Right.EDIT)
    return _save(request.auth, row, _values(row) | data.model_dump(exclude_unset=True))


@router.delete(ONE, response={204: None})
def delete_watchlist(request: HolderRequest, watchlist_id: UUID) -> Status[None]:
    """Delete a list with its hits. Scope `edit`."""
    managing.remove(_held(request.auth, watchlist_id, Right.EDIT), request.auth.person)
    return Status(204, None)


@router.get("/alerts", response=AlertsOut)
def list_alerts(request: HolderRequest, query: Query[AlertsQuery]) -> dict[str, Any]:
    """What was said of what is watched for, the newest first. Scope `read`."""
    access.require(request.auth, Right.SEE)
    hits = managing.hits_of(request.auth.team)
    chosen = {"watchlist": query.watchlist, "transcript": query.transcript}
    hits = hits.filter(**{name: value for name, value in chosen.items() if value})
    page, following = newest_first(hits.filter(seen_at=None) if query.unseen else hits, query)
    return {"items": [_alert(hit) for hit in page], "next": following}


@router.post("/alerts/seen", response=ChangedOut)
def mark_seen(request: HolderRequest, data: SeenIn) -> dict[str, int]:
    """Somebody has seen them: they are no news to the team any more. Scope `edit`."""
    access.require(request.auth, Right.EDIT)
    hits = managing.hits_of(request.auth.team)
    wanted = hits if data.ids is None else hits.filter(pk__in=data.ids)
    return {"changed": managing.mark_seen(wanted, request.auth.person)}


def _alert(hit: Hit) -> dict[str, Any]:
    names = ("segment", "seq", "start_ms", "term", "before", "said", "after", "at", "seen_at")
    return {name: getattr(hit, name) for name in names} | {
        "id": hit.pk,
        "watchlist": hit.watchlist_id,
        "watchlist_name": hit.watchlist.name,
        "transcript": hit.transcript_id,
        "title": hit.transcript.title,
        "page": f"{reverse('session', args=[hit.transcript_id])}?t={clock(hit.start_ms)}",
    }
