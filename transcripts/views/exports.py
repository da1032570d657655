"""Taking a transcript away as a file: the dialog that chooses one, what it will look like, and the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from transcripts import access, auditing, exporting
from transcripts.exports import COLUMNS, FORMATS, Options, UnknownFormat, filename
from transcripts.exports.cues import LINE_COLUMNS
from transcripts.models import Act, Transcript
from transcripts.views.shell import PersonRequest

#: Fields of the dialog that mean something in each format.
MEANINGFUL = {
    "txt": {"times", "header", "speakers"},
    "docx": {"times", "speakers", "comments"},
    "xlsx": {"speakers"},
    "csv": {"speakers"},
    "json": {"comments"},
    **{name: {"speakers", "columns"} for name in ("srt", "vtt", "ttml")},
}
#: Read as text by people and scripts, so it can be copied.
COPIED = frozenset(FORMATS) - {"docx", "xlsx"}
_TIME = re.compile(r"(?:(\d{1,3}):)?(?:([0-5]?\d):)?(\d{1,5}(?:\.\d{1,3})?)", re.ASCII)


@require_safe
@login_required
def export(request: PersonRequest, transcript_id: UUID, name: str) -> HttpResponse:
    """``/s/<id>/export/<format>`` with the options of `read_options`; ``/s/<id>/export/preview?format=srt&…`` is the
    beginning of such a file as a piece of HTML."""
    transcript = access.get_transcript(request.user, transcript_id)
    try:
        if name == "preview":
            return _private(render(request, "transcripts/export_preview.html", _preview(request, transcript)))
        file = exporting.export(transcript, name, read_options(request.GET, name))
    except UnknownFormat as error:
        raise Http404(str(error)) from error
    auditing.record(Act.EXPORTED, actor=request.user, team=transcript.team_id, target=transcript, format=name)
    disposition = content_disposition_header(as_attachment=True, filename=file.filename) or "attachment"
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return HttpResponse(file.content, content_type=file.content_type, headers=headers)


@require_safe
@login_required
def dialog(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/export``: choose a format and its options and see how the file begins; the fields may be in the query.

    A page of its own, or for a script only what goes into its dialog.
    """
    transcript = access.get_transcript(request.user, transcript_id)
    try:
        context = _preview(request, transcript)
    except UnknownFormat as error:
        raise Http404(str(error)) from error
    context |= {
        "transcript": transcript,
        "formats": FORMATS.values(),
        "options": read_options(request.GET, context["format"].name),
        "narrowest": COLUMNS[0],
        "widest": COLUMNS[1],
        "start": request.GET.get("from", ""),
        "end": request.GET.get("to", ""),
    }
    page = "transcripts/_export.html" if request.htmx else "transcripts/export.html"
    return _private(render(request, page, context))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response


def _preview(request: PersonRequest, transcript: Transcript) -> dict[str, Any]:
    """Context of a preview. Raises UnknownFormat."""
    name = request.GET.get("format", "txt")
    options = read_options(request.GET, name)
    shown = exporting.beginning_of(transcript, name, options)
    values = request.GET.copy()
    kept = MEANINGFUL[name] | {"from", "to"}
    chosen = {key: value for key, value in values.items() if key in kept and value}
    link = reverse("export", args=[transcript.pk, name])
    return {
        "shown": shown,
        "format": FORMATS[name],
        "filename": filename(transcript.title, FORMATS[name].extension),
        "link": f"{link}?{urlencode(chosen)}" if chosen else link,
        "copied": name in COPIED,
        "final": transcript.is_final,
        "unread": [text for key in ("from", "to") if (text := request.GET.get(key, "")) and read_time(text) is None],
    }


def read_options(values: Mapping[str, str], name: str) -> Options:
    """Options of a query string: ``times``, ``header``, ``speakers``, ``comments`` as 0 or 1, ``columns`` from 20
    to 60, and ``from`` and ``to`` as `read_time` takes them.

    What is not there is as usual: without times and header in plain text, with times in a document, with speakers,
    without comments, 42 columns, from the beginning to the end.
    """
    asked = values.get("columns", "")
    columns = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 4 else LINE_COLUMNS
    return Options(
        times=_is_on(values, "times", name == "docx"),
        header=_is_on(values, "header", False),
        speakers=_is_on(values, "speakers", True),
        columns=min(max(columns, COLUMNS[0]), COLUMNS[1]),
        start_ms=read_time(values.get("from", "")) or 0,
        end_ms=read_time(values.get("to", "")),
        comments=_is_on(values, "comments", False),
    )


def read_time(text: str) -> int | None:
    """``83``, ``1:23`` or ``1:02:03.5`` in milliseconds; None for anything else."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    first, second, seconds = found.groups()
    hours, minutes = (first, second) if second else ("0", first or "0")
    return (int(hours) * 3600 + int(minutes) * 60) * 1000 + round(float(seconds) * 1000)


def _is_on(values: Mapping[str, str], name: str, usual: bool) -> bool:
    return values[name] not in {"0", "off"} if name in values else usual
