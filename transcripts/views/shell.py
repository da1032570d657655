"""What every page has around it: who asks, in which team, and what that allows."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django_htmx.middleware import HtmxDetails

from transcripts import access
from transcripts.access import RIGHTS, Right
from transcripts.alerts.managing import unseen
from transcripts.models import FINAL, Membership, Role, State, Team, Transcript
from transcripts.reviewing.queue import waiting_for

P = ParamSpec("P")
THEMES = ("auto", "light", "dark")
#: States before the end, and the number up to which such transcripts are counted.
OPEN = sorted(set(State) - set(FINAL))
UNFINISHED = 99


class PersonRequest(HttpRequest):
    """A request of somebody who is logged in."""

    user: User
    htmx: HtmxDetails


class TeamRequest(PersonRequest):
    """A request of a member, in the team that they work in at the moment."""

    team: Team


def rights(member: Membership | None) -> frozenset[Right]:
    """What a membership allows."""
    return RIGHTS[Role(member.role)] if member else frozenset()


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership of the team chosen last, else of the first one; None for strangers to all teams."""
    if not hasattr(request, "_membership"):
        request._membership = _find_membership(request)  # type: ignore[attr-defined]
    found: Membership | None = request._membership  # type: ignore[attr-defined]
    return found


def _find_membership(request: HttpRequest) -> Membership | None:
    chosen = _as_uuid(request.session.get("team"))
    member = access.membership(request.user, chosen) if chosen else None
    if member is None:
        teams = access.teams_of(request.user)
        member = access.membership(request.user, teams[0].pk) if teams else None
    return member


def _as_uuid(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def in_team(
    right: Right = Right.SEE,
) -> Callable[
    [Callable[Concatenate[TeamRequest, P], HttpResponseBase]], Callable[Concatenate[HttpRequest, P], HttpResponseBase]
]:
    """Decorator: the person is logged in, works in a team (``request.team``) and has a right there."""

    def decorate(
        view: Callable[Concatenate[TeamRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def inner(request: TeamRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = current_membership(request)
            if member is None:
                return render(request, "transcripts/no_team.html")
            if not access.allows(member, right):
                raise access.NotAllowed(member.team)
            request.team = member.team
            return view(request, *args, **kwargs)

        return login_required(inner)  # type: ignore[return-value]

    return decorate


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: ``teams``, ``team``, ``can`` (rights in it), counts for the rail, and ``theme``."""
    theme = request.COOKIES.get("theme", "")
    context: dict[str, Any] = {"theme": theme if theme in THEMES else "auto", "teams": [], "team": None, "can": ()}
    context["mail"] = bool(settings.STTWEB_MAIL_URL)
    if not hasattr(request, "user") or not request.user.is_authenticated or not hasattr(request, "session"):
        return context
    member = current_membership(request)
    context |= {"teams": access.teams_of(request.user), "can": rights(member)}
    if member is not None:
        context |= {"team": member.team, "unfinished": _unfinished(member.team), "unseen_hits": _unseen(member.team)}
        if access.allows(member, Right.EDIT):
            context["in_review"] = waiting_for(request.user, member.team_id) or ""
    return context


def _unseen(team: Team) -> str:
    """How many hits nobody in the team has seen, as shown."""
    count = unseen(team, UNFINISHED + 1)
    return f"{UNFINISHED}+" if count > UNFINISHED else str(count or "")


def _unfinished(team: Team) -> str:
    """How many of a team's transcripts are not at an end, as shown: empty for none, no further than UNFINISHED."""
    # States by name, for the index: what is *not* at an end would be looked for among everything.
    open_ones = Transcript.objects.filter(team=team, state__in=OPEN).order_by()
    count = open_ones[: UNFINISHED + 1].count()
    return f"{UNFINISHED}+" if count > UNFINISHED else str(count or "")
