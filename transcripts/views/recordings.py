"""Recordings that this server keeps: uploads, and the sample that a package carries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from transcripts.jobs.source import forget_spooled, media_store
from transcripts.media.errors import StorageError
from transcripts.media.sample import find_sample
from transcripts.media.storage import Stored
from transcripts.models import SourceKind, Transcript


def path_of(transcript: Transcript) -> Path | None:
    """The file to play, or None for links and for files that are gone."""
    if transcript.source_kind == SourceKind.SAMPLE:
        sample = find_sample()
        return sample.path if sample else None
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


def forget(transcript_id: UUID, media_key: str) -> None:
    """Delete all sound of a transcript: its upload, and the copy of what was fetched."""
    remove(media_key)
    forget_spooled(transcript_id)
