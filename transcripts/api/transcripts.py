"""Transcripts: submit by a link, list and search, read, control, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from transcripts import access, search, services, submitting, tagging
from transcripts.access import Holder, Right
from transcripts.api import shown
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.ordering import judged
from transcripts.api.schemas import (
    NO_NUL,
    Day,
    EngineName,
    IdempotencyKey,
    Line,
    OneOf,
    TranscriptDetail,
    TranscriptIn,
    TranscriptPatch,
    TranscriptsOut,
)
from transcripts.jobs.clean import clean_line
from transcripts.models import Engine, SourceKind, State, Transcript
from transcripts.search import filters
from transcripts.titling import title_of_link
from transcripts.upkeep import deleting

router = Router(tags=["transcripts"])
Cursor = Annotated[str, StringConstraints(max_length=80, pattern=NO_NUL)]
StateName = Annotated[str, OneOf(State.values)]
KindName = Annotated[str, OneOf(SourceKind.values)]
LengthName = Annotated[str, OneOf(filters.LENGTHS)]


class ListQuery(Schema):
    """What narrows the list down; what is left out lets everything through."""

    q: Annotated[str, StringConstraints(max_length=400, pattern=NO_NUL)] = Field(
        "", description='words that were said: harbour "new quay" begin* -without'
    )
    state: StateName | SkipJsonSchema[None] = None
    kind: KindName | SkipJsonSchema[None] = None
    engine: EngineName | SkipJsonSchema[None] = None
    trouble: Literal["gaps", "unconfirmed"] | SkipJsonSchema[None] = None
    length: LengthName | SkipJsonSchema[None] = Field(None, description="minutes")
    language: Line = ""
    tag: Line = ""
    speaker: Line = ""
    since: Day | SkipJsonSchema[None] = Field(None, description="made on this day or later")
    until: Day | SkipJsonSchema[None] = Field(None, description="made on this day or earlier")
    sort: Literal["newest", "mentions"] = "newest"
    cursor: Cursor = Field("", description="“next” of the page before")
    limit: int = Field(25, ge=1, le=100)

    def filters(self) -> filters.Filters:
        """As the library takes them."""
        given = self.model_dump(exclude={"q", "sort", "cursor", "limit"}, exclude_none=True)
        return filters.read({name: str(value) for name, value in given.items()})


@router.post("", response={201: TranscriptDetail})
def submit_link(
    request: HolderRequest, response: HttpResponse, data: TranscriptIn, idempotency_key: IdempotencyKey = ""
) -> Status[dict[str, Any]]:
    """Submit a link: a recording, an episode or a live stream. What the request leaves out is as the team has decided.
    The same `Idempotency-Key` makes one transcript, however often it is sent. Scope `submit`."""
    held = request.auth
    access.require(held, Right.SUBMIT)
    sent = data.model_dump_json(exclude_unset=True).encode()
    made, again = submitting.once(held.team, held.person, idempotency_key, sent, lambda: _submitted(held, data))
    response["Idempotency-Replayed"] = "true" if again else "false"
    return Status(201, shown.detail(made))


def _submitted(held: Holder, data: TranscriptIn) -> Transcript:
    """Raises Refusal, services.TooMany, limits.LimitReached."""
    form = judged(held.team, data, data.url)
    submission = services.Submission(
        title=_line(data.title) or title_of_link(form.cleaned_data["links"][0]),
        kind=SourceKind.URL,
        url=form.cleaned_data["links"][0],
        engine=Engine(form.cleaned_data["engine"]),
        language=form.cleaned_data["language"],
        options=form.options(),
    )
    return submitting.submit_all(held.team, held.person, [submission])[0]


@router.get("", response=TranscriptsOut)
def list_transcripts(request: HolderRequest, query: Query[ListQuery]) -> dict[str, Any]:
    """List and search, the newest first. Scope `read`."""
    held = request.auth
    access.require(held, Right.SEE)
    sort = search.MENTIONS if query.sort == "mentions" else ""
    page = search.find(
        access.transcripts_held(held),
        [held.team.pk],
        search.parse(query.q),
        query.filters(),
        query.cursor,
        query.limit,
        sort,
    )
    return {"items": shown.found(page.found), "next": page.next}


@router.get("/{uuid:transcript_id}", response=TranscriptDetail)
def read_transcript(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """Where a transcript stands. Scope `read`."""
    return shown.detail(access.transcript_held(request.auth, transcript_id))


@router.patch("/{uuid:transcript_id}", response=TranscriptDetail)
def change_transcript(request: HolderRequest, transcript_id: UUID, data: TranscriptPatch) -> dict[str, Any]:
    """Give it another title, put tags on and take them off. Scope `edit`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    with transaction.atomic():
        _change(row, data)
    return shown.detail(row)


def _change(row: Transcript, data: TranscriptPatch) -> None:
    """All of it or, when one thing is refused, nothing. Raises Refusal, tagging.TagRefused."""
    if data.title is not None:
        title = _line(data.title)
        if not title:
            raise Refusal("no_title", _("A title needs at least one letter."), _("Send another one."))
        services.rename(row, title)
    for tag in data.remove_tags:
        tagging.take([row], tag)
    for tag in data.add_tags:
        tagging.put([row], tag)


@router.delete("/{uuid:transcript_id}", response={204: None})
def delete_transcript(request: HolderRequest, transcript_id: UUID) -> Status[None]:
    """Delete it with its recording, for good. Scope `delete`."""
    row = access.transcript_held(request.auth, transcript_id, Right.DELETE)
    deleting.delete(request.auth.person, row)
    return Status(204, None)


def _controlled(request: HolderRequest, transcript_id: UUID, act: Callable[[Transcript], None]) -> dict[str, Any]:
    row = access.transcript_held(request.auth, transcript_id, Right.CONTROL)
    act(row)
    row.refresh_from_db()
    return shown.detail(row)


@router.post("/{uuid:transcript_id}/stop", response=TranscriptDetail)
def stop_transcript(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """End it gracefully: no more sound is taken, the last words are written. Scope `control`."""
    return _controlled(request, transcript_id, services.stop)


@router.post("/{uuid:transcript_id}/pause", response=TranscriptDetail)
def pause_transcript(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """Let it rest until `retry`: a recording goes on where its text ends, of a live source the time between is a gap.
    Scope `control`."""
    return _controlled(request, transcript_id, services.pause)


@router.post("/{uuid:transcript_id}/cancel", response=TranscriptDetail)
def cancel_transcript(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """End it now; the text so far stays. Scope `control`."""
    return _controlled(request, transcript_id, services.cancel)


@router.post("/{uuid:transcript_id}/commit", response=TranscriptDetail)
def commit_transcript(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """Settle what was heard so far. Scope `control`."""
    return _controlled(request, transcript_id, services.commit_now)


@router.post("/{uuid:transcript_id}/retry", response=TranscriptDetail)
def retry_transcript(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """Queue a failed, cancelled, waiting or paused one again; it goes on where it was. Scope `control`."""
    return _controlled(request, transcript_id, services.retry)


@router.post("/{uuid:transcript_id}/offline", response=TranscriptDetail)
def continue_offline(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """Go on with the embedded engine where the hosted one refused. Scope `control`."""
    return _controlled(request, transcript_id, services.continue_embedded)


def _line(text: str) -> str:
    return clean_line(text, 200)
