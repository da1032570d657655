"""The way to approval."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from transcripts import access
from transcripts.access import Holder, Right
from transcripts.api import shown
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.textschemas import QueueOut, ReviewIn, ReviewOut
from transcripts.jobs.clean import clean_text
from transcripts.models import Review, Transcript
from transcripts.reviewing import flow
from transcripts.reviewing.queue import Filters, Row, queue_of

router = Router(tags=["review"])
queue = Router(tags=["review"])


class QueueQuery(Schema):
    """Which part of the queue."""

    assignee: Literal["", "me", "nobody"] = ""
    state: Literal["", "open", "returned", "approved"] = Field("", description="empty: open and returned")
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9a-f.~e+-]{0,200}$", max_length=200)] = Field(
        "", description="“next” of the page before"
    )


@queue.get("/review", response=QueueOut)
def read_queue(request: HolderRequest, query: Query[QueueQuery]) -> dict[str, Any]:
    """What waits for a person in the team, the most urgent first. Scope `edit`."""
    held = request.auth
    access.require(held, Right.EDIT)
    page = queue_of(held.person, Filters(held.team.pk, query.assignee, query.state), query.cursor)
    items = [_queued(row, place) for place, row in enumerate(page.rows, page.before + 1)]
    return {"items": items, "next": page.next}


def _queued(row: Row, place: int) -> dict[str, Any]:
    names = ("flags_left", "low_share", "is_overdue")
    facts = {"review": shown.review(row.transcript, row.review), "title": row.transcript.title, "urgency": place}
    return facts | {name: getattr(row, name) for name in names}


@router.get("/{uuid:transcript_id}/review", response=ReviewOut)
def read_review(request: HolderRequest, transcript_id: UUID) -> dict[str, Any]:
    """Where it stands. Scope `read`."""
    row = access.transcript_held(request.auth, transcript_id)
    return shown.review(row, Review.objects.filter(transcript=row).select_related("assignee").first())


@router.post("/{uuid:transcript_id}/review", response=ReviewOut)
def decide(request: HolderRequest, transcript_id: UUID, data: ReviewIn) -> dict[str, Any]:
    """Send to review (scope `edit`); assign, approve, return or reopen (scope `review`)."""
    right = Right.EDIT if data.decision == "send" else Right.REVIEW
    row = access.transcript_held(request.auth, transcript_id, right)
    return shown.review(row, _decided(request.auth, row, data))


def _decided(held: Holder, row: Transcript, data: ReviewIn) -> Review:
    reason = clean_text(data.reason)
    match data.decision:
        case "send":
            return flow.send(row, held.person, _reviewer(held, data.assignee), data.due_on)
        case "assign":
            return flow.assign(row, held.person, _reviewer(held, data.assignee), data.due_on)
        case "approve":
            return flow.approve(row, held.person)
        case "return":
            return flow.send_back(row, held.person, reason)
        case _:
            return flow.reopen(row, held.person, reason)


def _reviewer(held: Holder, number: int | None) -> User | None:
    """A member who may review. Raises Refusal."""
    if number is None:
        return None
    person = User.objects.filter(pk=number, memberships__team=held.team).first()
    if person is None or not access.allows(access.membership(person, held.team.pk), Right.REVIEW):
        raise Refusal("no_reviewer", _("That is nobody who may review in this team."), _("Choose another person."))
    return person
