"""The activity log of a session: who did what, what the engine and the source did; newest first, in pages."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from transcripts import access
from transcripts.models import Event, EventKind, Transcript
from transcripts.views.rows import number
from transcripts.views.shell import PersonRequest

#: Entries of one page.
LOG_ROWS = 50
LOG_KINDS = (
    EventKind.STATE,
    EventKind.SESSION,
    EventKind.NOTICE,
    EventKind.GAP,
    EventKind.REVISE,
    EventKind.REVIEW,
    EventKind.SOURCE,
)


def log_page(transcript: Transcript, before: int | None = None) -> dict[str, Any]:
    """``log``, the newest entries (before a number), and ``older``, the number to ask with for more, or None."""
    # Corrections of passages have a history of their own.
    events = Event.objects.filter(transcript=transcript, kind__in=LOG_KINDS, payload__segment__isnull=True)
    events = events.order_by("-seq")
    if before is not None:
        events = events.filter(seq__lt=before)
    found = list(events[: LOG_ROWS + 1])
    shown = found[:LOG_ROWS]
    return {"log": shown, "older": shown[-1].seq if len(found) > LOG_ROWS else None}


def last_attempt(transcript: Transcript) -> int:
    """Number of the try to reach the engine again that is under way, 0 when it is connected or was never."""
    told = Event.objects.filter(transcript=transcript, kind__in=(EventKind.SESSION, EventKind.NOTICE)).order_by("-seq")
    payload = told.values_list("payload", flat=True).first() or {}
    return int(payload.get("attempt") or 0)


@require_safe
@login_required
def activity(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/activity?before=<seq>``: the next entries, as rows."""
    transcript = access.get_transcript(request.user, transcript_id)
    context = log_page(transcript, number(request.GET.get("before", "")))
    return render(request, "transcripts/_log.html", context | {"transcript": transcript})
