"""Deleting for good what a person asked to delete, on a page, in the admin or by the API: one way for all of them.

The files go by the tombstone that the deletion leaves (`erasing`), after the commit and whatever resists then.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from transcripts import auditing, services
from transcripts.live.publish import ring_on_commit
from transcripts.models import Act, Transcript, Why
from transcripts.upkeep.erasing import because, erase_media, pseudonym


def delete(person: User, transcript: Transcript) -> None:
    """Delete it with its text, its log and its recording; boards and open pages are told."""
    key, team_id = transcript.pk, transcript.team_id
    with because(Why.DELETED, pseudonym(person.pk)), transaction.atomic():
        auditing.record(Act.DELETED, actor=person, team=team_id, target=transcript)
        services.delete(transcript)
        ring_on_commit(key, team_id, 0)


def delete_recording(person: User, transcript: Transcript) -> bool:
    """Delete the sound and keep the text; False for one that has not ended, or changed meanwhile."""
    with because(Why.DELETED, pseudonym(person.pk)), transaction.atomic():
        if not erase_media(transcript):
            return False
        auditing.record(Act.DELETED, actor=person, team=transcript.team_id, target=transcript, what="recording")
    return True
