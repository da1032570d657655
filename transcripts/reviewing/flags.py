"""Flags raised and answered by people, and kept in step with corrections. Each verb is one transaction and is logged.

Callers have been through `access.py` (Right.EDIT).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from transcripts.jobs.clean import clean_line
from transcripts.live.publish import ring_on_commit
from transcripts.models import (
    EventKind,
    Flag,
    FlagKind,
    FlagState,
    Review,
    ReviewState,
    Scan,
    Transcript,
)
from transcripts.models.flag import WEIGHTS
from transcripts.models.log import Entry, append, hold
from transcripts.reviewing.errors import Conflict, Locked
from transcripts.reviewing.people import name_of

#: Longest note of a person's flag, in characters; most flags that one event tells of.
LONGEST_NOTE, AT_ONCE = 200, 200
#: What a person has settled who read the passage and found it right, or corrected it.
ANSWERED_BY_CHECK = frozenset(FlagKind) - {FlagKind.GAP, FlagKind.PERSON}
ANSWERED_BY_EDIT = frozenset({FlagKind.CONFIDENCE})


@transaction.atomic
def raise_flag(transcript: Transcript, person: User, index: int, note: str = "") -> Flag:
    """Ask others to look at a segment (the ``x`` key). One that stands there already is opened again.

    Raises Conflict when the segment was merged away, Locked when the transcript is approved.
    """
    _open_for_answers(transcript)
    segment = transcript.segments.filter(index=index).only("index", "start_ms", "end_ms").first()
    if segment is None:
        raise Conflict(None)
    values = _values(person, FlagState.OPEN)
    values |= {"segment": index, "end_ms": segment.end_ms, "details": _note(note)}
    flag, _made = Flag.objects.update_or_create(
        transcript=transcript, kind=FlagKind.PERSON, start_ms=segment.start_ms, defaults=values
    )
    _tell(transcript, [flag], name_of(person))
    return flag


def resolve(transcript: Transcript, person: User, flag_id: int) -> Flag:
    """What was flagged is mended. Raises Locked, Flag.DoesNotExist."""
    return _answer(transcript, person, flag_id, FlagState.RESOLVED)


def dismiss(transcript: Transcript, person: User, flag_id: int) -> Flag:
    """There was nothing wrong. Raises Locked, Flag.DoesNotExist."""
    return _answer(transcript, person, flag_id, FlagState.DISMISSED)


def reopen(transcript: Transcript, person: User, flag_id: int) -> Flag:
    """Take an answer back. Raises Locked, Flag.DoesNotExist."""
    return _answer(transcript, person, flag_id, FlagState.OPEN)


def corrected(transcript: Transcript, person: User, segments: Collection[int]) -> None:
    """Somebody gave these segments another text: nobody has to look at their unsure words any more."""
    _settle(transcript, person, segments, ANSWERED_BY_EDIT)


def checked(transcript: Transcript, person: User, segment: int) -> None:
    """Somebody read this segment and found it right as it stands."""
    _settle(transcript, person, [segment], ANSWERED_BY_CHECK)


def swallowed(transcript: Transcript, gone: Collection[int], by: int) -> None:
    """These segments are part of another one now, and so are their flags."""
    Flag.objects.filter(transcript=transcript, segment__in=gone).update(segment=by)


def told(flags: Sequence[Flag]) -> list[dict[str, Any]]:
    """Flags as the log and open pages have them."""
    return [
        {
            "id": flag.pk,
            "kind": flag.kind,
            "state": flag.state,
            "segment": flag.segment,
            "start_ms": flag.start_ms,
            "end_ms": flag.end_ms,
            "score": flag.score,
            "details": flag.details,
        }
        for flag in flags
    ]


def announce(transcript: Transcript, flags: Sequence[Flag], by: str = "") -> None:
    """Log flags that are new or were answered, and tell open pages after the commit. Inside a transaction."""
    entries = [
        Entry(EventKind.FLAG, {"flags": told(flags[at : at + AT_ONCE]), **({"by": by} if by else {})})
        for at in range(0, len(flags), AT_ONCE)
    ]
    if entries:
        ring_on_commit(transcript.pk, transcript.team_id, append(transcript.pk, entries, when={}))


def tally(transcript: Transcript) -> None:
    """Count the open flags of a transcript for the queue. Inside the transaction that changed them."""
    rows = Flag.objects.left().filter(transcript=transcript).order_by().values("kind")
    kinds = list(rows.annotate(number=Count("id"), scores=Sum("score")))
    weight = sum(WEIGHTS[FlagKind(kind["kind"])] * kind["scores"] for kind in kinds)
    values = {"flags_left": sum(kind["number"] for kind in kinds), "weight": round(weight, 3)}
    Scan.objects.update_or_create(transcript=transcript, defaults=values)


@transaction.atomic
def _answer(transcript: Transcript, person: User, flag_id: int, state: FlagState) -> Flag:
    _open_for_answers(transcript)
    flag = Flag.objects.get(transcript=transcript, pk=flag_id)
    if flag.state == state:
        return flag
    for name, value in _values(person, state).items():
        setattr(flag, name, value)
    flag.save()
    _tell(transcript, [flag], name_of(person))
    return flag


@transaction.atomic
def _settle(transcript: Transcript, person: User, segments: Collection[int], kinds: Collection[FlagKind]) -> None:
    flags = list(Flag.objects.left().filter(transcript=transcript, segment__in=segments, kind__in=kinds))
    if not flags:
        return
    values = _values(person, FlagState.RESOLVED)
    Flag.objects.filter(pk__in=[flag.pk for flag in flags]).update(**values)
    for flag in flags:
        flag.state = FlagState.RESOLVED
    _tell(transcript, flags, name_of(person))


def _tell(transcript: Transcript, flags: Sequence[Flag], by: str) -> None:
    tally(transcript)
    announce(transcript, flags, by)


def _values(person: User, state: FlagState) -> dict[str, Any]:
    return {"state": state, "by": person, "by_name": name_of(person), "at": timezone.now()}


def _note(note: str) -> dict[str, str]:
    note = clean_line(note, LONGEST_NOTE)
    return {"note": note} if note else {}


def _open_for_answers(transcript: Transcript) -> None:
    """Take the row's lock, as every change of a transcript does first. Raises Locked for an approved one."""
    hold(transcript.pk)
    if Review.objects.filter(transcript=transcript, state=ReviewState.APPROVED).exists():
        raise Locked
