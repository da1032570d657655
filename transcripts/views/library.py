"""The library: every transcript of a team, newest first, by title or by what was said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.core.cache import caches
from django.db.models import Prefetch, prefetch_related_objects
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from transcripts import access, search
from transcripts.exports import FORMATS
from transcripts.live.board import card_data
from transcripts.models import Engine, ReviewState, SourceKind, State, Tag, Team, Transcript
from transcripts.search import Filters
from transcripts.search.filters import UNSENT, read
from transcripts.tagging import names_of
from transcripts.views import looks
from transcripts.views.shell import TeamRequest, in_team

Choices = list[tuple[str, str | Promise]]

#: How long the list of languages may be behind: reading it costs as much as a page.
LANGUAGES_SECONDS = 60

#: What the filter of the text's condition says.
TROUBLES: Choices = [("gaps", _("With gaps")), ("unconfirmed", _("With unconfirmed text"))]
LENGTHS: Choices = [
    ("-5", _("Under 5 minutes")),
    ("5-30", _("5 to 30 minutes")),
    ("30-120", _("30 minutes to 2 hours")),
    ("120-", _("Over 2 hours")),
]
REVIEWS: Choices = [(UNSENT, _("Never sent to review")), *ReviewState.choices]
#: What a row shows: the second leaves out the last words, and all passages but the first.
VIEWS: Choices = [("", _("Roomy")), ("compact", _("Compact"))]
SORTS: Choices = [("", _("Newest first")), (search.MENTIONS, _("Most mentions first"))]
LABELS: dict[str, str | Promise] = {
    "team": _("Team"),
    "kind": _("Source"),
    "state": _("State"),
    "engine": _("Engine"),
    "review": _("Review"),
    "language": _("Language"),
    "trouble": _("Text"),
    "length": _("Length"),
    "tag": _("Tag"),
    "speaker": _("Speaker"),
    "since": _("From"),
    "until": _("Until"),
}


@require_safe
@in_team()
def library(request: TeamRequest) -> HttpResponse:
    """``/library?q=…&state=…&after=…``: a list without a query, hits with one. htmx gets the rows alone."""
    teams = access.teams_of(request.user)
    chosen = _chosen_teams(request, teams)
    filters, query = read(request.GET), search.parse(request.GET.get("q", ""))
    sort = request.GET.get("sort", "") if query else ""
    keys = [team.pk for team in chosen]
    visible = access.transcripts_of(request.user)
    page = search.find(visible, keys, query, filters, request.GET.get("after", ""), sort=sort)
    shown = _shown(request, teams, filters, query.text) | _manner(sort, request.GET.get("view", ""))
    tags = names_of(chosen)
    context = {
        "query": query,
        "page": page,
        "cards": _cards(page, chosen),
        "widened": page.query.text if page.query != query else "",
        "chips": _chips(shown, chosen),
        "sorts": _ways(shown, "sort", SORTS) if query else (),
        "views": _ways(shown, "view", VIEWS),
        "compact": "view" in shown,
        "shown_hits": ":1" if "view" in shown else f":{search.HITS}",
        "ranked": search.RANKED if page.cut else 0,
        "several_teams": len(chosen) > 1,
        "may": frozenset().union(*access.rights_in(request.user, keys).values()),
        "tag_names": tags,
        "formats": FORMATS.values(),
        **_links(page, shown, request.GET.get("after", "")),
    }
    if request.htmx and not request.htmx.boosted:
        return render(request, "transcripts/library_rows.html", context)
    return render(request, "transcripts/library.html", context | _form(teams, chosen, filters, tags))


def _links(page: search.Page, shown: dict[str, str], after: str) -> dict[str, str]:
    """Query strings that lead on from this page: ``here`` without its question mark, for the way back."""
    return {
        "next": _link(shown | {"q": page.query.text, "after": page.next}),
        "here": _link(shown | {"after": after})[1:],
        "newest": _link(shown) if after else "",
        "unfiltered": _link({"q": shown["q"]}) if shown.keys() & LABELS.keys() else "",
    }


def _cards(page: search.Page, teams: Sequence[Team]) -> list[dict[str, Any]]:
    """The rows, each with its team's name and its tags."""
    names = {team.pk: team.name for team in teams}
    rows = [one.transcript for one in page.found]
    prefetch_related_objects(rows, Prefetch("tags", Tag.objects.order_by("key"), to_attr="shown_tags"))
    return [
        {"found": one, "team": names[row.team_id], "tags": row.shown_tags, **card_data(row)}  # type: ignore[attr-defined]
        for one, row in zip(page.found, rows, strict=True)
    ]


def _manner(sort: str, view: str) -> dict[str, str]:
    """The order and the look, where they are others than usual."""
    return ({"sort": sort} if sort == search.MENTIONS else {}) | ({"view": view} if view == "compact" else {})


def _ways(shown: dict[str, str], name: str, choices: Choices) -> list[dict[str, Any]]:
    """The orders or looks, as links that keep everything else."""
    return [
        {"value": value, "word": word, "link": _link(shown | {name: value}), "current": shown.get(name, "") == value}
        for value, word in choices
    ]


def _chosen_teams(request: TeamRequest, teams: Sequence[Team]) -> list[Team]:
    """One of the person's teams by its id, all of them for ``all``, else the one that they work in."""
    asked = request.GET.get("team", "")
    if asked == "all":
        return list(teams)
    return [team for team in teams if str(team.pk) == asked] or [request.team]


def _shown(request: TeamRequest, teams: Sequence[Team], filters: Filters, text: str) -> dict[str, str]:
    """The query string of this page without its cursor: what has no effect is left out."""
    values = {name: str(getattr(filters, name) or "") for name in LABELS if name != "team"}
    team = request.GET.get("team", "")
    known = team == "all" or any(str(one.pk) == team for one in teams)
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
        if name in LABELS
    ]


def _choices() -> dict[str, Choices]:
    return {
        "kind": list(SourceKind.choices),
        "state": [(str(state), looks.look(state).word) for state in State],
        "engine": list(Engine.choices),
        "review": REVIEWS,
        "trouble": TROUBLES,
        "length": LENGTHS,
    }


def _form(teams: Sequence[Team], chosen: Sequence[Team], filters: Filters, names: Sequence[str]) -> dict[str, Any]:
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
    tags = dict.fromkeys([*names, *filter(None, [filters.tag])])
    if tags:
        fields.append(
            {"name": "tag", "label": LABELS["tag"], "choices": [(one, one) for one in tags], "value": filters.tag}
        )
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
        for code in caches["local"].get_or_set(f"library-languages-{team}", partial(_spoken, team), LANGUAGES_SECONDS)
        or ()
    }


def _spoken(team: UUID) -> list[str]:
    """From each language to the next one along the index: there are few, and reading all rows takes 0.1 s."""
    rows = Transcript.objects.filter(team=team).order_by("language").values_list("language", flat=True)
    found: list[str] = []
    while (code := rows.filter(language__gt=found[-1] if found else "").first()) is not None:
        found.append(code)
    return found
