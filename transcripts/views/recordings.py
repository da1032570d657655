"""Recordings that this server keeps: uploads, and the sample that a package carries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from transcripts.jobs.kept import kept_files
from transcripts.jobs.source import media_store, sample_of
from transcripts.media.errors import StorageError
from transcripts.media.storage import Stored
from transcripts.models import SourceKind, State, Transcript

#: All of the source was heard.
WHOLE = frozenset({State.COMPLETED, State.COMPLETED_WITH_GAPS})


def path_of(transcript: Transcript) -> Path | None:
    """The file to play, or None when there is none (yet) or it is gone.

    Once all was heard, what was kept: seekable, and on the clock of the words whatever the original's container says.
    Until then the original, which is whole; of links and streams, what was kept so far.
    """
    heard = kept_files(transcript.pk).sound if transcript.is_kept else None
    if heard is not None and transcript.state in WHOLE:
        return heard
    return _original(transcript) or heard


def may_come(transcript: Transcript) -> bool:
    """Whether sound of one that has not ended will be kept for listening."""
    if transcript.is_final:
        return False
    return transcript.team.keep_stream_sound or (settings.STTWEB_KEEP_SOUND and not transcript.is_live)


def peaks_of(transcript: Transcript) -> Path | None:
    """The waveform's file, or None."""
    return kept_files(transcript.pk).peaks if transcript.is_kept else None


def _original(transcript: Transcript) -> Path | None:
    if transcript.source_kind == SourceKind.SAMPLE:
        sample = sample_of(transcript)
        return sample.path if sample else None
    if transcript.source_kind == SourceKind.SOCKET:
        return None  # bytes as they came, without a head or an index: nothing that a browser plays
    try:
        return media_store().path_of(transcript.media_key) if transcript.media_key else None
    except StorageError:
        return None


def keep(pieces: Iterable[bytes], size: int) -> Stored:
    """Keep an upload. Raises StorageError with a sentence for the person."""
    return media_store().store(pieces, size_hint=size)


def remove(media_key: str) -> None:
    """Delete an upload's file; an empty key means that there was none."""
    if media_key:
        media_store().delete(media_key)
