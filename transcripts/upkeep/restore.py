"""A backup back: everything is read and compared first, then put in its place, then brought up to the present.

The present means: tables of this version, nothing that was erased since, and no worker that thinks it holds a job.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from transcripts.models import ACTIVE, Erased, Erasure, EventKind, State, Transcript, Worker
from transcripts.models.log import Entry, append
from transcripts.upkeep import archive, databases, erasing
from transcripts.upkeep.backup import SECRETS
from transcripts.upkeep.errors import ArchiveError, NotEmpty
from transcripts.upkeep.folders import entries, pages

#: A worker heard of within this time is at work.
ALIVE = timedelta(seconds=30)
_RESTORED = {
    "code": "restored",
    "message": "Restored from a backup; the work goes on after the last committed word.",
}


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: the manifest, how many erasures were repeated, how many transcripts go on."""

    manifest: dict[str, Any]
    erased: int
    resumed: int


def load(path: Path, *, force: bool = False, erasures: Iterable[Path] = ()) -> Restored:
    """Restore the backup at ``path``. ``erasures`` are lists of what was erased since (besides the one in place).

    Raises ArchiveError and NotEmpty before anything is changed, DumpError and OSError in between. ``force`` replaces
    what is there; then what its own tombstones name is erased again as well.
    """
    _require_room(force=force)
    var = Path(settings.STTWEB_VAR)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=var) as name:
        folder = Path(name)
        with path.open("rb") as file:
            manifest = archive.unpack(file, folder)
        copy = _require_fit(manifest, folder)
        listed = [*_erased_here(), *chain.from_iterable(erasing.recall(place) for place in _lists(erasures))]
        databases.copy_in(copy)
        call_command("migrate", verbosity=0, interactive=False)
        _place_files(folder)
    erased = erasing.replay(listed)
    erasing.finish_pending()
    return Restored(manifest, erased, _resume())


def _require_room(*, force: bool) -> None:
    """Nothing is there, or it may go; and nobody is at work in it."""
    if not databases.is_empty():
        if not force:
            step = "Restore into an empty STTWEB_VAR and database, or add --force to replace everything."
            raise NotEmpty("target_not_empty", "There are people, teams or transcripts in this installation.", step)
        tables = connection.introspection.table_names()
        if Worker._meta.db_table in tables and Worker.objects.filter(heartbeat_at__gt=Now() - ALIVE).exists():
            raise NotEmpty("workers_running", "Workers are running here.", "Stop them and the web processes first.")
    elif not force and next(_files_below(Path(settings.STTWEB_MEDIA_DIR)), None) is not None:
        raise NotEmpty("target_not_empty", "There are recordings in the media folder.", "Empty it, or add --force.")


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _require_fit(manifest: dict[str, Any], folder: Path) -> Path:
    """The backup's database, if it is of the kind that is configured here and not of a newer version."""
    copy = folder / databases.FILES.get(connection.vendor, "none")
    if manifest.get("database") != connection.vendor or not copy.is_file():
        kind = manifest.get("database")
        step = "Set DATABASE_URL to a database of that kind." if kind == "postgresql" else "Leave DATABASE_URL out."
        raise ArchiveError(
            "other_database", f"The backup is of {kind}, this installation of {connection.vendor}.", step
        )
    databases.require_known(manifest.get("migrations", []))
    return copy


def _erased_here() -> list[erasing.Remembered]:
    """The tombstones of the installation that is about to be replaced."""
    if Erasure._meta.db_table not in connection.introspection.table_names():
        return []
    return [erasing.Remembered(row.transcript, Erased(row.what)) for row in Erasure.objects.order_by("id")]


def _lists(given: Iterable[Path]) -> list[Path]:
    own = Path(settings.STTWEB_ERASURES_FILE)
    return [*given, *([own] if own.exists() else [])]


def _place_files(folder: Path) -> None:
    """Recordings, fetched files and perhaps the secret and master keys, in the place of those that were there."""
    for name, target in (("media", settings.STTWEB_MEDIA_DIR), ("spool", settings.STTWEB_SPOOL_DIR)):
        place = Path(target)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for entry in entries(place):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else Path(entry.path).unlink()
        for entry in entries(folder / name):
            shutil.move(entry.path, place / entry.name)
    for key in (folder / name for name in SECRETS):
        if key.exists():
            shutil.move(key, Path(settings.STTWEB_VAR) / key.name)


def _resume() -> int:
    """Whoever held a job in the backup holds it no more: the work goes on from the queue, under a new epoch."""
    Worker.objects.all().delete()
    count = 0
    for row in pages(Transcript.objects.filter(state__in=ACTIVE)):
        after = State.CANCELLED if row.state == State.CANCELLING else State.QUEUED
        details = {} if after == State.CANCELLED else _RESTORED
        changes: dict[str, Any] = {"state": after, "epoch": F("epoch") + 1, "worker": "", "lease_until": None}
        changes |= {"crash_claims": 0, **({"finished_at": Now()} if after == State.CANCELLED else {})}
        append(row.pk, [Entry(EventKind.STATE, {"state": after.value, **details})], when={}, changes=changes)
        count += 1
    return count
