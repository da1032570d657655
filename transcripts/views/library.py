"""The library: every transcript of a team, newest first, by title or by what was said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from transcripts import access, search
from transcripts.live.board import card_data
from transcripts.models import Engine, SourceKind, State, Team, Transcript
from transcripts.search import Filters
from transcripts.search.filters import read
from transcripts.views import looks
from transcripts.views.shell import TeamRequest, in_team

Choices = list[tuple[str, str | Promise]]

#: How long the list of languages may be behind: reading it costs as much as a page.
LANGUAGES_SECONDS = 60

#: What the filter of the text's condition says.
TROUBLES: Choices = [("gaps", _("With gaps")), ("unconfirmed", _("With unconfirmed text"))]
LABELS: dict[str, str | Promise] = {
    "team": _("Team"),
    "kind": _("Source"),
    "state": _("State"),
    "engine": _("Engine"),
    "language": _("Language"),
    "trouble": _("Text"),
    "since": _("From"),
    "until": _("Until"),
}


@require_safe
@in_team()
def library(request: TeamRequest) -> HttpResponse:
    """``/library?q=…&state=…&after=…``: a list without a query, hits with one. htmx gets the rows alone."""
    teams = access.teams_of(request.user)
    chosen = _chosen_teams(request, teams)
    filters = read(request.GET)
    query = search.parse(request.GET.get("q", ""))
    visible = access.transcripts_of(request.user)
    page = search.find(visible, [team.pk for team in chosen], query, filters, request.GET.get("after", ""))
    shown = _shown(request, filters, query.text)
    names = {team.pk: team.name for team in chosen}
    context = {
        "query": query,
        "page": page,
        "cards": [
            {"found": one, "team": names[one.transcript.team_id], **card_data(one.transcript)} for one in page.found
        ],
        "widened": page.query.text if page.query != query else "",
        "next": _link(shown | {"q": page.query.text, "after": page.next}),
        "newest": _link(shown) if request.GET.get("after") else "",
        "unfiltered": _link({"q": query.text}) if len(shown) > 1 else "",
        "chips": _chips(shown, chosen),
        "several_teams": len(chosen) > 1,
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "transcripts/library_rows.html", context)
    return render(request, "transcripts/library.html", context | _form(request, teams, chosen, filters))


def _chosen_teams(request: TeamRequest, teams: Sequence[Team]) -> list[Team]:
    """One of the person's teams by its id, all of them for ``all``, else the one that they work in."""
    asked = request.GET.get("team", "")
    if asked == "all":
        return list(teams)
    return [team for team in teams if str(team.pk) == asked] or [request.team]


def _shown(request: TeamRequest, filters: Filters, text: str) -> dict[str, str]:
    """The query string of this page without its cursor: what has no effect is left out."""
    values = {name: str(getattr(filters, name) or "") for name in LABELS if name != "team"}
    team = request.GET.get("team", "")
    known = team == "all" or any(str(one.pk) == team for one in access.teams_of(request.user))
    values["team"] = team if known and team != str(request.team.pk) else ""
    return {"q": text, **{name: value for name, value in values.items() if value}}


def _link(values: dict[str, str]) -> str:
    """A query string of the values that say something."""
    made = QueryDict(mutable=True)
    made.update({name: value for name, value in values.items() if value})
    return f"?{made.urlencode()}"


def _chips(shown: dict[str, str], chosen: Sequence[Team]) -> list[dict[str, Any]]:
    """What narrows the list down, each with the link that takes it away."""
    words = {"team": str(chosen[0]) if len(chosen) == 1 else str(_("All my teams"))}
    for name, choices in _choices().items():
        words |= {name: str(dict(choices).get(shown.get(name, ""), ""))}
    return [
        {
            "label": LABELS[name],
            "word": words.get(name) or value,
            "without": _link({key: kept for key, kept in shown.items() if key != name}),
        }
        for name, value in shown.items()
        if name != "q"
    ]


def _choices() -> dict[str, Choices]:
    return {
        "kind": list(SourceKind.choices),
        "state": [(str(state), looks.look(state).word) for state in State],
        "engine": list(Engine.choices),
        "trouble": TROUBLES,
    }


def _form(request: TeamRequest, teams: Sequence[Team], chosen: Sequence[Team], filters: Filters) -> dict[str, Any]:
    """What the form offers, and what is chosen in it."""
    fields = [
        {"name": name, "label": LABELS[name], "choices": choices, "value": getattr(filters, name)}
        for name, choices in _choices().items()
    ]
    spoken = _languages([team.pk for team in chosen])
    if spoken or filters.language:
        codes = sorted({*spoken, filters.language} - {""})
        language = {"choices": [(code, code) for code in codes], "value": filters.language}
        fields.append({"name": "language", "label": LABELS["language"], **language})
    if len(teams) > 1:
        places: Choices = [(str(team.pk), team.name) for team in teams]
        value = "all" if len(chosen) > 1 else str(chosen[0].pk)
        fields.insert(0, {"name": "team", "label": LABELS["team"], "choices": places, "value": value, "all": True})
    return {"fields": fields, "filters": filters}


def _languages(teams: Sequence[UUID]) -> set[str]:
    """The languages that transcripts of these teams were asked for in, as they were at most LANGUAGES_SECONDS ago."""
    return {
        code
        for team in teams
        for code in cache.get_or_set(f"library-languages-{team}", partial(_spoken, team), LANGUAGES_SECONDS) or ()
    }


def _spoken(team: UUID) -> list[str]:
    rows = Transcript.objects.filter(team=team).exclude(language="").order_by()
    return list(rows.values_list("language", flat=True).distinct())
