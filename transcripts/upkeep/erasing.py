"""Erasing: the rows go in one transaction that leaves a tombstone, then the files, then what the database's log holds.

Whatever deletes a transcript (a page, the admin, retention, the end of a team) passes through Django's deletion, and a
receiver there writes the tombstone: none of those paths can forget it. What a crash interrupts after the commit is
found by the tombstone and finished by the next round. Synchronous.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.db.models.signals import pre_delete
from django.utils.crypto import salted_hmac

from transcripts.jobs import kept, source
from transcripts.models import FINAL, AuditEntry, Erased, Erasure, Transcript, Why

logger = logging.getLogger(__name__)

#: Longest wait in ms for readers, before the write-ahead log is left to the next round.
CHECKPOINT_MS = 500
#: A database file up to so many bytes is rewritten by the rounds; that takes some seconds.
COMPACT_BYTES = 256 * 1024**2
#: Most unfinished erasures that one round takes.
ROUND_ROWS = 500


class Cause(NamedTuple):
    """Why a deletion happens and which person asked for it (a pseudonym, or empty)."""

    why: Why
    who: str


_BY_SOMEBODY = Cause(Why.DELETED, "")
_cause: ContextVar[Cause] = ContextVar("cause", default=_BY_SOMEBODY)


def pseudonym(user_id: object) -> str:
    """The same for the same person, and meaningless without the secret key: 16 hex digits."""
    return salted_hmac("sttweb.erasure", str(user_id), algorithm="sha256").hexdigest()[:16]


@contextmanager
def because(why: Why, who: str = "") -> Iterator[None]:
    """Deletions inside leave tombstones with this cause."""
    token = _cause.set(Cause(why, who))
    try:
        yield
    finally:
        _cause.reset(token)


def connect() -> None:
    """Leave a tombstone for every transcript that is deleted from now on, and a pseudonym for every person (called
    once, when the app is ready)."""
    pre_delete.connect(_leave_tombstone, sender=Transcript, dispatch_uid="erasing")
    pre_delete.connect(_leave_pseudonym, sender=User, dispatch_uid="erasing.person")


def _leave_pseudonym(sender: object, instance: User, **_: Any) -> None:
    AuditEntry.objects.pseudonymise(instance.pk, pseudonym(instance.pk))


def _leave_tombstone(sender: object, instance: Transcript, **_: Any) -> None:
    _tombstone(instance, Erased.ALL)


def _tombstone(row: Transcript, what: Erased) -> None:
    """Inside the transaction that removes: the tombstone, and after the commit the files."""
    cause = _cause.get()
    made = Erasure.objects.create(
        transcript=row.pk, team=row.team_id, what=what, why=cause.why, who=cause.who, media_key=row.media_key
    )
    transaction.on_commit(partial(_finish_quietly, made))


def erase_media(row: Transcript) -> bool:
    """Remove the recording of a transcript that has ended and keep its text; whether it still was as ``row`` says."""
    with transaction.atomic():
        same = Transcript.objects.filter(pk=row.pk, media_key=row.media_key, state__in=FINAL)
        if not same.update(media_key="", media_bytes=0, is_kept=False):
            return False
        _tombstone(row, Erased.MEDIA)
    return True


def _finish_quietly(made: Erasure) -> None:
    """At once what can be done at once; the rest, and whatever fails here, is for the next round."""
    try:
        remove_files(made)
        remember([made])
        checkpoint()
    except (DatabaseError, OSError) as error:
        logger.warning("erasing %s is left to the next round: %s", made.transcript, error)


def finish_pending(limit: int = ROUND_ROWS, *, compact: bool = False) -> int:
    """Finish what is left of earlier erasures; how many are finished now.

    1. Remove the files and put the ids on the list outside of the database.
    2. Rewrite the database file (`compact_now` says when), then empty its log.
    3. Say that it is done. Broken off anywhere, it can be begun again.

    ``compact`` rewrites a file of any size. Raises OSError when files resist and DatabaseError.
    """
    rows = list(Erasure.objects.filter(finished_at__isnull=True).order_by("id")[:limit])
    for row in rows:
        remove_files(row)
    if rows:
        remember(rows)
    if compact or (rows and compact_now()):
        rewrite()
    if not rows or not checkpoint():
        return 0
    done = Erasure.objects.filter(pk__in=[row.pk for row in rows], finished_at__isnull=True)
    return done.update(media_key="", finished_at=Now())


def compact_now() -> bool:
    """Whether the database file is small enough to be rewritten while everything runs: writers wait meanwhile.

    SQLite's secure_delete zeroes what is deleted, but not the copies that stay in a page when its rows were moved to
    another one before; only a rewritten file is surely without them (measured: 3 of 100 deletions left one).
    """
    if connection.vendor != "sqlite":
        return False
    path = Path(connection.settings_dict["NAME"])
    size, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if size > COMPACT_BYTES or free < 3 * size:
        logger.info("the database file is not rewritten by itself: %d bytes, %d free; see manage.py prune", size, free)
        return False
    return True


def rewrite() -> None:
    """Rewrite the database file (SQLite), or let PostgreSQL reuse what deleted rows took. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")


def remove_files(row: Erasure) -> None:
    """The recording, what was kept for listening, the fetched copy, and the title in both histories."""
    if row.media_key:
        source.media_store().delete(row.media_key)
    source.forget_spooled(row.transcript)
    kept.forget_kept(row.transcript)
    if row.what == Erased.ALL:
        kind = ContentType.objects.get_for_model(Transcript)
        told = LogEntry.objects.filter(content_type=kind, object_id=str(row.transcript))
        told.update(object_repr="(erased)", change_message="")
        AuditEntry.objects.forget_title(row.team, row.transcript)


def checkpoint() -> bool:
    """Empty SQLite's write-ahead log, which holds old pages; False while a reader or a transaction is in the way."""
    if connection.vendor != "sqlite":
        return True
    if connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={CHECKPOINT_MS}")
        try:
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout={round(settings.DATABASES['default']['OPTIONS']['timeout'] * 1000)}")
    return not busy


def remember(rows: Iterable[Erasure]) -> None:
    """Append to the list outside of the database, which a restore reads: one JSON object a line, ids and times only.

    What stands there already is not added again.
    """
    path = Path(settings.STTWEB_ERASURES_FILE)
    listed = set(recall(path)) if path.exists() else set()
    new = [row for row in rows if Remembered(row.transcript, Erased(row.what)) not in listed]
    lines = [json.dumps({"transcript": str(row.transcript), "what": row.what, "at": row.at.isoformat()}) for row in new]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with open(descriptor, "a", encoding="ascii") as file:
        file.write("".join(f"{line}\n" for line in lines))


class Remembered(NamedTuple):
    """A line of the list: what was erased."""

    transcript: UUID
    what: Erased


def recall(path: Path) -> Iterator[Remembered]:
    """The list in a file; lines that were cut off by a crash are passed over. Raises OSError."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            try:
                read = json.loads(line)
                yield Remembered(UUID(read["transcript"]), Erased(read["what"]))
            except (ValueError, KeyError, TypeError):
                logger.warning("a line of %s cannot be read and is passed over", path.name)


def replay(erased: Iterable[Remembered]) -> int:
    """Erase again what a restored backup brought back; how many rows changed.

    A transcript never comes back under its id by itself, so everything on the list that exists is a restored one.
    """
    count = 0
    with because(Why.REPLAYED):
        for entry in erased:
            row = Transcript.objects.filter(pk=entry.transcript).first()
            if row is not None:
                count += _again(row, entry.what)
    return count


def _again(row: Transcript, what: Erased) -> bool:
    if what == Erased.ALL:
        row.delete()
        return True
    return bool(row.media_key) and erase_media(row)
