"""The review desk: the queue of a team, the screen of one transcript, and the decisions about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from transcripts import access
from transcripts.access import RIGHTS, Right
from transcripts.models import Flag, FlagKind, Membership, Review, Transcript
from transcripts.reviewing import flags, flow
from transcripts.reviewing.errors import ReviewError
from transcripts.reviewing.queue import Filters, after, flags_of, queue_of
from transcripts.reviewing.scanning import scan
from transcripts.views import rows
from transcripts.views import transcript as session_page
from transcripts.views.segments import refusal
from transcripts.views.shell import PersonRequest, TeamRequest, in_team, rights

#: Roles that may decide.
REVIEWERS = [role for role, rights in RIGHTS.items() if Right.REVIEW in rights]


def reviewers_of(team_id: UUID) -> list[User]:
    """Members of a team who may approve, by name."""
    rows = Membership.objects.filter(team=team_id, role__in=REVIEWERS, user__is_active=True).select_related("user")
    return sorted((row.user for row in rows), key=lambda user: user.get_full_name() or user.get_username())


@require_safe
@in_team(Right.EDIT)
def queue(request: TeamRequest) -> HttpResponse:
    """``/review``: what waits for a person in the present team, the most urgent first; ``assignee`` (``me``,
    ``nobody``), ``state`` and ``after`` (a cursor) choose a part of it."""
    asked = request.GET
    filters = Filters(request.team.pk, asked.get("assignee", ""), asked.get("state", ""))
    page = queue_of(request.user, filters, asked.get("after", ""))
    return render(request, "transcripts/queue.html", {"page": page, "filters": filters})


@require_safe
@login_required
def desk(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/review``: flags, text and player side by side."""
    transcript = access.get_transcript(request.user, transcript_id, Right.EDIT)
    if landing := rows.landing(transcript, request.path, request.GET):
        return redirect(landing)
    scan(transcript)
    context = session_page.page_context(request, transcript)
    context |= {"desk": True, "from_page": "desk", "after": after(request.user, transcript)}
    context |= {"flags": flags_of(transcript), "reviewers": reviewers_of(transcript.team_id)}
    if context["threads"] and "panel" not in request.GET:
        context["panel"] = "comments"
    context["flag_kinds"] = json.dumps({kind.value: str(kind.label) for kind in FlagKind})
    return render(request, "transcripts/desk.html", context)


@require_safe
@login_required
def standing(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/standing``: where it stands, as a piece of HTML for pages that heard of a decision."""
    transcript = access.get_transcript(request.user, transcript_id)
    context = {
        "transcript": transcript,
        "review": Review.objects.filter(transcript=transcript).select_related("assignee").first(),
        "allowed": rights(access.membership(request.user, transcript.team_id)),
        "from_page": "desk" if request.GET.get("from") == "desk" else "session",
        "reviewers": reviewers_of(transcript.team_id),
    }
    return render(request, "transcripts/_standing.html", context)


Act = Callable[[Transcript, PersonRequest], object]


def _assign(transcript: Transcript, request: PersonRequest) -> object:
    """Raises ReviewError. An assignee who may not review, or a date that is none, counts as nobody and none."""
    chosen = request.POST.get("assignee", "")
    assignee = next((user for user in reviewers_of(transcript.team_id) if str(user.pk) == chosen), None)
    return flow.assign(transcript, request.user, assignee, _day(request.POST.get("due", "")))


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


#: What may be decided, who may, and what is said when it was done: ``POST /s/<id>/review/<act>``.
ACTS: dict[str, tuple[Right, Act, str]] = {
    "send": (Right.EDIT, lambda row, request: flow.send(row, request.user), "sent"),
    "assign": (Right.REVIEW, _assign, "assigned"),
    "approve": (Right.REVIEW, lambda row, request: flow.approve(row, request.user), "approved"),
    "return": (
        Right.REVIEW,
        lambda row, request: flow.send_back(row, request.user, request.POST.get("reason", "")),
        "returned",
    ),
    "reopen": (
        Right.REVIEW,
        lambda row, request: flow.reopen(row, request.user, request.POST.get("reason", "")),
        "reopened",
    ),
}


def _done(what: str) -> str:
    return {
        "sent": _("Sent to review."),
        "assigned": _("Assigned."),
        "approved": _("Approved. The text is read-only now."),
        "returned": _("Returned with your reason."),
        "reopened": _("Reopened. The text can be corrected again."),
    }[what]


@require_POST
@login_required
def decide(request: PersonRequest, transcript_id: UUID, act: str) -> HttpResponse:
    """One of ACTS, from a form back to the page that it stood on."""
    if act not in ACTS:
        raise Http404("No such decision.")
    right, verb, what = ACTS[act]
    transcript = access.get_transcript(request.user, transcript_id, right)
    try:
        verb(transcript, request)
    except ReviewError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _done(what))
    return redirect("session" if request.POST.get("from") == "session" else "desk", transcript_id)


#: Answers to a flag: ``POST /s/<id>/flags/<flag>/<answer>``.
ANSWERS: dict[str, Callable[[Transcript, User, int], Flag]] = {
    "resolve": flags.resolve,
    "dismiss": flags.dismiss,
    "reopen": flags.reopen,
}


@require_POST
@login_required
def answer(request: PersonRequest, transcript_id: UUID, flag_id: int, answer: str) -> HttpResponse:
    """Answer a flag, for scripts: its state."""
    transcript = access.get_transcript(request.user, transcript_id, Right.EDIT)
    try:
        flag = ANSWERS[answer](transcript, request.user, flag_id)
    except Flag.DoesNotExist as error:
        raise Http404("No such flag.") from error
    except ReviewError as error:
        return refusal(transcript, error)
    return JsonResponse({"flags": flags.told([flag])})
