"""Invitations: making a link, taking it back, and the page that it leads to."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import access
from transcripts.access import Right
from transcripts.accounts.waiting import WAITING
from transcripts.membership import inviting, mail, members
from transcripts.membership.errors import UNCONFIRMED, Refused
from transcripts.models import Invitation, Role
from transcripts.team_forms import InvitationForm
from transcripts.views.members import show_members
from transcripts.views.shell import PersonRequest


@require_POST
@login_required
def invite(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/invite``: a new invitation; its link is shown, this once, and mailed when mail is set up."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    form = InvitationForm(Role(members.member(team, request.user.pk).role), request.POST)
    if not form.is_valid():
        return show_members(request, team, 422, form=form)
    data = form.cleaned_data
    try:
        invitation, token = inviting.invite(team, request.user, Role(data["role"]), data["days"], data["email"])
    except Refused as refused:
        form.add_error(None, f"{refused.message} {refused.next_step}")
        return show_members(request, team, 422, form=form)
    address = request.build_absolute_uri(resolve_url("invitation", token))
    sent = mail.send_invitation(invitation, address)
    return show_members(request, team, fresh=address, sent=sent, fresh_email=invitation.email)


@require_POST
@login_required
def revoke(request: PersonRequest, team_id: UUID, invitation_id: UUID) -> HttpResponse:
    """``/team/<id>/invitations/<id>/revoke``: the link does not work any more."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    invitation = Invitation.objects.filter(team=team, pk=invitation_id).first()
    if invitation is None:
        raise Http404("No such invitation.")
    if inviting.revoke(invitation, request.user):
        messages.success(request, _("The invitation was taken back."))
    return redirect("team-members", team.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """``/invitation/<token>``: says to which team it invites; a POST of somebody who is logged in joins.

    Who is not logged in logs in or signs up first; the session keeps the invitation for them meanwhile.
    """
    try:
        invitation = inviting.find(token)
        if request.method == "POST" and request.user.is_authenticated:
            return _join(request, token)
    except Refused as refused:
        return _refused(request, refused, token)
    here = access.membership(request.user, invitation.team_id)
    if not request.user.is_authenticated:
        request.session[WAITING] = token
    elif here is None and (refusal := _not_meant(invitation, request.user)):
        return _refused(request, refusal, token)
    return _page(request, {"invitation": invitation, "token": token, "here": here})


def _not_meant(invitation: Invitation, person: User) -> Refused | None:
    try:
        inviting.require_meant(invitation, person)
    except Refused as refused:
        return refused
    return None


def _refused(request: HttpRequest, refused: Refused, token: str) -> HttpResponse:
    """One that ended does not exist; one for somebody else does, and says so without the address."""
    request.session.pop(WAITING, None)
    if refused.code == UNCONFIRMED:
        request.session[WAITING] = token
    return _page(request, {"refused": refused}, 404 if refused.code == "invitation_ended" else 403)


def _join(request: HttpRequest, token: str) -> HttpResponse:
    assert request.user.is_authenticated
    place = inviting.join(token, request.user)
    request.session.pop(WAITING, None)
    request.session["team"] = str(place.team_id)
    messages.success(request, _("You are in %(team)s now.") % {"team": place.team.name})
    return redirect("board")


def _page(request: HttpRequest, context: dict[str, object], status: int = 200) -> HttpResponse:
    response = render(request, "transcripts/team/invitation.html", context, status=status)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response
