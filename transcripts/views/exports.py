"""Taking a transcript away as a file."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from transcripts import access, exporting
from transcripts.exports import Options, UnknownFormat
from transcripts.views.shell import PersonRequest


@require_safe
@login_required
def export(request: PersonRequest, transcript_id: UUID, name: str) -> HttpResponse:
    """``/s/<id>/export/<format>``, with ``?times=1`` and ``?header=1`` for plain text."""
    transcript = access.get_transcript(request.user, transcript_id)
    options = Options(times="times" in request.GET, header="header" in request.GET)
    try:
        file = exporting.export(transcript, name, options)
    except UnknownFormat as error:
        raise Http404(str(error)) from error
    disposition = content_disposition_header(as_attachment=True, filename=file.filename) or "attachment"
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return HttpResponse(file.content, content_type=file.content_type, headers=headers)
