"""Comments beside the text: the list of the side panel, and what scripts and forms send."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import access
from transcripts.access import Right
from transcripts.models import Comment, Transcript
from transcripts.reviewing import comments as verbs
from transcripts.reviewing.errors import CommentChanged, ReviewError
from transcripts.views.rows import number
from transcripts.views.segments import refusal
from transcripts.views.shell import PersonRequest, rights

P = ParamSpec("P")


def threads_of(transcript: Transcript) -> list[Comment]:
    """The comments of a transcript by their place, each with its ``answers``; in one query."""
    rows = list(transcript.comments.in_order())
    threads = {row.pk: row for row in rows if row.parent_id is None}
    for thread in threads.values():
        thread.answers = []  # type: ignore[attr-defined]
    for row in sorted(rows, key=lambda row: row.pk):
        if row.parent_id in threads:
            threads[row.parent_id].answers.append(row)  # type: ignore[attr-defined]
    return list(threads.values())


def context_of(transcript: Transcript) -> dict[str, Any]:
    """What the list shows: ``threads`` that are open, and those that are ``settled``."""
    every = threads_of(transcript)
    return {
        "threads": [thread for thread in every if thread.resolved_at is None],
        "settled": [thread for thread in every if thread.resolved_at is not None],
    }


def _refuses(
    view: Callable[Concatenate[PersonRequest, Transcript, P], None],
) -> Callable[Concatenate[HttpRequest, UUID, P], HttpResponse]:
    """A view that changes comments: for scripts JSON, from a form back to the page. Refusals become answers."""

    @wraps(view)
    def inner(request: PersonRequest, transcript_id: UUID, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        transcript = access.get_transcript(request.user, transcript_id, Right.COMMENT)
        script = request.accepts("application/json") and not request.accepts("text/html")
        try:
            view(request, transcript, *args, **kwargs)
        except Comment.DoesNotExist as error:
            raise Http404("No such comment.") from error
        except ReviewError as error:
            if script:
                return _changed(error) if isinstance(error, CommentChanged) else refusal(transcript, error)
            messages.warning(request, str(error))
        return JsonResponse({}) if script else redirect("session", transcript.pk)

    return login_required(inner)  # type: ignore[return-value]


def _changed(error: CommentChanged) -> JsonResponse:
    """409 with what the comment says now."""
    answer = {"code": error.code, "message": str(error.message), "next_step": str(error.next_step)}
    current = {"text": error.current.text, "version": error.current.version}
    return JsonResponse({**answer, "current": current}, status=409)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def comments(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/comments``: the list as a piece of HTML; POST writes one, see `_write`."""
    if request.method == "POST":
        return _write(request, transcript_id)
    transcript = access.get_transcript(request.user, transcript_id)
    allowed = rights(access.membership(request.user, transcript.team_id))
    context = {"transcript": transcript, "allowed": allowed, **context_of(transcript)}
    return render(request, "transcripts/_comments.html", context)


@_refuses
def _write(request: PersonRequest, transcript: Transcript) -> None:
    """``text``, and ``thread`` (answer that one), or ``segment`` and ``at`` (ms), or neither for the whole."""
    text, thread = request.POST.get("text", ""), number(request.POST.get("thread", ""))
    if thread is not None:
        verbs.answer(transcript, request.user, thread, text)
        return
    segment, at = (number(request.POST.get(name, "")) for name in ("segment", "at"))
    verbs.write(transcript, request.user, text, segment=segment, at_ms=at)


@require_POST
@_refuses
def settle(request: PersonRequest, transcript: Transcript, comment_id: int) -> None:
    """Nothing is left to do about it."""
    verbs.settle(transcript, request.user, comment_id)


@require_POST
@_refuses
def reopen(request: PersonRequest, transcript: Transcript, comment_id: int) -> None:
    """Something is left to do after all."""
    verbs.settle(transcript, request.user, comment_id, settled=False)


@require_POST
@_refuses
def edit(request: PersonRequest, transcript: Transcript, comment_id: int) -> None:
    """Other words for one's own: ``text``, and the ``version`` that was seen."""
    version = number(request.POST.get("version", ""))
    verbs.edit(transcript, request.user, comment_id, request.POST.get("text", ""), -1 if version is None else version)


@require_POST
@_refuses
def delete(request: PersonRequest, transcript: Transcript, comment_id: int) -> None:
    """Delete one's own; a manager deletes any."""
    manages = access.allows(access.membership(request.user, transcript.team_id), Right.MANAGE)
    verbs.delete(transcript, request.user, comment_id, of_anybody=manages)
