"""Parts as they come, the whole file at the end, and what is given up on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts import services
from transcripts.jobs.source import upload_parts
from transcripts.media.errors import MediaError, NotMedia, StorageError
from transcripts.media.parts import LOCK_SECONDS, PART_BYTES, Half, Proof
from transcripts.media.sniff import SNIFF_BYTES
from transcripts.media.storage import Stored
from transcripts.models import Engine, SourceKind, Team, Transcript, Upload
from transcripts.titling import title_of_file
from transcripts.uploading.rows import Gone, Refused, expiry, on_their_way, said

#: Most stale uploads that one round of the upkeep removes.
ROUND_ROWS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes for one place: ``offset``, their SHA-256 in hex, and the pieces as they are read."""

    offset: int
    sha256: str
    pieces: Iterable[bytes]


def take(upload: Upload, part: Part) -> int:
    """Take a part and return how many bytes are here now. The same part twice is taken once.

    Raises Gone, or Refused: ``upload_offset`` and ``upload_differs`` (with ``received``), ``part_hash``,
    ``part_too_large``, ``upload_beyond``, ``upload_busy``, ``disk_full``, and what `NotMedia` says of the first bytes:
    then the upload is given up.
    """
    with _held(upload) as (row, half):
        if part.offset < row.received:
            return _taken_before(row, half, part)
        if part.offset > row.received:
            raise _elsewhere(row)
        return _take_next(row, half, part)


@contextmanager
def _held(upload: Upload) -> Iterator[tuple[Upload, Half]]:
    """The row as it is now, and its file, locked. Raises Gone, Refused."""
    _restore_file(upload)
    with said(), upload_parts().hold(upload.media_key) as half:
        row = Upload.objects.filter(pk=upload.pk).first()
        if row is None:
            raise Gone
        if half.size < row.received and row.transcript_id is None:
            # A power cut took what was not flushed: the sender goes back to what is there.
            Upload.objects.filter(pk=row.pk).update(received=half.size)
            row.received = half.size
        yield row, half


def _restore_file(upload: Upload) -> None:
    """A file that is gone (restored database, moved folder) begins again from nothing."""
    if upload_parts().exists(upload.media_key):
        return
    if not on_their_way().filter(pk=upload.pk).exists():
        raise Gone
    with said():
        upload_parts().begin(upload.media_key)


def _elsewhere(row: Upload) -> Refused:
    return Refused("upload_offset", _("The upload stands at another place."), received=row.received)


def _taken_before(row: Upload, half: Half, part: Part) -> int:
    length = sum(len(piece) for piece in _bounded(part, row))
    if part.offset + length > row.received:
        raise _elsewhere(row)
    if half.sha256(part.offset, length) != part.sha256:
        message = _("Another file was begun under this upload.")
        raise Refused("upload_differs", message, _("Begin a new upload."), received=row.received)
    return row.received


def _take_next(row: Upload, half: Half, part: Part) -> int:
    if row.transcript_id or row.received == row.size:
        raise _elsewhere(row)
    length, digest = half.write(part.offset, _bounded(part, row))
    if not length:
        raise Refused("part_empty", _("The part is empty."), _("Send some bytes."), received=row.received)
    if digest != part.sha256:
        half.cut(part.offset)
        raise Refused("part_hash", _("A part was damaged on its way."), _("Send it again."), received=row.received)
    if part.offset == 0 and length >= min(SNIFF_BYTES, row.size):
        _judge(row, half)
    same = on_their_way().filter(pk=row.pk, received=row.received)
    if not same.update(received=F("received") + length, expires_at=expiry()):
        half.cut(part.offset)
        raise Gone
    return row.received + length


def _bounded(part: Part, row: Upload) -> Iterator[bytes]:
    """The pieces of a part. Raises Refused where they pass the most of a part or the end of the file."""
    length = 0
    for piece in part.pieces:
        length += len(piece)
        if length > PART_BYTES:
            raise Refused("part_too_large", _("A part may have %(count)s bytes.") % {"count": PART_BYTES},
                          received=row.received)  # fmt: skip
        if part.offset + length > row.size:
            raise Refused("upload_beyond", _("That is more than the announced size."), received=row.received)
        yield piece


def _judge(row: Upload, half: Half) -> None:
    try:
        half.judge()
    except NotMedia as error:
        raise _given_up(row, error) from error


def _given_up(row: Upload, error: MediaError) -> Refused:
    """Nothing good can come of it: remove it, and say why."""
    _remove(row)
    return Refused(error.code, f"{row.name}: {error.message}", error.next_step)


def finish(upload: Upload, proof: Proof) -> Transcript:
    """Make the transcript of an upload that is all here and is what the sender says; asked again, the same one.

    Raises Gone, or Refused: ``upload_incomplete`` (with ``received``), ``upload_changed``, ``not_media`` and the like.
    """
    if upload.transcript is not None:
        return upload.transcript
    with _held(upload) as (row, half):
        if row.transcript is not None:
            return row.transcript
        if row.received != row.size:
            raise Refused("upload_incomplete", _("Parts of the file are missing."), received=row.received)
        try:
            stored = half.finish(row.size, proof)
        except (NotMedia, StorageError) as error:
            raise _given_up(row, error) from error
        return _become(row, stored)


def _become(row: Upload, stored: Stored) -> Transcript:
    try:
        with transaction.atomic():
            made = services.submit(row.team, row.created_by, _submission(row, stored))
            if not on_their_way().filter(pk=row.pk).update(transcript=made, expires_at=expiry()):
                raise Gone
    except (Gone, Http404, IntegrityError, Team.DoesNotExist, User.DoesNotExist) as error:
        # Cancelled, or its team was deleted, at the same moment.
        upload_parts().discard(row.media_key)
        raise Gone from error
    return made


def _submission(row: Upload, stored: Stored) -> services.Submission:
    return services.Submission(
        title=title_of_file(row.name) or _("Recording"),
        kind=SourceKind.UPLOAD,
        media_key=stored.key,
        media_bytes=stored.size,
        media_sha256=stored.sha256,
        engine=Engine(row.engine),
        language=row.language,
        options=row.options,
    )


def give_up(upload: Upload) -> None:
    """Remove an upload and its bytes; what has become a transcript stays one. Raises Refused (``upload_busy``)."""
    with _held_or_lost(upload):
        _remove(upload)


@contextmanager
def _held_or_lost(upload: Upload, wait: float = LOCK_SECONDS) -> Iterator[None]:
    try:
        with upload_parts().hold(upload.media_key, wait):
            yield
    except StorageError as error:
        if error.code != "media_missing":
            raise Refused(error.code, error.message, error.next_step) from error
        yield


def _remove(upload: Upload, *, only: Callable[[QuerySet[Upload]], QuerySet[Upload]] = lambda rows: rows) -> bool:
    """The row first, then the bytes: whoever comes between finds no row."""
    removed = bool(only(on_their_way().filter(pk=upload.pk)).delete()[0])
    if removed:
        upload_parts().discard(upload.media_key)
    return removed


def sweep(limit: int = ROUND_ROWS) -> int:
    """Remove what nobody went on with in time; how many. What is written to at this moment is left alone."""
    now, count = timezone.now(), 0
    Upload.objects.filter(transcript__isnull=False, expires_at__lt=now).delete()
    for row in on_their_way().filter(expires_at__lt=now).order_by("expires_at")[:limit]:
        try:
            with _held_or_lost(row, 0.0):
                count += _remove(row, only=lambda rows: rows.filter(expires_at__lt=now))
        except Refused:
            continue
    return count
