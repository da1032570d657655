"""Transcripts in which something was said."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.conftest import MakeTranscript
from transcripts.models import Segment, State, Transcript
from transcripts.search import fts, tsearch

Say = Callable[..., Transcript]


@pytest.fixture(autouse=True)
def _way(monkeypatch: pytest.MonkeyPatch) -> None:
    """So little text is all read from PostgreSQL's index; for SEARCH_WAY=trying none is, and steps are short. On SQLite
    the words lead as they do among many rows, not the filters."""
    monkeypatch.setattr(fts, "FEW", -1)
    if os.environ.get("SEARCH_WAY") == "trying":
        for name, value in {"GATHERED": -1, "LATE": -1, "STEP": 4, "ROWS": (2, 3)}.items():
            monkeypatch.setattr(tsearch, name, value)


@pytest.fixture
def say(make_transcript: MakeTranscript) -> Say:
    """Make a transcript of sentences of ten seconds, a word a second: ``say("One two.", "Three.", title=…, …)``."""

    def make(*sentences: str, **fields: object) -> Transcript:
        fields.setdefault("state", State.COMPLETED)
        transcript = make_transcript(segment_count=len(sentences), **fields)
        Segment.objects.bulk_create(
            Segment(
                transcript=transcript,
                index=index,
                seq=index + 2,
                start_ms=10_000 * index,
                end_ms=10_000 * (index + 1),
                text=text,
                words=[
                    [word, 10_000 * index + 1_000 * place, 10_000 * index + 1_000 * place + 900, 0.9]
                    for place, word in enumerate(text.split())
                ],
            )
            for index, text in enumerate(sentences)
        )
        return transcript

    return make
