from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import MakeTranscript
from transcripts.models import EventKind, Segment, State, Transcript
from transcripts.models.log import Entry, append

MakeText = Callable[..., Transcript]


def add_segment(transcript: Transcript, index: int, text: str, speaker: str = "") -> Segment:
    """A commit as the recorder writes it: a word each half second, 10 s after the one before."""
    start = index * 10_000
    words: list[list[Any]] = [
        [word, start + 500 * place, start + 500 * place + 400, 0.9] for place, word in enumerate(text.split())
    ]
    fields = {"start_ms": start, "end_ms": words[-1][2], "text": text, "words": words, "speaker": speaker}
    seq = append(transcript.pk, [Entry(EventKind.COMMIT, {"segment": index, **fields})], when={})
    return Segment.objects.create(transcript=transcript, index=index, seq=seq, confidence=0.9, **fields)


@pytest.fixture
def make_text(make_transcript: MakeTranscript, alice: User) -> MakeText:
    """A finished transcript with the given passages, as committed."""

    def make(*texts: str, state: State = State.COMPLETED, speaker: str = "") -> Transcript:
        transcript = make_transcript(state=state)
        for index, text in enumerate(texts):
            add_segment(transcript, index, text, speaker)
        transcript.refresh_from_db()
        return transcript

    return make
