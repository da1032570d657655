"""What members see whose role is not enough: who could do it, or give them the role."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from transcripts import access
from transcripts.models import Team

#: So many owners are named; a team with more is asked by its page of members.
MOST_NAMED = 5


def ask_an_owner(team: Team | None) -> str:
    """The next step, with the names of the team's owners; ``team`` is one that the reader is in, or not known."""
    names = access.owners_of(team)[:MOST_NAMED] if team else []
    if not names:
        return _("Ask an owner of the team.")
    return ngettext("Ask the owner of the team: %(names)s.", "Ask an owner of the team: %(names)s.", len(names)) % {
        "names": ", ".join(names)
    }


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: the page says whom to ask, in the team whose right is missing."""
    team = getattr(exception, "team", None)
    context = {"denied_in": team, "next_step": ask_an_owner(team)}
    return render(request, "403.html", context, status=403)
