"""The library: every transcript of the team, newest first, by title or by what was said."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from transcripts.live.board import card_data
from transcripts.models import Segment, Team, Transcript
from transcripts.views.shell import TeamRequest, in_team

PAGE = 50
MAX_QUERY = 200


def find(team: Team, query: str) -> QuerySet[Transcript]:
    """Transcripts of the team whose title, link or text holds ``query``; all of them for an empty one."""
    rows = Transcript.objects.filter(team=team)
    if query:
        said = Segment.objects.filter(transcript=OuterRef("pk"), text__icontains=query)
        rows = rows.filter(Q(title__icontains=query) | Q(source_url__icontains=query) | Exists(said))
    return rows.order_by("-created_at")


@require_safe
@in_team()
def library(request: TeamRequest) -> HttpResponse:
    """``/library?q=…&page=…``"""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_QUERY]
    page = Paginator(find(request.team, query), PAGE).get_page(request.GET.get("page"))
    context = {"query": query, "page": page, "cards": [card_data(row) for row in page]}
    template = "transcripts/_library_rows.html" if request.htmx and not request.htmx.boosted else "library.html"
    return render(request, template if template.startswith("transcripts/") else "transcripts/library.html", context)
