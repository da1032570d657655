"""Retention: what the teams no longer want to keep is erased, some days after a transcript has ended.

Only transcripts that have ended are looked at, and each is checked again in the transaction that erases it: one that
was started again meanwhile stays. Days are counted by the database's clock. Synchronous.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from transcripts.live.publish import ring_on_commit
from transcripts.models import FINAL, AuditEntry, Erased, Team, Transcript, Why
from transcripts.upkeep.erasing import because, erase_media
from transcripts.upkeep.folders import batches, spooled_ids

#: Most transcripts that one round erases, so that it ends soon.
ROUND_ROWS = 200


@dataclass(frozen=True, slots=True)
class Due:
    """What retention asks for: the whole transcript, or only its recording."""

    transcript: Transcript
    what: Erased


def due(limit: int = ROUND_ROWS) -> Iterator[Due]:
    """At most ``limit`` transcripts of each team and kind that are past what their team keeps, the oldest first."""
    for team in Team.objects.filter(Q(keep_text_days__isnull=False) | Q(keep_media_days__isnull=False)):
        if team.keep_text_days is not None:
            yield from (Due(row, Erased.ALL) for row in _ended(team.pk, team.keep_text_days)[:limit])
        if team.keep_media_days is not None:
            yield from _due_media(team.pk, team.keep_media_days, limit)


def _due_media(team_id: UUID, days: int, limit: int) -> Iterator[Due]:
    ended = _ended(team_id, days)
    yield from (Due(row, Erased.MEDIA) for row in ended.exclude(media_key="", is_kept=False)[:limit])
    # A fetched file is kept where the work did not come to its end, because a retry would use it.
    for ids in batches(spooled_ids()):
        yield from (Due(row, Erased.MEDIA) for row in ended.filter(media_key="", is_kept=False, pk__in=ids))


def _ended(team_id: UUID, days: int) -> QuerySet[Transcript]:
    before = ExpressionWrapper(Now() - timedelta(days=days), output_field=DateTimeField())
    rows = Transcript.objects.filter(team=team_id, state__in=FINAL, finished_at__lt=before)
    return rows.order_by("finished_at")


class Past(NamedTuple):
    """How many transcripts, and how many recordings of others, are past what a team wants to keep."""

    transcripts: int
    recordings: int


def past(team_id: UUID, media_days: int | None, text_days: int | None) -> Past:
    """What the next rounds would erase if the team kept so many days (None: for ever)."""
    gone = _ended(team_id, text_days) if text_days is not None else Transcript.objects.none()
    if media_days is None:
        return Past(gone.count(), 0)
    kept = _ended(team_id, media_days).exclude(media_key="", is_kept=False)
    recordings = kept.exclude(pk__in=gone.order_by().values("pk"))
    return Past(gone.count(), recordings.count())


def prune(limit: int = ROUND_ROWS) -> int:
    """Erase what is due; how many transcripts changed. What is at work, or was begun again, is left alone."""
    count = 0
    with because(Why.RETENTION):
        for item in due(limit):
            count += erase_media(item.transcript) if item.what == Erased.MEDIA else _erase(item.transcript)
    return count


def _erase(row: Transcript) -> bool:
    with transaction.atomic():
        same = Transcript.objects.select_for_update().filter(
            pk=row.pk, state__in=FINAL, finished_at=row.finished_at, last_seq=row.last_seq
        )
        found = same.first()
        if found is None:
            return False
        ring_on_commit(found.pk, found.team_id, 0)
        found.delete()
    return True


def expire_audit() -> int:
    """Forget audit entries that are older than STTWEB_AUDIT_DAYS; how many."""
    days = settings.STTWEB_AUDIT_DAYS
    return AuditEntry.objects.expire(timezone.now() - timedelta(days=days)) if days > 0 else 0
