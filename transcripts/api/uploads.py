"""Recordings that are sent: a small one in one request, larger ones in parts that survive a broken line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Header, Query, Router, Schema, Status
from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from transcripts import access, submitting, uploading
from transcripts.access import Holder, Right
from transcripts.api import shown
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.ordering import judged
from transcripts.api.schemas import (
    NO_NUL,
    CompleteIn,
    EngineName,
    HowIn,
    IdempotencyKey,
    Line,
    OffsetOut,
    PresetName,
    TranscriptDetail,
    UploadIn,
    UploadOut,
    UploadsOut,
)
from transcripts.jobs.clean import clean_text
from transcripts.media.parts import PART_BYTES, Proof
from transcripts.models import Engine, Transcript, Upload
from transcripts.uploading import Part

router = Router(tags=["uploads"])
READ_BYTES = 256 * 1024
_RAW = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
PartHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]


class DirectQuery(Schema):
    """How a recording that is sent at once is to be transcribed."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)] = Field(
        description="name of the file; its title is made of it"
    )
    team_preset: Line = ""
    engine: EngineName | SkipJsonSchema[None] = None
    language: Line = ""
    preset: PresetName = ""

    def how(self) -> HowIn:
        """As a body would say it."""
        return HowIn(**self.model_dump(exclude_unset=True, exclude_none=True, exclude={"name"}))


@router.post("/direct", response={201: TranscriptDetail}, openapi_extra=_RAW)
def upload_at_once(
    request: HolderRequest, response: HttpResponse, query: Query[DirectQuery], idempotency_key: IdempotencyKey = ""
) -> Status[dict[str, Any]]:
    """Send a recording of at most 8 MiB as the body, and have it transcribed. The same `Idempotency-Key` makes one
    transcript. Scope `submit`."""
    access.require(request.auth, Right.SUBMIT)
    _as_it_is(request)
    data = request.read(PART_BYTES + 1)
    if len(data) > PART_BYTES:
        step = _("Send it in parts: POST /uploads.")
        raise Refusal("part_too_large", _("That is more than one request may carry."), step, status=413)
    held, sha256 = request.auth, hashlib.sha256(data).hexdigest()
    sent = f"{sha256} {query.model_dump_json(exclude_unset=True)}".encode()
    made, again = submitting.once(held.team, held.person, idempotency_key, sent, lambda: _whole(held, query, data))
    response["Idempotency-Replayed"] = "true" if again else "false"
    return Status(201, shown.detail(made))


def _whole(held: Holder, query: DirectQuery, data: bytes) -> Transcript:
    """The transcript of a recording that is all here. Raises Refusal, uploading.Refused."""
    upload = _begun(held, query.name, len(data), query.how())
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        uploading.take(upload, Part(0, sha256, [data]))
        return uploading.finish(upload, Proof(sha256=sha256))
    except uploading.Refused:
        with suppress(uploading.Refused):
            uploading.give_up(upload)
        raise


@router.post("", response={201: UploadOut})
def begin_upload(request: HolderRequest, data: UploadIn) -> Status[dict[str, Any]]:
    """Announce a file that comes in parts. Scope `submit`."""
    access.require(request.auth, Right.SUBMIT)
    return Status(201, shown.upload(_begun(request.auth, data.name, data.size, data)))


@router.get("", response=UploadsOut)
def list_uploads(request: HolderRequest) -> dict[str, Any]:
    """The person's own uploads on their way. Scope `submit`."""
    held = request.auth
    access.require(held, Right.SUBMIT)
    mine = uploading.on_their_way().filter(team=held.team, created_by=held.person)
    return {"items": [shown.upload(row) for row in mine]}


@router.get("/{uuid:upload_id}", response=UploadOut)
def read_upload(request: HolderRequest, upload_id: UUID) -> dict[str, Any]:
    """Where an upload stands. Scope `submit`."""
    return shown.upload(access.upload_held(request.auth, upload_id))


@router.put("/{uuid:upload_id}", response=OffsetOut, openapi_extra=_RAW)
def send_part(
    request: HolderRequest,
    upload_id: UUID,
    offset: Annotated[int, Query(ge=0, le=2**53, description="bytes before this part")],
    x_part_sha256: Annotated[PartHash, Header(alias="X-Part-SHA256", description="SHA-256 of the part, in hex")],
) -> dict[str, int]:
    """Send the next part; the same one twice is taken once. A refusal carries the true `offset`. Scope `submit`."""
    upload = access.upload_held(request.auth, upload_id)
    _as_it_is(request)
    return {"offset": uploading.take(upload, Part(offset, x_part_sha256, _pieces(request)))}


@router.delete("/{uuid:upload_id}", response={204: None})
def give_up_upload(request: HolderRequest, upload_id: UUID) -> Status[None]:
    """Discard what has arrived. Scope `submit`."""
    uploading.give_up(access.upload_held(request.auth, upload_id))
    return Status(204, None)


@router.post("/{uuid:upload_id}/complete", response=TranscriptDetail)
def complete_upload(request: HolderRequest, upload_id: UUID, data: CompleteIn) -> dict[str, Any]:
    """Everything is there: prove it, and have it transcribed. Asked again, the same transcript. Scope `submit`."""
    upload = access.upload_held(request.auth, upload_id)
    if not (data.sha256 or data.blocks_sha256):
        raise Refusal("no_proof", _("The hash of the file is missing."), _("Send sha256 or blocks_sha256."))
    return shown.detail(uploading.finish(upload, Proof(data.sha256, data.blocks_sha256)))


def _begun(held: Holder, name: str, size: int, how: HowIn) -> Upload:
    form = judged(held.team, how)
    engine, language = Engine(form.cleaned_data["engine"]), form.cleaned_data["language"]
    announced = uploading.Announced(clean_text(name, 200), size, engine, language, form.options())
    return uploading.begin(held.team, held.person, announced)


def _as_it_is(request: HttpRequest) -> None:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal("encoded_part", _("Recordings are sent as they are."), _("Send no Content-Encoding."), status=415)


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(READ_BYTES):
        yield piece
