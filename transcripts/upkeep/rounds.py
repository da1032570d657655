"""The upkeep that a worker does by itself, every few minutes: finish erasures, apply retention, remove strays and
uploads that nobody goes on with."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from django.conf import settings
from django.db import Error as DatabaseError

from transcripts import sharedcache, submitting, throttling, uploading
from transcripts.jobs import backoff
from transcripts.jobs.threads import DatabaseThread
from transcripts.upkeep import erasing, reconcile, retention
from transcripts.webhooks import queueing

logger = logging.getLogger(__name__)

#: Strays are looked for once a day and process: that reads every name in the media folder.
STRAYS_SECONDS = 24 * 3600.0


class Keeper:
    """Remembers when it last looked for strays. Safe to run in any number of processes at once."""

    def __init__(self) -> None:
        self._strays_at = time.monotonic()

    def work(self) -> None:
        """One round. Blocks on the database and the disk; logs what it could not do and never raises for that."""
        try:
            pruned, finished = retention.prune(), erasing.finish_pending()
            queueing.forget_old()
            strays, stale = self._sweep(), uploading.sweep()
            retention.expire_audit()
            throttling.sweep()
            sharedcache.sweep()
            submitting.forget_keys()
        except (DatabaseError, OSError) as error:
            logger.warning("the upkeep is left to the next round: %s", error)
            return
        if pruned or finished or strays or stale:
            done = (pruned, finished, strays, stale)
            logger.info("upkeep: %d erased by retention, %d erasures finished, %d strays, %d stale uploads", *done)

    def _sweep(self) -> int:
        """Remove files that nobody knows; rows are never touched without being asked (`manage.py fsck --repair`)."""
        if time.monotonic() - self._strays_at < STRAYS_SECONDS:
            return 0
        self._strays_at = time.monotonic()
        count = 0
        for stray in reconcile.files_without_row():
            assert stray.mend is not None
            with suppress(FileNotFoundError):
                stray.mend()
                count += 1
        return count


async def keep_up() -> None:
    """Work every STTWEB_UPKEEP_SECONDS until cancelled; the first time after a random part of it, so that processes
    that start together do not come together."""
    database, keeper = DatabaseThread("upkeep"), Keeper()
    pause = backoff.delay(60, cap=min(60.0, settings.STTWEB_UPKEEP_SECONDS))
    try:
        while True:
            await asyncio.sleep(pause)
            await database(keeper.work)
            pause = settings.STTWEB_UPKEEP_SECONDS
    finally:
        database.close()
