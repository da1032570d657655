"""Searches what the sessions write for flags, beside them: a look at the tables every few seconds, on a database thread
of its own, so that no session ever waits for it.

Any number of processes may do it at once (`reviewing.scanning`); what none of them did is done when a page opens.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db.models import F, Q
from django.utils import timezone

from transcripts.jobs import backoff
from transcripts.jobs.threads import DatabaseThread
from transcripts.models import ACTIVE, FINAL, Transcript
from transcripts.reviewing.scanning import scan

logger = logging.getLogger(__name__)

#: A look every so many seconds; a running one is searched after so many new passages, an ended one at once.
LOOK_SECONDS, NEW_PASSAGES = 5.0, 10
#: What ended longer ago is searched when somebody opens it; so many in one look.
LATELY, MOST_AT_ONCE = timedelta(hours=6), 50


def work() -> int:
    """One look; return how many flags are new. Raises what the database raises."""
    return sum(scan(transcript) for transcript in due())


def due() -> list[Transcript]:
    """What has enough new text to be searched."""
    never = Q(scan=None)
    grown = Q(state__in=ACTIVE) & (
        Q(segment_count__gte=F("scan__segments") + NEW_PASSAGES) | never & Q(segment_count__gte=NEW_PASSAGES)
    )
    ended = Q(state__in=FINAL, finished_at__gt=timezone.now() - LATELY) & (Q(scan__is_settled=False) | never)
    return [*Transcript.objects.filter(grown)[:MOST_AT_ONCE], *Transcript.objects.filter(ended)[:MOST_AT_ONCE]]


async def keep_scanning() -> None:
    """Look until cancelled. A database that is away is asked again at the next look."""
    database, pause = DatabaseThread("scanner"), backoff.delay(3, cap=LOOK_SECONDS)
    try:
        while True:
            await asyncio.sleep(pause)
            pause = LOOK_SECONDS
            try:
                await database(work)
            except (DatabaseError, OSError) as error:
                logger.warning("the search for flags is left to the next look: %s", error)
    finally:
        database.close()
