"""Who is typing where: soft locks that warn others within a second and never stand in anybody's way.

What keeps text safe is the version at saving (`reviewing.editing`); a lock that is not renewed ends by itself.
Callers have been through `access.py` (Right.EDIT).
"""

from __future__ import annotations

from datetime import timedelta

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts.live import events
from transcripts.live.publish import send_editing
from transcripts.models import Review, ReviewState, Transcript
from transcripts.models.review import LOCK_SECONDS, EditLock
from transcripts.reviewing.errors import Conflict, Locked
from transcripts.reviewing.people import name_of


@transaction.atomic
def take(transcript: Transcript, person: User, index: int) -> str:
    """Say that ``person`` types in a segment, or still does. Returns the name of whoever did before and has not
    stopped, whose lock stays; empty when it is this person's. Raises Conflict (no such segment) and Locked."""
    if Review.objects.filter(transcript=transcript, state=ReviewState.APPROVED).exists():
        raise Locked
    if not transcript.segments.filter(index=index).exists():
        raise Conflict(None)
    over = timezone.now() - timedelta(seconds=LOCK_SECONDS)
    EditLock.objects.filter(transcript=transcript, renewed_at__lte=over).delete()
    lock, made = EditLock.objects.select_related("person").get_or_create(
        transcript=transcript, segment=index, defaults={"person": person}
    )
    if lock.person_id != person.pk:
        return name_of(lock.person)
    if not made:
        EditLock.objects.filter(pk=lock.pk).update(renewed_at=timezone.now())
    _tell(transcript, person, index, LOCK_SECONDS)
    return ""


@transaction.atomic
def release(transcript: Transcript, person: User, index: int) -> None:
    """The person has stopped typing there. Harmless when they did not."""
    if EditLock.objects.filter(transcript=transcript, segment=index, person=person).delete()[0]:
        _tell(transcript, person, index, 0)


def _tell(transcript: Transcript, person: User, index: int, seconds: float) -> None:
    text = events.editing(index, person.pk, name_of(person), seconds)
    transaction.on_commit(lambda: async_to_sync(send_editing)(transcript.pk, text, index, seconds))
