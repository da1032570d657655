"""What an operator does to saved transcripts: each is one transaction and stands in the audit record."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from transcripts import auditing, services
from transcripts.admin.actions import Deed
from transcripts.models import Act, IllegalTransition, State, Transcript
from transcripts.reviewing import flow
from transcripts.upkeep import deleting


@transaction.atomic
def retry(transcript: Transcript, person: User, _reason: str = "") -> None:
    """Queue it again. Raises IllegalTransition."""
    services.retry(transcript)
    auditing.record(Act.RETRIED, actor=person, team=transcript.team_id, target=transcript)


@transaction.atomic
def cancel(transcript: Transcript, person: User, _reason: str = "") -> None:
    """End it now. Raises IllegalTransition."""
    services.cancel(transcript)
    auditing.record(Act.CANCELLED, actor=person, team=transcript.team_id, target=transcript)


def approve(transcript: Transcript, person: User, _reason: str = "") -> None:
    """Make the text read-only. Raises ReviewError."""
    flow.approve(transcript, person)


def send_back(transcript: Transcript, person: User, reason: str) -> None:
    """Return it to its editor. Raises ReviewError."""
    flow.send_back(transcript, person, reason)


def reopen(transcript: Transcript, person: User, reason: str) -> None:
    """Make an approved text editable again. Raises ReviewError."""
    flow.reopen(transcript, person, reason)


def erase_recording(transcript: Transcript, person: User, _reason: str = "") -> None:
    """Remove the sound and keep the text. Raises IllegalTransition for one that has not ended or has no sound."""
    if not (transcript.media_key or transcript.is_kept) or not deleting.delete_recording(person, transcript):
        raise IllegalTransition(State(transcript.state), State(transcript.state))


def erase(transcript: Transcript, person: User, _reason: str = "") -> None:
    """Delete it with its text, its log and its recording."""
    deleting.delete(person, transcript)


APPROVE = Deed("approve", _("Approve these transcripts? Their text becomes read-only and is stamped."), approve)
SEND_BACK = Deed("send_back", _("Return these transcripts to their editors?"), send_back, wants_reason=True)
REOPEN = Deed("reopen", _("Reopen these approved transcripts?"), reopen, wants_reason=True)
RETRY = Deed("retry", _("Queue these transcripts again? Each goes on after its last committed word."), retry)
CANCEL = Deed("cancel", _("Cancel these transcripts? Their text so far stays."), cancel)
ERASE = Deed("erase", _("Erase these transcripts for good, with text, log and recording?"), erase)
ERASE_RECORDING = Deed(
    "erase_recording",
    _("Erase the recordings of these transcripts for good? Their text stays."),
    erase_recording,
    unfit=_("it has not ended, or has no recording"),
)
