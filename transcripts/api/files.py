"""What leaves as a file: exports, and the sound."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from ninja import Query, Router, Schema
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from transcripts import access, auditing, exporting
from transcripts.api.auth import HolderRequest
from transcripts.api.schemas import OneOf
from transcripts.exports import COLUMNS, FORMATS, Options
from transcripts.exports.cues import LINE_COLUMNS
from transcripts.models import Act
from transcripts.views import media, recordings

router = Router(tags=["files"])
FormatName = Annotated[str, OneOf(FORMATS)]
_BYTES = {"schema": {"type": "string", "format": "binary"}}


def _schema(content_type: str) -> dict[str, Any]:
    return {"schema": {"type": "object"}} if content_type.startswith("application/json") else _BYTES


_EXPORTED = {
    200: {
        "description": "The file.",
        "content": {one.content_type: _schema(one.content_type) for one in FORMATS.values()},
    }
}
_SOUND = dict.fromkeys((*media.TYPES.values(), "application/octet-stream"), _BYTES)
_HEARD = {
    200: {"description": "The whole recording.", "content": _SOUND},
    206: {"description": "The range that was asked for.", "content": _SOUND},
    416: {"description": "The range lies outside of it."},
}


class ExportQuery(Schema):
    """What a reader may choose; each means something in some formats only."""

    times: bool | SkipJsonSchema[None] = Field(None, description="with times; usual in docx only")
    header: bool = Field(False, description="with a header, in txt")
    speakers: bool = Field(True, description="name them")
    columns: int = Field(LINE_COLUMNS, ge=COLUMNS[0], le=COLUMNS[1], description="longest line of a subtitle")
    from_ms: int = Field(0, ge=0, le=2**53)
    comments: bool = Field(False, description="with what people commented, in docx and json")
    to_ms: int | SkipJsonSchema[None] = Field(None, ge=0, le=2**53, description="the end when it is left out")

    def options(self, name: str) -> Options:
        """As the renderers take them."""
        times = name == "docx" if self.times is None else self.times
        return Options(times, self.header, self.speakers, self.columns, self.from_ms, self.to_ms, self.comments)


@router.get("/{uuid:transcript_id}/export/{name}", openapi_extra={"responses": _EXPORTED})
def export_transcript(
    request: HolderRequest, transcript_id: UUID, name: FormatName, query: Query[ExportQuery]
) -> HttpResponse:
    """The transcript as a file, also while it is still being written. Scope `read`."""
    row = access.transcript_held(request.auth, transcript_id)
    file = exporting.export(row, name, query.options(name))
    auditing.record(Act.EXPORTED, actor=request.auth.person, team=row.team_id, target=row, format=name)
    disposition = content_disposition_header(as_attachment=True, filename=file.filename) or "attachment"
    return HttpResponse(file.content, content_type=file.content_type, headers={"Content-Disposition": disposition})


@router.get("/{uuid:transcript_id}/audio", openapi_extra={"responses": _HEARD})
def read_audio(request: HolderRequest, transcript_id: UUID) -> HttpResponseBase:
    """The recording, whole or one byte range of it. Scope `read`."""
    path = recordings.path_of(access.transcript_held(request.auth, transcript_id))
    if path is None:
        raise Http404("No recording is kept.")
    response = media.respond(request, path)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = "attachment"
    return response
