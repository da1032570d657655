"""Taking a transcript away as a file."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from transcripts import access, exporting
from transcripts.exports import COLUMNS, FORMATS, Options, UnknownFormat
from transcripts.exports.cues import LINE_COLUMNS
from transcripts.models import Transcript
from transcripts.views.shell import PersonRequest


@require_safe
@login_required
def export(request: PersonRequest, transcript_id: UUID, name: str) -> HttpResponse:
    """``/s/<id>/export/<format>`` with the options of `read_options`; ``/s/<id>/export/preview?format=srt&…`` is the
    beginning of such a file as a piece of HTML."""
    transcript = access.get_transcript(request.user, transcript_id)
    try:
        if name == "preview":
            return _preview(request, transcript)
        file = exporting.export(transcript, name, read_options(request.GET, name))
    except UnknownFormat as error:
        raise Http404(str(error)) from error
    disposition = content_disposition_header(as_attachment=True, filename=file.filename) or "attachment"
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return HttpResponse(file.content, content_type=file.content_type, headers=headers)


def _preview(request: PersonRequest, transcript: Transcript) -> HttpResponse:
    name = request.GET.get("format", "txt")
    shown = exporting.beginning_of(transcript, name, read_options(request.GET, name))
    values = request.GET.copy()
    values.pop("format", None)
    link = f"{reverse('export', args=[transcript.pk, name])}?{values.urlencode()}"
    context = {"shown": shown, "format": FORMATS[name], "link": link, "final": transcript.is_final}
    response = render(request, "transcripts/export_preview.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def read_options(values: Mapping[str, str], name: str) -> Options:
    """Options of a query string: ``times``, ``header``, ``speakers`` as 0 or 1 and ``columns`` from 20 to 60.

    What is not there is as usual: without times and header in plain text, with times in a document, with speakers, 42
    columns.
    """
    asked = values.get("columns", "")
    columns = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 4 else LINE_COLUMNS
    return Options(
        times=_is_on(values, "times", name == "docx"),
        header=_is_on(values, "header", False),
        speakers=_is_on(values, "speakers", True),
        columns=min(max(columns, COLUMNS[0]), COLUMNS[1]),
    )


def _is_on(values: Mapping[str, str], name: str, usual: bool) -> bool:
    return values[name] not in {"0", "off"} if name in values else usual
