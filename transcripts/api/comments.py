"""Comments beside the text: read, written, answered, settled, deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from django.http import Http404
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from transcripts import access
from transcripts.access import Right
from transcripts.api.auth import HolderRequest
from transcripts.api.schemas import NO_NUL, Index, Strict, example
from transcripts.models import Comment, Transcript
from transcripts.reviewing import comments
from transcripts.reviewing.comments import LONGEST_COMMENT

router = Router(tags=["comments"])
PLACE = "/{uuid:transcript_id}/comments"
ONE = PLACE + "/{int:comment_id}"
MOST_ID = 2**63 - 1


Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_COMMENT, pattern=NO_NUL)]


class CommentOut(Schema):
    """A remark on a segment (null: on the time), or with a ``thread`` that is another one's id an answer to it."""

    id: int
    thread: int = Field(description="the comment that it answers; its own id when it answers none")
    segment: int | None
    start_ms: int
    text: str = Field(description="empty when it was deleted and has answers")
    by: str
    at: datetime
    version: int = Field(description="rises with each change of its words")
    edited_at: datetime | None
    resolved_by: str
    resolved_at: datetime | None


class CommentsOut(Schema):
    """All comments of a transcript, by their place in the sound, answers behind what they answer."""

    items: list[CommentOut]


class CommentIn(Strict):
    """A new comment: on a segment, or on a time, or with ``thread`` an answer to another one."""

    model_config = example(text="Is the name right?", segment=0)

    text: Words
    segment: Index | None = None
    start_ms: int | None = Field(None, ge=0, le=comments.LATEST_MS)
    thread: Index | None = None


def _one_thing(schema: dict[str, Any]) -> None:
    """What `CommentPatch.one_thing` holds, for readers of the description."""
    schema["examples"] = [{"resolved": True}]
    resolved, words = ["resolved"], ["text", "version"]
    schema["oneOf"] = [{"required": names, "maxProperties": len(names)} for names in (resolved, words)]


class CommentPatch(Strict):
    """Whether nothing is left to do, or other words for one's own, with the ``version`` that was seen."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_one_thing)

    resolved: bool | SkipJsonSchema[None] = None
    text: Words | SkipJsonSchema[None] = None
    version: Index | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def one_thing(self) -> Self:
        """Raises ValueError."""
        if (self.text is None) != (self.version is None) or (self.resolved is None) == (self.text is None):
            raise ValueError("Send either resolved, or text with version.")
        return self


class CommentQuery(Schema):
    """Which comments."""

    open: bool = Field(False, description="only those that nobody has settled, and their answers")


def shown(row: Comment) -> dict[str, Any]:
    """A comment as the API tells it."""
    names = ("id", "segment", "start_ms", "text", "at", "version", "edited_at", "resolved_at")
    told = {name: getattr(row, name) for name in names}
    return told | {"thread": row.parent_id or row.pk, "by": row.by_name, "resolved_by": row.resolved_name}


@router.get(PLACE, response=CommentsOut)
def list_comments(request: HolderRequest, transcript_id: UUID, query: Query[CommentQuery]) -> dict[str, Any]:
    """What people say about it: 500 comments at most. Scope `read`."""
    transcript = access.transcript_held(request.auth, transcript_id)
    rows = transcript.comments.select_related("parent").all()
    kept = [row for row in rows if not query.open or (row.parent or row).resolved_at is None]
    return {"items": [shown(row) for row in sorted(kept, key=_place)]}


def _place(row: Comment) -> tuple[int, int, int]:
    thread = row.parent or row
    return thread.start_ms, thread.pk, row.pk


@router.post(PLACE, response={201: CommentOut})
def write_comment(request: HolderRequest, transcript_id: UUID, data: CommentIn) -> Status[dict[str, Any]]:
    """Write a comment, or answer one. Scope `edit`."""
    transcript, person = access.transcript_held(request.auth, transcript_id, Right.COMMENT), request.auth.person
    if data.thread is not None:
        return Status(201, shown(comments.answer(transcript, person, data.thread, data.text)))
    row = comments.write(transcript, person, data.text, segment=data.segment, at_ms=data.start_ms)
    return Status(201, shown(row))


@router.patch(ONE, response=CommentOut)
def change_comment(request: HolderRequest, transcript_id: UUID, comment_id: int, data: CommentPatch) -> dict[str, Any]:
    """Say that nothing is left to do about a comment, or that something is; or change the words of one's own
    (`comment_changed` with `current` when another version is there). Scope `edit`."""
    transcript, row = _found(request, transcript_id, comment_id)
    if data.text is not None and data.version is not None:
        return shown(comments.edit(transcript, request.auth.person, row.pk, data.text, data.version))
    if row.parent_id is not None:
        raise Http404("An answer is settled with what it answers.")
    return shown(comments.settle(transcript, request.auth.person, row.pk, settled=bool(data.resolved)))


@router.delete(ONE, response={204: None})
def delete_comment(request: HolderRequest, transcript_id: UUID, comment_id: int) -> Status[None]:
    """Delete a comment of one's own; with the scope `manage` as well, that of anybody. Scope `edit`."""
    transcript, row = _found(request, transcript_id, comment_id)
    comments.delete(transcript, request.auth.person, row.pk, of_anybody=Right.MANAGE in request.auth.rights)
    return Status(204, None)


def _found(request: HolderRequest, transcript_id: UUID, comment_id: int) -> tuple[Transcript, Comment]:
    """The transcript and its comment. Raises as `access.transcript_held`."""
    transcript = access.transcript_held(request.auth, transcript_id, Right.COMMENT)
    row = transcript.comments.exclude(text="").filter(pk=comment_id).first() if comment_id <= MOST_ID else None
    if row is None:
        raise Http404("No such comment.")
    return transcript, row
