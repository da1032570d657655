"""The microphone as a source: a form for how, and then the session page with a recorder in it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from transcripts import access, engine_settings, limits
from transcripts.access import Right
from transcripts.incoming.beginning import Refused, begin
from transcripts.incoming.commands import Start
from transcripts.incoming.options import StreamForm, wanted_of
from transcripts.models import AudioStream, SourceKind, Transcript
from transcripts.views.shell import TeamRequest, in_team


@require_http_methods(["GET", "HEAD", "POST"])
@in_team(Right.SUBMIT)
def mic(request: TeamRequest) -> HttpResponse:
    """``/mic``: how it is to be transcribed; then the page that records."""
    if request.method != "POST":
        form = StreamForm(initial={"preset": "live", **engine_settings.initial_of(request.team)}, team=request.team)
        return _show(request, form)
    form = StreamForm(request.POST, team=request.team)
    if form.is_valid():
        try:
            made = begin(request.team, request.user, wanted_of(form, Start(title=form.cleaned_data["title"])))
        except Refused as refused:
            form.add_error(None, f"{refused.message} {refused.next_step}")
        else:
            return redirect("session", made.pk)
    return _show(request, form, 422)


def _show(request: TeamRequest, form: StreamForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "standing": limits.standing(request.team.pk)}
    return render(request, "transcripts/mic.html", context, status=status)


def may_record(request: HttpRequest, transcript: Transcript) -> bool:
    """Whether the page's own microphone may go on with it: it is the person's, and waits for sound."""
    if transcript.created_by_id != request.user.pk or transcript.is_final:
        return False
    if not AudioStream.objects.filter(pk=transcript.pk, closed_at=None).exists():
        return False
    return access.allows(access.membership(request.user, transcript.team_id), Right.SUBMIT)


def was_recorded(request: HttpRequest, transcript: Transcript) -> bool:
    """Whether a browser of this person may still have sound of it that came too late."""
    return (
        transcript.is_final
        and transcript.source_kind == SourceKind.SOCKET
        and transcript.created_by_id == request.user.pk
    )
