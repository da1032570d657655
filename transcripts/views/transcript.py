"""The session page: one transcript, live or saved; and the controls of its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from transcripts import access, phrases, services
from transcripts.access import Right
from transcripts.jobs.clean import clean_line
from transcripts.live.board import card_data
from transcripts.models import FINAL, Event, EventKind, Hit, IllegalTransition, Review, Scan, Segment, Transcript
from transcripts.models.states import BY_PERSON
from transcripts.reviewing import detectors
from transcripts.upkeep import deleting
from transcripts.views import comments as beside
from transcripts.views import looks, mic, recordings, rows, waiting
from transcripts.views.activity import last_attempt, log_page
from transcripts.views.alerts import PANEL_ROWS
from transcripts.views.coverage import coverage
from transcripts.views.shell import PersonRequest, rights


@require_safe
@login_required
def session(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>``: the text so far in the page itself; the socket goes on after ``last_seq``."""
    transcript = access.get_transcript(request.user, transcript_id)
    if request.htmx and rows.ASKED & set(request.GET):
        return render(request, "transcripts/_lines.html", rows_context(request, transcript, page=False))
    if landing := rows.landing(transcript, request.path, request.GET):
        return redirect(landing)
    return render(request, "transcripts/session.html", page_context(request, transcript))


def rows_context(request: PersonRequest, transcript: Transcript, *, page: bool) -> dict[str, Any]:
    """The rows of text that the query asks for, and what lies beyond them."""
    lines = rows.read_lines(transcript, request.GET)
    speakers = rows.speakers(transcript)
    rows.name_speakers(lines, speakers)
    return {
        "transcript": transcript,
        "allowed": rights(access.membership(request.user, transcript.team_id)),
        "speakers": speakers,
        "lines": lines,
        "wanted": rows.number(request.GET.get("seg", "")) if page else None,
        **rows.beyond(lines, request.GET, page=page),
    }


def page_context(request: PersonRequest, transcript: Transcript) -> dict[str, Any]:
    """What the session page and the review screen show of a transcript."""
    # The number first, the rows after it: what is written in between comes twice and is dropped by its number.
    shown = rows_context(request, transcript, page=True)
    return {
        **shown,
        "has_recording": recordings.path_of(transcript) is not None,
        "may_listen": recordings.may_come(transcript),
        "may_record": mic.may_record(request, transcript),
        "was_recorded": mic.was_recorded(request, transcript),
        "now_playing": _now_playing(transcript),
        **_about(request, transcript, shown),
    }


@require_safe
@login_required
def find(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/find?q=…``: ``{"hits": [index of each segment that holds it], "starts": [ms of each]}``, as spoken."""
    transcript = access.get_transcript(request.user, transcript_id)
    found = rows.find(transcript, request.GET.get("q", ""))
    return JsonResponse({"hits": [index for index, _ms in found], "starts": [ms for _index, ms in found]})


@require_safe
@login_required
def facts(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/facts``: what a page that was opened early cannot know; lengths in ms, ``waiting`` a sentence,
    ``sound`` whether there is something to play."""
    transcript = access.get_transcript(request.user, transcript_id)
    card = card_data(transcript)
    known = {key: card[key] for key in ("live", "duration_ms", "heard_ms")}
    sound = recordings.path_of(transcript) is not None
    return JsonResponse(known | {"waiting": waiting.waiting(transcript), "sound": sound})


def _now_playing(transcript: Transcript) -> str:
    """What a live source said last that it plays."""
    if not transcript.is_live or not transcript.is_active:
        return ""
    told = Event.objects.filter(transcript=transcript, kind=EventKind.SOURCE, payload__code="now_playing")
    return str((told.order_by("-seq").values_list("payload__title", flat=True).first()) or "")


@require_safe
@login_required
def captions(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/captions``: the last words, large, for a projector or an overlay."""
    transcript = access.get_transcript(request.user, transcript_id)
    last = Segment.objects.filter(transcript=transcript).newest_first().first()
    config = {"socket": f"/ws/t/{transcript.pk}/", "after": transcript.last_seq, "final": sorted(FINAL)}
    config |= {"state": transcript.state, "live": transcript.is_live, "looks": looks.script_table()}
    can_share = access.allows(access.membership(request.user, transcript.team_id), Right.CONTROL)
    context = {"transcript": transcript, "last": last, "config": config, "can_share": can_share}
    return render(request, "transcripts/captions.html", context)


#: Tabs of the side panel.
PANELS = ("details", "comments", "activity")


def panel_of(request: PersonRequest) -> str:
    """Which tab of the side panel is open."""
    asked = request.GET.get("panel", "")
    return asked if asked in PANELS else PANELS[0]


def unsure_below(transcript: Transcript) -> float:
    """Words of which the engine was less sure than this (0..1) are marked: beside the typical one of the transcript,
    as the flags have it."""
    known = Scan.objects.filter(transcript=transcript).values_list("confidences", flat=True).first()
    return round(detectors.typical_of(known or []).low_word, 3)


def _about(request: PersonRequest, transcript: Transcript, shown: dict[str, Any]) -> dict[str, Any]:
    review = Review.objects.filter(transcript=transcript).select_related("assignee").first()
    shown_state = transcript.rest or transcript.state
    return {
        **log_page(transcript),
        **beside.context_of(transcript),
        "panel": panel_of(request),
        "review": review,
        "from_page": "session",
        "card": card_data(transcript),
        "hits": Hit.objects.filter(transcript=transcript).select_related("watchlist")[:PANEL_ROWS],
        "step": looks.failed_step(transcript.code) if shown_state in looks.PROBLEMS else "",
        "shown_state": shown_state,
        "can_switch": services.can_continue_embedded(transcript),
        "config": {
            "socket": f"/ws/t/{transcript.pk}/",
            "rows": resolve_url("session", transcript.pk),
            "facts": resolve_url("facts", transcript.pk),
            "coverage": coverage(transcript),
            "after": transcript.last_seq,
            "state": transcript.state,
            "live": transcript.is_live,
            "final": sorted(FINAL),
            "problems": sorted(looks.PROBLEMS),
            "rested": BY_PERSON["code"],
            "looks": looks.script_table(),
            "said": phrases.table(),
            "controls": {name: sorted(states) for name, states in looks.CONTROLS.items()},
            "finishing_by": waiting.finishing_by(transcript),
            "steps": looks.step_table(),
            "retrying": last_attempt(transcript),
            "engines": {name: str(label) for name, label in looks.ENGINE_NAMES.items()},
            "speakers": [speaker["label"] for speaker in shown["speakers"]],
            "person": request.user.pk,
            "unsure": unsure_below(transcript),
            "segments": f"/s/{transcript.pk}/segments/" if Right.EDIT in shown["allowed"] else "",
            "reasons": {code: str(text) for code, text in looks.GAP_REASONS.items()},
        },
    }


def _control(
    act: Callable[[Transcript], None], right: Right = Right.CONTROL
) -> Callable[[HttpRequest, UUID], HttpResponse]:
    """A view that does one thing to a transcript: from a form back to its page, from a script without a page."""

    @require_POST
    @login_required
    def view(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
        transcript = access.get_transcript(request.user, transcript_id, right)
        try:
            act(transcript)
        except IllegalTransition as refusal:
            sentence = _("That is not possible any more: “%(title)s” has moved on.") % {"title": transcript.title}
            if isinstance(refusal, services.Approved):
                sentence = f"{refusal.message} {refusal.next_step}"
            if request.htmx:
                return HttpResponse(sentence, status=409, content_type="text/plain; charset=utf-8")
            messages.warning(request, sentence)
        return HttpResponse(status=204) if request.htmx else redirect("session", transcript_id)

    return view  # type: ignore[return-value]


stop = _control(services.stop)
pause = _control(services.pause)
cancel = _control(services.cancel)
commit = _control(services.commit_now)
retry = _control(services.retry)
#: The way out when the hosted engine refuses: go on with the one of this machine.
go_offline = _control(services.continue_embedded)


@require_POST
@login_required
def rename(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """Give it another title: from a form back to the page, for scripts ``{"title": …}`` as it is now."""
    transcript = access.get_transcript(request.user, transcript_id, Right.EDIT)
    title = clean_line(request.POST.get("title", ""), 200)
    if title and title != transcript.title:
        services.rename(transcript, title)
    sentence = "" if title else _("A title needs at least one letter; the old one stays.")
    if request.accepts("application/json") and not request.accepts("text/html"):
        refusal = {"code": "title_empty", "message": sentence, "next_step": _("Type a title, or press Escape.")}
        return JsonResponse(refusal, status=422) if sentence else JsonResponse({"title": transcript.title})
    if sentence:
        messages.warning(request, sentence)
    return redirect("session", transcript_id)


@require_POST
@login_required
def delete(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """Delete it with its recording; boards and open pages are told."""
    transcript = access.get_transcript(request.user, transcript_id, Right.DELETE)
    deleting.delete(request.user, transcript)
    messages.success(request, _("“%(title)s” was deleted.") % {"title": transcript.title})
    return redirect("board")
