"""The life of a stream as rows: taken by a connection, kept alive by it, closed once. Each step is a compare-and-set.

Blocks on the database and the disk. Callers have been through `access.py`.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from transcripts.jobs.wake import wake_on_commit
from transcripts.media.formats import Encoding, SoundFormat
from transcripts.models import FINAL, AudioStream, SourceKind, Transcript


def sound_of(stream: AudioStream) -> SoundFormat:
    """In which form the bytes are."""
    return SoundFormat(Encoding(stream.encoding), stream.rate, stream.channels)


def _open(transcript_id: UUID) -> QuerySet[AudioStream]:
    return AudioStream.objects.filter(transcript_id=transcript_id, closed_at=None)


def take(transcript_id: UUID, connection: UUID) -> bool:
    """From now on ``connection`` writes, whoever did before; False when nothing more is taken."""
    return bool(_open(transcript_id).update(connection=connection, touched_at=Now()))


def beat(transcript_id: UUID, connection: UUID) -> str:
    """Say that ``connection`` is there. The answer is empty, or why it must end: ``stream_taken``, ``stream_ended``."""
    mine = _open(transcript_id).filter(connection=connection).exclude(transcript__state__in=FINAL)
    # The ids first: Django joins no tables in an update.
    if AudioStream.objects.filter(pk__in=list(mine.values_list("pk", flat=True))).update(touched_at=Now()):
        return ""
    open_one = _open(transcript_id).exclude(transcript__state__in=FINAL).exists()
    return "stream_taken" if open_one else "stream_ended"


def let_go(transcript_id: UUID, connection: UUID) -> None:
    """The connection is gone; the time in which it may come back begins."""
    _open(transcript_id).filter(connection=connection).update(connection=None, touched_at=Now())


@transaction.atomic
def close(transcript_id: UUID) -> bool:
    """Nothing more will come; what is there is worked on to its end. False when that was so already."""
    closed = bool(_open(transcript_id).update(closed_at=Now(), connection=None))
    if closed:
        wake_on_commit()
    return closed


def has_ended(transcript_id: UUID) -> bool:
    """Whether all that will ever come is in the file; a sender that was away for too long will not come back."""
    gone = timedelta(seconds=settings.STTWEB_SOCKET_GONE_SECONDS)
    _open(transcript_id).filter(touched_at__lt=Now() - gone).update(closed_at=Now(), connection=None)
    return not _open(transcript_id).exists()


def release_received(transcript_id: UUID) -> str:
    """Everything was heard: the row lets go of the file, whose key is returned (empty: there is none). What is kept for
    listening is the sound of `jobs.kept`, as of every other live source."""
    rows = Transcript.objects.filter(pk=transcript_id, source_kind=SourceKind.SOCKET)
    key = rows.values_list("media_key", flat=True).first() or ""
    return key if key and rows.filter(media_key=key).update(media_key="", media_bytes=0) else ""
