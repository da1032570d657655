"""What a person prefers: the team to work in, light or dark, and the language of the pages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from transcripts import access
from transcripts.views.shell import THEMES, PersonRequest

YEAR = 365 * 24 * 3600


@require_POST
@login_required
def team(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """Work in another of one's teams."""
    request.session["team"] = str(access.get_team(request.user, team_id).pk)
    return redirect("board")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or as the system has it; kept in a cookie, so that the first paint is right."""
    chosen = request.POST.get("theme", "")
    response = _back(request)
    if chosen in THEMES:
        response.set_cookie("theme", chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=True)
    return response


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """The language of the pages, kept in a cookie; until one is chosen, the browser's own counts."""
    chosen = request.POST.get("lang", "")
    response = _back(request)
    if chosen in dict(settings.LANGUAGES):
        name = settings.LANGUAGE_COOKIE_NAME
        response.set_cookie(name, chosen, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=True)
    return response


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that was left, if it is one of ours."""
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else "board")
