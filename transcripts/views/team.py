"""The settings of a team: one page of sections, each with its form, its template and the right that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from transcripts import access, services
from transcripts.access import Right
from transcripts.models import Team
from transcripts.team_forms import KeepingForm
from transcripts.upkeep import retention
from transcripts.views import engines
from transcripts.views.shell import PersonRequest


def keeping_section(request: PersonRequest, team: Team) -> dict[str, Any]:
    """What the section about keeping shows."""
    return {"keeping": KeepingForm.of(team)}


#: Template of each section, in the order of the page -> what it needs.
SECTIONS: Mapping[str, Callable[[PersonRequest, Team], dict[str, Any]]] = {
    "transcripts/team/_engines.html": engines.section,
    "transcripts/team/_keeping.html": keeping_section,
}


def show(request: PersonRequest, team: Team, status: int = 200, **changes: Any) -> HttpResponse:
    """The page; ``changes`` are what a section shows instead, such as a form with its mistakes."""
    context: dict[str, Any] = {"managed": team, "sections": list(SECTIONS)}
    for section in SECTIONS.values():
        context |= section(request, team)
    return render(request, "transcripts/team/settings.html", context | changes, status=status)


@require_safe
@login_required
def settings(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/settings``: all sections."""
    return show(request, access.get_team(request.user, team_id, Right.MANAGE))


@require_POST
@login_required
def keeping(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/keeping``: how long recordings and transcripts are kept.

    When something is past the new days already, the page says how much, and asks once more.
    """
    team = access.get_team(request.user, team_id, Right.MANAGE)
    form = KeepingForm(request.POST)
    if not form.is_valid():
        return show(request, team, 422, keeping=form)
    data = form.cleaned_data
    past = retention.past(team.pk, data["keep_media_days"], data["keep_text_days"])
    if any(past) and not data["confirmed"]:
        return show(request, team, 409, keeping=form, past=past)
    services.set_keeping(
        team, data["keep_media_days"], data["keep_text_days"], data["keep_stream_sound"], by=request.user
    )
    messages.success(request, _("Saved."))
    return redirect("team-settings", team.pk)
