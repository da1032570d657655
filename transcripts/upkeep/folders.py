"""Walking folders and tables a few names at a time, however many there are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Model, QuerySet

from transcripts.jobs.kept import kept_root

T = TypeVar("T")
M = TypeVar("M", bound=Model)

#: Names looked up in the database at once.
BATCH = 500
_SHARD = re.compile(r"[0-9a-f]{2}")


class Kept(NamedTuple):
    """A file of the media folder: its key (``shard/name``), size in bytes and time of its last change (epoch s)."""

    key: str
    path: Path
    size: int
    changed: float


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What is in ``folder``; nothing when it is not there."""
    try:
        with os.scandir(folder) as found:
            yield from found
    except FileNotFoundError:
        return


def kept_files() -> Iterator[Kept]:
    """Every file of the media folder, also those under names that are no key."""
    for shard in entries(Path(settings.STTWEB_MEDIA_DIR)):
        if not _SHARD.fullmatch(shard.name) or not shard.is_dir(follow_symlinks=False):
            continue
        for entry in entries(Path(shard.path)):
            if entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                yield Kept(f"{shard.name}/{entry.name}", Path(entry.path), status.st_size, status.st_mtime)


def spooled_ids() -> Iterator[UUID]:
    """The transcripts that have a folder in the spool."""
    for entry in entries(Path(settings.STTWEB_SPOOL_DIR)):
        try:
            yield UUID(entry.name)
        except ValueError:
            continue


def kept_ids() -> Iterator[UUID]:
    """The transcripts of which something is kept for listening."""
    for entry in entries(kept_root()):
        try:
            yield UUID(entry.name)
        except ValueError:
            continue


def pages(rows: QuerySet[M]) -> Iterator[M]:
    """``rows`` in the order of their keys, a page at a time: no cursor stays open while the caller works, which would
    keep SQLite from emptying its log and PostgreSQL from cleaning up."""
    last: object = None
    while True:
        page = list((rows if last is None else rows.filter(pk__gt=last)).order_by("pk")[:BATCH])
        yield from page
        if len(page) < BATCH:
            return
        last = page[-1].pk
