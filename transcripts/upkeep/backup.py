"""A backup: the database of one moment, then the recordings that it knows, then the manifest. Everything may run on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from sttweb.observe import version
from transcripts.jobs import kept, source
from transcripts.models import FINAL, Transcript
from transcripts.upkeep import archive, databases
from transcripts.upkeep.folders import pages

#: Files of the spool that a session which goes on can use.
SPOOLED = ("source.media", "source.json")

#: Files of the state folder that a backup holds only when it is asked to: what signs, and what opens sealed columns.
SECRETS = ("secret_key", "master_keys")


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup: where, how large in bytes, how many recordings, and those whose file was not there."""

    path: Path
    size: int
    files: int
    missing: int


def make(target: Path, *, with_secrets: bool = False) -> Made:
    """Write a backup to ``target``, or under a name with the time when it is a folder; the file appears when whole.

    ``with_secrets`` adds the secret key, which signs what people's browsers hold, and the master keys, which open
    what is sealed in the database. Raises DumpError and OSError.
    """
    path = target / f"sttweb-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar" if target.is_dir() else target
    part = path.with_name(f"{path.name}.part")
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.STTWEB_VAR) as folder:
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as out:
                files, missing = _write(archive.Writer(out), Path(folder), with_secrets=with_secrets)
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, path)
        finally:
            with suppress(FileNotFoundError):
                part.unlink()
    return Made(path, path.stat().st_size, files, missing)


def _write(writer: archive.Writer, folder: Path, *, with_secrets: bool) -> tuple[int, int]:
    began = datetime.now(UTC)
    migrations = databases.applied_migrations()
    copy = databases.copy_out(folder)
    # Recordings that were stored by now; later ones belong to no row of the copy.
    mark = datetime.now(UTC)
    writer.add(copy.name, copy)
    copy.unlink()
    if with_secrets:
        for name in SECRETS:
            writer.add(name, Path(settings.STTWEB_VAR) / name)
    missing = [name for name, path in _recordings(mark) if not writer.add(name, path)]
    files = len(writer.files)
    writer.close(
        {
            "began_at": began.isoformat(),
            "made_at": mark.isoformat(),
            "version": version(),
            "database": connection.vendor,
            "migrations": migrations,
            "missing": missing,
        }
    )
    return files, len(missing)


def _recordings(mark: datetime) -> Iterator[tuple[str, Path]]:
    """What to keep beside the database: uploads, what is kept for listening, and fetched files that unfinished work
    goes on with."""
    rows = Transcript.objects.filter(created_at__lte=mark).only("pk", "media_key", "state", "is_kept")
    for row in pages(rows):
        if row.is_kept:
            yield from _kept(row)
        if row.media_key:
            yield f"media/{row.media_key}", Path(settings.STTWEB_MEDIA_DIR) / row.media_key
        elif row.state not in FINAL:
            yield from _spooled(row)


def _kept(row: Transcript) -> Iterator[tuple[str, Path]]:
    """What is there for listening; of one that goes on meanwhile, what is there now."""
    found = kept.kept_files(row.pk)
    yield from ((f"media/kept/{row.pk}/{path.name}", path) for path in (found.sound, found.peaks) if path)


def _spooled(row: Transcript) -> Iterator[tuple[str, Path]]:
    folder = source.spool_dir(row.pk)
    if all((folder / name).is_file() for name in SPOOLED):
        yield from ((f"spool/{row.pk}/{name}", folder / name) for name in SPOOLED)
