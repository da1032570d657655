"""The one way to write to a transcript's log: checks the fence, allocates numbers, appends, in one transaction.

The first statement of the transaction is the compare-and-set that takes the row's lock, so on SQLite and PostgreSQL
alike a holder whose claim was taken over writes nothing (security_reliability.md B3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from transcripts.models.event import Event, EventKind
from transcripts.models.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to append. ``payload`` must be JSON-safe."""

    kind: EventKind
    payload: Mapping[str, Any] = field(default_factory=dict)


class Fenced(Exception):
    """The row is not what the writer believed: another holder, another state or another offset. Nothing was written."""


def hold(transcript_id: UUID) -> None:
    """Take the lock of the row that `append` takes, early: who corrects, flags and approves go one after the other.

    Inside a transaction; raises Transcript.DoesNotExist.
    """
    Transcript.objects.select_for_update().only("pk").get(pk=transcript_id)


def append(
    transcript_id: UUID,
    entries: Sequence[Entry],
    *,
    when: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    epoch: int = 0,
) -> int:
    """Append ``entries`` and apply ``changes`` to the row if it still matches ``when``; return the last number.

    ``when`` holds field lookups such as ``{"epoch": 3, "committed_samples": 16000}``; ``changes`` field values or
    expressions. Raises Fenced when no row matches. Must not be called with entries of another transcript.
    """
    with transaction.atomic():
        updated = Transcript.objects.filter(pk=transcript_id, **when).update(
            last_seq=F("last_seq") + len(entries), **(changes or {})
        )
        if updated != 1:
            raise Fenced(f"transcript {transcript_id} no longer matches {dict(when)}")
        last: int = Transcript.objects.values_list("last_seq", flat=True).get(pk=transcript_id)
        first = last - len(entries) + 1
        Event.objects.bulk_create(
            Event(transcript_id=transcript_id, seq=first + place, epoch=epoch, kind=entry.kind, payload=entry.payload)
            for place, entry in enumerate(entries)
        )
    return last
