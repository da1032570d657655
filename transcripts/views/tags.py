"""Tags: those of a transcript, and those of a team."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import access, tagging
from transcripts.access import Right
from transcripts.models import Tag, Transcript
from transcripts.views.shell import PersonRequest, TeamRequest, current_membership, in_team


@require_POST
@login_required
def tag(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/tag``: put the tag ``put`` on, or take ``take`` off. htmx gets the transcript's tags."""
    transcript = access.get_transcript(request.user, transcript_id, Right.EDIT)
    problem = ""
    try:
        if "take" in request.POST:
            tagging.take([transcript], request.POST["take"])
        else:
            tagging.put([transcript], request.POST.get("put", ""))
    except tagging.TagRefused as refused:
        problem = str(refused)
    if request.htmx:
        return render(request, "transcripts/_tags.html", tags_context(transcript, may_edit=True, problem=problem))
    if problem:
        messages.warning(request, problem)
    return redirect("session", transcript_id)


def tags_context(transcript: Transcript, *, may_edit: bool, problem: str = "") -> dict[str, Any]:
    """What ``_tags.html`` shows."""
    own = list(Tag.objects.filter(taggings__transcript=transcript))
    names = tagging.names_of([transcript.team]) if may_edit else []
    others = [name for name in names if name not in {one.name for one in own}]
    return {"transcript": transcript, "tags": own, "others": others, "may_edit": may_edit, "problem": problem}


@require_http_methods(["GET", "HEAD", "POST"])
@in_team()
def tags(request: TeamRequest) -> HttpResponse:
    """``/tags``: the team's tags. ``tag`` (an id) with ``do``: ``rename`` to ``name`` (the name of another one merges
    them) or ``delete``."""
    may_manage = access.allows(current_membership(request), Right.MANAGE)
    if request.method == "POST":
        if not may_manage:
            raise access.NotAllowed(request.team)
        _change(request)
        return redirect("tags")
    rows = Tag.objects.filter(team=request.team).annotate(count=Count("taggings"))
    return render(request, "transcripts/tags.html", {"tags": rows, "may_manage": may_manage})


def _change(request: TeamRequest) -> None:
    number = request.POST.get("tag", "")
    known = number.isdecimal() and len(number) < 19
    found = Tag.objects.filter(team=request.team, pk=number).first() if known else None
    if found is None:
        raise Http404("No such tag.")
    if request.POST.get("do") == "delete":
        found.delete()
        messages.success(request, _("The tag “%(name)s” was deleted; its transcripts stay.") % {"name": found.name})
    else:
        _rename(request, found)


def _rename(request: TeamRequest, found: Tag) -> None:
    before = found.name
    try:
        after = tagging.rename(found, request.POST.get("name", ""))
    except tagging.TagRefused as refused:
        messages.warning(request, str(refused))
        return
    merged = after is not found
    sentence = _("“%(before)s” and “%(after)s” are one tag now.") if merged else _("“%(before)s” is “%(after)s” now.")
    messages.success(request, sentence % {"before": before, "after": after.name})
