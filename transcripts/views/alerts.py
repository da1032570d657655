"""Alerts: what was said of what a team watches for, and the lists of what to watch for."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transcripts import access
from transcripts.access import Right
from transcripts.alerts import managing
from transcripts.models import Hit, Watchlist
from transcripts.outward_forms import WatchlistForm
from transcripts.views import recordings
from transcripts.views.shell import PersonRequest, TeamRequest, in_team, rights

ROWS = 50
#: Hits in the side panel of a transcript.
PANEL_ROWS = 50


@require_safe
@in_team()
def alerts(request: TeamRequest) -> HttpResponse:
    """``/alerts``: the hits of the team, the newest first; a script asks for the rows alone."""
    hits = managing.hits_of(request.team)
    if request.GET.get("show") == "unseen":
        hits = hits.filter(seen_at=None)
    page = Paginator(hits, ROWS).get_page(request.GET.get("page"))
    for hit in page:
        hit.has_sound = recordings.path_of(hit.transcript) is not None  # type: ignore[attr-defined]
    context = {
        "page": page,
        "lists": Watchlist.objects.filter(team=request.team),
        "unseen_only": request.GET.get("show") == "unseen",
    }
    return render(request, "transcripts/alert_rows.html" if request.htmx else "transcripts/alerts.html", context)


@require_POST
@in_team(Right.EDIT)
def seen(request: TeamRequest) -> HttpResponse:
    """Mark one hit (``hit``) or all as seen, for the whole team: not by who only looks."""
    hits = managing.hits_of(request.team)
    if "hit" in request.POST:
        hit = request.POST["hit"]
        hits = hits.filter(pk=int(hit)) if hit.isdecimal() and len(hit) < 19 else hits.none()
    count = managing.mark_seen(hits, request.user)
    if request.htmx:
        return HttpResponse(status=204)
    messages.success(request, ngettext("%(n)s marked as seen.", "%(n)s marked as seen.", count) % {"n": count})
    return redirect("alerts")


@require_http_methods(["GET", "HEAD", "POST"])
@in_team(Right.EDIT)
def new_list(request: TeamRequest) -> HttpResponse:
    """``/alerts/new``: another watchlist."""
    return _edit(request, Watchlist(team=request.team))


@require_http_methods(["GET", "HEAD", "POST"])
@in_team(Right.EDIT)
def watchlist(request: TeamRequest, list_id: UUID) -> HttpResponse:
    """``/alerts/lists/<id>``: change one."""
    return _edit(request, get_object_or_404(Watchlist, pk=list_id, team=request.team))


def _edit(request: TeamRequest, watched: Watchlist) -> HttpResponse:
    was_on = watched._state.adding or watched.is_enabled
    form = WatchlistForm(request.POST or None, instance=watched)
    if request.method == "POST" and form.is_valid():
        try:
            managing.save(request.team, request.user, form.instance, again=form.instance.is_enabled and not was_on)
        except managing.TooManyWatchlists:
            form.add_error(None, _("This team has as many watchlists as it may have. Delete one first."))
        else:
            messages.success(request, _("Saved."))
            return redirect("alerts")
    status = 422 if form.errors else 200
    return render(request, "transcripts/watchlist.html", {"form": form, "watched": watched}, status=status)


@require_POST
@in_team(Right.EDIT)
def delete_list(request: TeamRequest, list_id: UUID) -> HttpResponse:
    """Delete a watchlist with its hits."""
    managing.remove(get_object_or_404(Watchlist, pk=list_id, team=request.team), request.user)
    messages.success(request, _("The watchlist was deleted with its hits."))
    return redirect("alerts")


@require_safe
@login_required
def panel(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/alerts``: the hits of one transcript, for the side panel of its page."""
    transcript = access.get_transcript(request.user, transcript_id)
    hits = Hit.objects.filter(transcript=transcript).select_related("watchlist")[:PANEL_ROWS]
    allowed = rights(access.membership(request.user, transcript.team_id))
    return render(request, "transcripts/_alerts.html", {"transcript": transcript, "hits": hits, "allowed": allowed})
