"""The way to approval."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from ninja import Router

from transcripts import access
from transcripts.access import Holder, Right
from transcripts.api import shown
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.textschemas import ReviewIn, ReviewOut
from transcripts.jobs.clean import clean_text
from transcripts.models import Review, Transcript
from transcripts.reviewing import flow

router = Router(tags=["review"])


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
