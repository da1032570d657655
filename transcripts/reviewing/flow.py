"""Where a transcript stands on its way to approval: sent, assigned, returned, approved, reopened.

Each verb is one transaction behind the transcript's row lock, is told to open pages by the log and kept in the audit
record. Callers have been through `access.py` (Right.EDIT to send, Right.REVIEW for the rest).
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts import auditing
from transcripts.jobs.clean import clean_line
from transcripts.live.publish import ring_on_commit
from transcripts.models import Act, EventKind, Review, ReviewState, Transcript
from transcripts.models.log import Entry, append, hold
from transcripts.reviewing.errors import NoReason, NotFinished, NotInReview
from transcripts.reviewing.people import name_of

#: Longest reason, in characters.
LONGEST_REASON = 500


@transaction.atomic
def send(transcript: Transcript, person: User, assignee: User | None = None, due_on: date | None = None) -> Review:
    """Put a transcript into the queue, also while it is still being written; one that was returned comes back.

    Harmless for one that is there. Raises NotInReview for an approved one.
    """
    hold(transcript.pk)
    review, made = Review.objects.get_or_create(
        transcript=transcript, defaults={"assignee": assignee, "due_on": due_on}
    )
    if review.is_locked:
        raise NotInReview
    if not made and review.state == ReviewState.RETURNED:
        return _decide(transcript, review, person, ReviewState.OPEN, sent_at=timezone.now())
    if made:
        _tell(transcript, person, review)
    return review


@transaction.atomic
def assign(transcript: Transcript, person: User, assignee: User | None, due_on: date | None) -> Review:
    """Say who reviews it and until when. The caller has made sure that the assignee may. Raises NotInReview."""
    hold(transcript.pk)
    review = _review(transcript, ReviewState.OPEN, ReviewState.RETURNED)
    review.assignee, review.due_on = assignee, due_on
    review.save(update_fields=["assignee", "due_on"])
    _tell(transcript, person, review, assignee=name_of(assignee))
    return review


@transaction.atomic
def approve(transcript: Transcript, person: User) -> Review:
    """Make the text read-only and stamp it. Raises NotFinished, NotInReview."""
    hold(transcript.pk)
    transcript.refresh_from_db(fields=["state"])
    if not transcript.is_final:
        raise NotFinished
    review, _ = Review.objects.get_or_create(transcript=transcript)
    if review.is_locked:
        raise NotInReview
    auditing.record(Act.APPROVED, actor=person, team=transcript.team_id, target=transcript)
    return _decide(transcript, review, person, ReviewState.APPROVED)


@transaction.atomic
def send_back(transcript: Transcript, person: User, reason: str) -> Review:
    """Return it to whoever corrects it, with a reason. Raises NoReason, NotInReview."""
    hold(transcript.pk)
    review = _review(transcript, ReviewState.OPEN)
    reason = _reason(reason)
    auditing.record(Act.RETURNED, actor=person, team=transcript.team_id, target=transcript)
    return _decide(transcript, review, person, ReviewState.RETURNED, reason=reason)


@transaction.atomic
def reopen(transcript: Transcript, person: User, reason: str) -> Review:
    """Make an approved text editable again, with a reason. Raises NoReason, NotInReview."""
    hold(transcript.pk)
    review = _review(transcript, ReviewState.APPROVED)
    reason = _reason(reason)
    auditing.record(Act.REOPENED, actor=person, team=transcript.team_id, target=transcript)
    return _decide(transcript, review, person, ReviewState.OPEN, reason=reason, sent_at=timezone.now())


def _review(transcript: Transcript, *states: ReviewState) -> Review:
    review = Review.objects.filter(transcript=transcript, state__in=states).first()
    if review is None:
        raise NotInReview
    return review


def _reason(reason: str) -> str:
    reason = clean_line(reason, LONGEST_REASON)
    if not reason:
        raise NoReason
    return reason


def _decide(transcript: Transcript, review: Review, person: User, state: ReviewState, **values: Any) -> Review:
    review.state, review.reason = state, values.pop("reason", "")
    review.decided_by, review.decided_name, review.decided_at = person, name_of(person), timezone.now()
    for name, value in values.items():
        setattr(review, name, value)
    review.save()
    _tell(transcript, person, review)
    return review


def _tell(transcript: Transcript, person: User, review: Review, **details: str) -> None:
    facts = {"state": review.state, "reason": review.reason, **details}
    payload = {"by": name_of(person), **{key: value for key, value in facts.items() if value}}
    last = append(transcript.pk, [Entry(EventKind.REVIEW, payload)], when={})
    ring_on_commit(transcript.pk, transcript.team_id, last)
