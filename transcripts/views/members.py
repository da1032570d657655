"""Who belongs to a team: the list, roles, removing, leaving, handing over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from transcripts import access
from transcripts.access import Right
from transcripts.membership import members, rules
from transcripts.membership.errors import Refused
from transcripts.models import Invitation, Membership, Role, Team
from transcripts.team_forms import InvitationForm
from transcripts.views.shell import PersonRequest


def show_members(request: PersonRequest, team: Team, status: int = 200, **changes: Any) -> HttpResponse:
    """The page of members; ``changes`` are what it shows instead, such as a form with its mistakes."""
    mine = members.member(team, request.user.pk)
    role = Role(mine.role)
    context: dict[str, Any] = {
        "managed": team,
        "mine": mine,
        "rows": [_row(place, role) for place in _places(team)],
        "givable": rules.givable(role),
        "may_manage": access.allows(mine, Right.MANAGE),
        "may_own": access.allows(mine, Right.OWN),
        "invitations": Invitation.objects.open().filter(team=team).select_related("created_by"),
        "form": InvitationForm(role),
    }
    response = render(request, "transcripts/team/members.html", context | changes, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _places(team: Team) -> list[Membership]:
    """The members, owners first, then as they came."""
    order = {role: number for number, role in enumerate(Role)}
    places = Membership.objects.filter(team=team).select_related("user").order_by("created_at", "pk")
    return sorted(places, key=lambda place: order[Role(place.role)])


def _row(place: Membership, role: Role) -> dict[str, Any]:
    return {"place": place, "may_manage": rules.may_manage(role, Role(place.role))}


@require_safe
@login_required
def listing(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/members``: everybody in the team sees who else is; those who manage it change it here."""
    return show_members(request, access.get_team(request.user, team_id))


def _refused(request: PersonRequest, team: Team, refused: Refused) -> HttpResponse:
    messages.warning(request, f"{refused.message} {refused.next_step}")
    return redirect("team-members", team.pk)


@require_POST
@login_required
def role(request: PersonRequest, team_id: UUID, user_id: int) -> HttpResponse:
    """``/team/<id>/members/<user>/role``: give a member the role ``role``."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    chosen = request.POST.get("role", "")
    if chosen not in Role.values:
        messages.warning(request, _("Choose one of the roles."))
        return redirect("team-members", team.pk)
    try:
        members.change_role(team, request.user, user_id, Role(chosen))
    except Refused as refused:
        return _refused(request, team, refused)
    messages.success(request, _("Saved."))
    return redirect("team-members", team.pk)


@require_POST
@login_required
def remove(request: PersonRequest, team_id: UUID, user_id: int) -> HttpResponse:
    """``/team/<id>/members/<user>/remove``: take a member out of the team."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    try:
        person = members.remove(team, request.user, user_id)
    except Refused as refused:
        return _refused(request, team, refused)
    if person == request.user:
        return redirect("board")
    messages.success(request, _("%(name)s is not in the team any more.") % {"name": person.get_username()})
    return redirect("team-members", team.pk)


@require_POST
@login_required
def leave(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/leave``: go."""
    team = access.get_team(request.user, team_id)
    try:
        members.leave(team, request.user)
    except Refused as refused:
        return _refused(request, team, refused)
    messages.success(request, _("You left %(team)s.") % {"team": team.name})
    return redirect("board")


@require_POST
@login_required
def hand_over(request: PersonRequest, team_id: UUID, user_id: int) -> HttpResponse:
    """``/team/<id>/members/<user>/own``: make a member the owner and stay as manager."""
    team = access.get_team(request.user, team_id, Right.OWN)
    try:
        person = members.hand_over(team, request.user, user_id)
    except Refused as refused:
        return _refused(request, team, refused)
    messages.success(request, _("%(name)s owns the team now; you manage it.") % {"name": person.get_username()})
    return redirect("team-members", team.pk)
