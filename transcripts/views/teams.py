"""Teams themselves: a new one, another name, and what the roles may do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transcripts import access
from transcripts.access import RIGHTS, Right
from transcripts.membership import members
from transcripts.membership.errors import Refused
from transcripts.models import Role
from transcripts.team_forms import TeamForm
from transcripts.views.shell import PersonRequest

#: Each right in words.
RIGHT_WORDS: dict[Right, Promise] = {
    Right.SEE: gettext_lazy("Watch, read, listen, search and export"),
    Right.SUBMIT: gettext_lazy("Start new transcripts"),
    Right.CONTROL: gettext_lazy("Stop, cancel, retry and share transcripts"),
    Right.EDIT: gettext_lazy("Correct text, name speakers, tag"),
    Right.COMMENT: gettext_lazy("Write comments"),
    Right.REVIEW: gettext_lazy("Approve, return and reopen"),
    Right.DELETE: gettext_lazy("Delete transcripts"),
    Right.MANAGE: gettext_lazy("Invite and manage members, keys and settings"),
    Right.OWN: pgettext_lazy("right", "Make owners and hand the team over"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: PersonRequest) -> HttpResponse:
    """``/teams/new``: a team of one's own, to work in at once."""
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            team = members.create_team(form.cleaned_data["name"], request.user)
        except Refused as refused:
            form.add_error(None, f"{refused.message} {refused.next_step}")
        else:
            request.session["team"] = str(team.pk)
            messages.success(request, _("The team is there. Invite the others."))
            return redirect("team-members", team.pk)
    return render(request, "transcripts/team/new.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@login_required
def rename(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/rename``: another name for the team."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    form = TeamForm(request.POST)
    if form.is_valid():
        members.rename_team(team, form.cleaned_data["name"], request.user)
        messages.success(request, _("Saved."))
    else:
        messages.warning(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("team-members", team.pk)


def table() -> list[dict[str, Any]]:
    """The table of rights as `access.py` enforces it, a row for each right: its word, and a cell for each role."""
    return [
        {"right": right, "word": word, "cells": [(role, right in RIGHTS[role]) for role in Role]}
        for right, word in RIGHT_WORDS.items()
    ]


@require_safe
@login_required
def roles(request: PersonRequest) -> HttpResponse:
    """``/roles``: what each role may do."""
    return render(request, "transcripts/team/roles.html", {"roles": list(Role), "table": table()})
