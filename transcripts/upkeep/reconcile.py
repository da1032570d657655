"""Finds what does not belong together: rows without their file, files without a row, logs with holes.

Files younger than a day are left alone when they have no row, because an upload is stored before its row is written.
Synchronous; memory does not grow with the installation.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Max, Q

from transcripts.jobs import kept, source
from transcripts.models import FINAL, Erased, Erasure, Event, EventKind, How, State, Transcript, Upload, Why
from transcripts.models.segment import FIRST_SPLIT
from transcripts.upkeep.erasing import because
from transcripts.upkeep.folders import Kept, batches, entries, kept_files, kept_ids, pages, spooled_ids

#: A file without a row may belong to a request that is still under way.
YOUNG_SECONDS = 24 * 3600.0
#: Nothing is fetched again for these.
DONE = frozenset({State.COMPLETED, State.COMPLETED_WITH_GAPS})


@dataclass(frozen=True, slots=True)
class Stray:
    """One thing that does not fit: ``code``, the transcript or file it is about, and how to mend it (None: by hand)."""

    code: str
    about: str
    mend: Callable[[], object] | None = None


def find(*, hashes: bool = False, young_seconds: float = YOUNG_SECONDS) -> Iterator[Stray]:
    """Everything that does not fit. ``hashes`` also reads every recording and compares it with its row."""
    yield from rows_that_were_erased()
    yield from rows_without_file(hashes=hashes)
    yield from logs_with_holes()
    yield from files_without_row(young_seconds)


def files_without_row(young_seconds: float = YOUNG_SECONDS) -> Iterator[Stray]:
    """Recordings, fetched files and half uploads that nobody knows (any more), if they are old enough."""
    before = time.time() - young_seconds
    for batch in batches(kept_files()):
        yield from _unknown_recordings(batch, before)
    for ids in batches(spooled_ids()):
        yield from _unknown_spools(ids, before)
    for ids in batches(kept_ids()):
        yield from _unknown_kept(ids, before)
    for entry in entries(Path(settings.FILE_UPLOAD_TEMP_DIR)):
        if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < before:
            yield Stray("half_upload", entry.name, Path(entry.path).unlink)


def _unknown_recordings(batch: list[Kept], before: float) -> Iterator[Stray]:
    keys = [file.key for file in batch]
    known = set(Transcript.objects.filter(media_key__in=keys).values_list("media_key", flat=True))
    known |= _on_their_way(keys)
    for file in batch:
        if file.key not in known and file.changed < before:
            yield Stray("file_without_row", file.key, file.path.unlink)


def _on_their_way(keys: list[str]) -> set[str]:
    """Those of ``keys`` that belong to an upload on its way: its growing file, or its whole one just before its row."""
    plain = [key.removesuffix(".part") for key in keys]
    found = Upload.objects.filter(media_key__in=plain, transcript=None).values_list("media_key", flat=True)
    return {name for key in found for name in (key, f"{key}.part")}


def _unknown_spools(ids: list[UUID], before: float) -> Iterator[Stray]:
    rows = dict(Transcript.objects.filter(pk__in=ids).values_list("pk", "state"))
    for transcript_id in ids:
        folder = source.spool_dir(transcript_id)
        with suppress(FileNotFoundError):
            needed = transcript_id in rows and (rows[transcript_id] not in DONE or not _only_source(folder))
            if not needed and folder.stat().st_mtime < before:
                yield Stray("spool_without_row", str(transcript_id), partial(shutil.rmtree, folder))


def _unknown_kept(ids: list[UUID], before: float) -> Iterator[Stray]:
    """What is kept of a transcript that is not there, or whose recording was erased."""
    rows = dict(Transcript.objects.filter(pk__in=ids).values_list("pk", "is_kept"))
    for transcript_id in ids:
        with suppress(FileNotFoundError):
            if not rows.get(transcript_id) and kept.kept_dir(transcript_id).stat().st_mtime < before:
                yield Stray("kept_without_row", str(transcript_id), partial(kept.forget_kept, transcript_id))


def _only_source(folder: Path) -> bool:
    """Nothing but the fetched file, which a transcript that is done needs no more."""
    return all(entry.name.startswith("source.") for entry in entries(folder))


def rows_without_file(*, hashes: bool = False) -> Iterator[Stray]:
    """Rows whose recording is gone, has another size or (with ``hashes``) other bytes than when it was stored."""
    root = Path(settings.STTWEB_MEDIA_DIR)
    rows = Transcript.objects.exclude(media_key="").only("media_key", "media_bytes", "media_sha256", "state")
    for row in pages(rows):
        path = root / row.media_key
        if not path.is_file():
            yield Stray("row_without_file", str(row.pk), _forgetting_file(row))
        elif row.media_bytes and path.stat().st_size != row.media_bytes:
            yield Stray("file_of_another_size", str(row.pk))
        elif hashes and row.media_sha256 and _sha256(path) != row.media_sha256:
            yield Stray("file_of_another_content", str(row.pk))


def _forgetting_file(row: Transcript) -> Callable[[], object] | None:
    """One that has ended goes on without a recording; one at work says so itself when it is claimed."""
    if row.state not in FINAL:
        return None
    same = Transcript.objects.filter(pk=row.pk, media_key=row.media_key, state__in=FINAL)
    return lambda: same.update(media_key="", media_bytes=0)


def rows_that_were_erased() -> Iterator[Stray]:
    """Transcripts that are back although a tombstone says that they were erased (a restored table, for instance)."""
    stones = (stone.transcript for stone in pages(Erasure.objects.filter(what=Erased.ALL)))
    for ids in batches(stones):
        for row in Transcript.objects.filter(pk__in=ids):
            yield Stray("erased_but_there", str(row.pk), partial(_erase, row))


def _erase(row: Transcript) -> None:
    with because(Why.REPLAYED):
        row.delete()


def logs_with_holes() -> Iterator[Stray]:
    """Logs whose numbers are not 1, 2, 3 … up to the row's last, and segments that are not as many as the row says:
    those that were heard, whatever people have split and merged since.

    What is at work is left out: it may be written to between two of the questions.
    """
    rows = pages(Transcript.objects.filter(state__in=FINAL).only("pk", "last_seq", "segment_count"))
    for batch in batches(rows, 100):
        ids = [row.pk for row in batch]
        counted = Event.objects.filter(transcript__in=ids).order_by().values("transcript")
        numbers = {row["transcript"]: row for row in counted.annotate(number=Count("pk"), last=Max("seq"))}
        texts = Transcript.objects.filter(pk__in=ids).order_by()
        heard = Count("segments", filter=Q(segments__index__lt=FIRST_SPLIT))
        segments = dict(texts.annotate(n=heard).values_list("pk", "n"))
        for row in batch:
            found = numbers.get(row.pk, {"number": 0, "last": 0})
            if (found["number"], found["last"]) != (row.last_seq, row.last_seq):
                yield Stray("log_with_holes", str(row.pk))
            there = segments.get(row.pk, row.segment_count)
            if there != row.segment_count and there + _merged_away(row) != row.segment_count:
                yield Stray("segments_missing", str(row.pk))


def _merged_away(row: Transcript) -> int:
    """How many of the segments that were heard people have merged into others, as the log says."""
    told = row.events.filter(kind=EventKind.REVISE, payload__how=How.MERGE).values_list("payload", flat=True)
    return len({index for payload in told for index in payload.get("gone", ()) if index < FIRST_SPLIT})


def unfinished_erasures() -> int:
    """Erasures whose files or write-ahead log are still to be done."""
    return Erasure.objects.filter(Q(finished_at__isnull=True)).count()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
