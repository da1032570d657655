"""Correcting the text: what scripts of the session page ask for and send. Answers are JSON or pieces of HTML.

Refusals are ``{"code", "message", "next_step"}``: 409 with ``current`` (the segment now, null when it was merged
away), ``by`` and ``diff`` when somebody else was faster, 423 when the transcript is approved, else 422.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from itertools import islice
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transcripts import access
from transcripts.access import Right
from transcripts.models import Event, EventKind, How, Revision, Segment, Transcript
from transcripts.reviewing import editing, flags, locks
from transcripts.reviewing.diff import word_diff
from transcripts.reviewing.errors import Conflict, Locked, ReviewError
from transcripts.views import looks, rows
from transcripts.views.rows import number
from transcripts.views.shell import PersonRequest

P = ParamSpec("P")
#: So many of the passages that a replacement would change are shown.
EXAMPLES = 5


class Unreadable(ReviewError):
    """A field that no page of ours sends."""

    code = "unreadable"
    message = _("This could not be read.")
    next_step = _("Load the page again.")


def facts_of(segment: Segment) -> dict[str, Any]:
    """A segment as the wire event ``revise`` tells it."""
    names = ("version", "start_ms", "end_ms", "text", "words", "speaker")
    return {"segment": segment.index, **{name: getattr(segment, name) for name in names}, "checked": segment.is_checked}


def _edits(
    view: Callable[Concatenate[PersonRequest, Transcript, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, UUID, P], HttpResponse]:
    """A view for people who may edit the transcript; refusals of the verbs become answers."""

    @wraps(view)
    def inner(request: PersonRequest, transcript_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        transcript = access.get_transcript(request.user, transcript_id, Right.EDIT)
        try:
            return view(request, transcript, *args, **kwargs)
        except ReviewError as error:
            return refusal(transcript, error, request.POST.get("text", ""))

    return login_required(inner)  # type: ignore[return-value]


def refusal(transcript: Transcript, error: ReviewError, mine: str = "") -> JsonResponse:
    """Why something was not done; ``mine`` is the text that somebody wanted to save."""
    answer = {"code": error.code, "message": str(error.message), "next_step": str(error.next_step)}
    if isinstance(error, Conflict):
        return JsonResponse(answer | _both(transcript, error.current, mine), status=409)
    return JsonResponse(answer, status=423 if isinstance(error, Locked) else 422)


def _both(transcript: Transcript, current: Segment | None, mine: str) -> dict[str, Any]:
    if current is None:
        return {"current": None, "by": "", "diff": []}
    last = Revision.objects.filter(transcript=transcript, segment=current.index, version=current.version).first()
    diff = word_diff(current.text, mine) if mine else []
    return {"current": facts_of(current), "by": last.by_name if last else "", "diff": diff}


# --- One segment -------------------------------------------------------------------------------------------------


def _field(request: HttpRequest, name: str) -> int:
    value = number(request.POST.get(name, ""))
    if value is None:
        raise Unreadable
    return value


def _text(request: PersonRequest, row: Transcript, index: int, version: int) -> list[Segment]:
    return [editing.edit(row, request.user, index, version, request.POST.get("text", ""))]


def _split(request: PersonRequest, row: Transcript, index: int, version: int) -> list[Segment]:
    return list(editing.split(row, request.user, index, version, _field(request, "at")))


def _merge(request: PersonRequest, row: Transcript, index: int, version: int) -> list[Segment]:
    return [editing.merge(row, request.user, index, version, _field(request, "next_version"))]


def _restore(request: PersonRequest, row: Transcript, index: int, version: int) -> list[Segment]:
    return [editing.restore(row, request.user, index, version, _field(request, "wanted"))]


def _speaker(request: PersonRequest, row: Transcript, index: int, version: int) -> list[Segment]:
    return [editing.set_speaker(row, request.user, index, version, request.POST.get("speaker", ""))]


def _check(request: PersonRequest, row: Transcript, index: int, version: int) -> list[Segment]:
    checked = request.POST.get("checked", "1") == "1"
    return [editing.check(row, request.user, index, version, checked=checked)]


#: What may be done to a segment: ``POST /s/<id>/segments/<index>/<verb>`` with the ``version`` that was seen.
VERBS: dict[str, Callable[[PersonRequest, Transcript, int, int], list[Segment]]] = {
    "edit": _text,
    "split": _split,
    "merge": _merge,
    "restore": _restore,
    "speaker": _speaker,
    "check": _check,
}


@require_POST
@_edits
def segment(request: PersonRequest, transcript: Transcript, index: int, verb: str) -> HttpResponse:
    """Do one of VERBS: ``{"segments": [each as it is now]}``."""
    changed = VERBS[verb](request, transcript, index, _field(request, "version"))
    return JsonResponse({"segments": [facts_of(row) for row in changed]})


@require_POST
@_edits
def lock(request: PersonRequest, transcript: Transcript, index: int) -> HttpResponse:
    """Say that one types there, every few seconds, or with ``release`` that one has stopped: ``{"by": name}`` of
    whoever else does."""
    if "release" in request.POST:
        locks.release(transcript, request.user, index)
        return JsonResponse({"by": ""})
    return JsonResponse({"by": locks.take(transcript, request.user, index)})


@require_safe
@_edits
def history(request: PersonRequest, transcript: Transcript, index: int) -> HttpResponse:
    """The versions of a segment, the newest first, each with what it changed."""
    row = get_object_or_404(transcript.segments, index=index)
    context = {"transcript": transcript, "segment": row, "versions": versions_of(transcript, row)}
    return render(request, "transcripts/_history.html", context)


def versions_of(transcript: Transcript, row: Segment) -> list[dict[str, Any]]:
    """The versions of a segment, the newest first: number, text, speaker, when, by whom, how, and what it changed."""
    heard = editing.version_of(transcript, row, 0)
    at = Event.objects.filter(transcript=transcript, seq=row.seq, kind=EventKind.COMMIT).values_list("at", flat=True)
    versions: list[dict[str, Any]] = []
    if heard is not None:
        versions.append({"number": 0, "text": heard.text, "speaker": heard.speaker, "at": at.first(), "how": ""})
    for saved in Revision.objects.filter(transcript=transcript, segment=row.index).order_by("version"):
        versions.append(
            {"number": saved.version, "text": saved.text, "speaker": saved.speaker, "at": saved.at, "by": saved.by_name}
            | {"how": How(saved.how).label, "origin": saved.origin}
        )
    before = ""
    for version in versions:
        version["diff"] = word_diff(before, version["text"]) if before else [("same", version["text"])]
        version["current"] = version["number"] == row.version
        before = version["text"]
        version["speaker"] = looks.speaker_name(version["speaker"])
    return versions[::-1]


@require_POST
@_edits
def flag(request: PersonRequest, transcript: Transcript, index: int) -> HttpResponse:
    """Ask others to look at a segment, with a ``note``: the flag."""
    raised = flags.raise_flag(transcript, request.user, index, request.POST.get("note", ""))
    return JsonResponse({"flags": flags.told([raised])})


# --- The whole transcript ----------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@_edits
def speakers(request: PersonRequest, transcript: Transcript) -> HttpResponse:
    """Who speaks and how often; with ``old`` and ``new`` one gets another name, perhaps that of another one."""
    if request.method == "POST":
        editing.rename_speaker(transcript, request.user, request.POST.get("old", ""), request.POST.get("new", ""))
        if not request.htmx:
            return redirect("session", transcript.pk)
    return render(
        request, "transcripts/_speakers.html", {"transcript": transcript, "speakers": rows.speakers(transcript)}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@_edits
def replace(request: PersonRequest, transcript: Transcript) -> HttpResponse:
    """``find``, ``replacement``, ``case`` and ``whole``: GET tells how many passages it would change and the first
    few of them, POST changes them: ``{"count": n}``."""
    asked = request.POST if request.method == "POST" else request.GET
    find, replacement = asked.get("find", ""), asked.get("replacement", "")
    case, whole = "case" in asked, "whole" in asked
    if request.method == "POST":
        count = editing.replace_all(transcript, request.user, find, replacement, case=case, whole=whole)
        return JsonResponse({"count": count})
    changes = editing.replacements(transcript, find, replacement, case=case, whole=whole)
    examples = [
        {"segment": change.segment.index, "diff": word_diff(change.segment.text, change.passage.text)}
        for change in islice(changes, EXAMPLES)
    ]
    return JsonResponse({"count": len(examples) + sum(1 for _change in changes), "examples": examples})
