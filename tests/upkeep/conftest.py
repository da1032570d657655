"""Transcripts with text, a recording and a fetched copy, in folders of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.conftest import MakeTranscript
from transcripts.jobs.source import media_store, spool_dir
from transcripts.models import EventKind, Segment, SourceKind, State, Transcript
from transcripts.models.log import Entry, append

Keep = Callable[..., Transcript]


@pytest.fixture(autouse=True)
def folders(settings, tmp_path: Path) -> Path:
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    settings.STTWEB_SPOOL_DIR = tmp_path / "spool"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "tmp"
    settings.STTWEB_ERASURES_FILE = tmp_path / "erasures.jsonl"
    for name in ("media", "spool", "tmp"):
        (tmp_path / name).mkdir()
    return tmp_path


def say(transcript: Transcript, sentences: Iterable[str]) -> None:
    """Commit sentences of two seconds each, as the recorder does."""
    first = transcript.segment_count
    lines = list(sentences)
    last = append(
        transcript.pk,
        [Entry(EventKind.COMMIT, {"segment": first + n, "text": text, "words": []}) for n, text in enumerate(lines)],
        when={},
        changes={"segment_count": first + len(lines), "last_text": lines[-1][:300]},
    )
    Segment.objects.bulk_create(
        Segment(
            transcript=transcript,
            index=first + n,
            seq=last - len(lines) + 1 + n,
            start_ms=2_000 * (first + n),
            end_ms=2_000 * (first + n + 1),
            text=text,
            words=[[word, 0, 1, 0.9] for word in text.split()],
        )
        for n, text in enumerate(lines)
    )
    transcript.refresh_from_db()


@pytest.fixture
def keep(make_transcript: MakeTranscript) -> Keep:
    """Make an ended upload: ``keep("One.", "Two.", media=b"…", spool=b"…", days=3, state=…)``."""

    def make(
        *sentences: str, media: bytes = b"", spool: bytes = b"", days: float = 0.0, **fields: object
    ) -> Transcript:
        if media:
            stored = media_store().store([media])
            fields |= {"media_key": stored.key, "media_bytes": stored.size, "media_sha256": stored.sha256}
        fields.setdefault("source_kind", SourceKind.UPLOAD)
        fields.setdefault("state", State.COMPLETED)
        if fields["state"] in {State.COMPLETED, State.FAILED, State.CANCELLED, State.COMPLETED_WITH_GAPS}:
            fields.setdefault("finished_at", timezone.now() - timedelta(days=days))
        transcript = make_transcript(**fields)
        if sentences:
            say(transcript, sentences)
        if spool:
            folder = spool_dir(transcript.pk)
            folder.mkdir(parents=True)
            (folder / "source.media").write_bytes(spool)
            (folder / "source.json").write_text("{}")
        return transcript

    return make


def files_in(folder: Path) -> set[str]:
    """All files below a folder, by their path in it."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
