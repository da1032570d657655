"""An operator at the admin, and transcripts with something in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import MakeTranscript
from transcripts.models import EventKind, Segment, Transcript
from transcripts.models.log import Entry, append

Speak = Callable[..., Transcript]


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("olga", "olga@example.org", "not-used-here")


@pytest.fixture
def desk(operator: User) -> Client:
    """A browser in which the operator is logged in."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def speak(make_transcript: MakeTranscript) -> Speak:
    """Make a transcript with these sentences committed, two seconds each."""

    def make(*sentences: str, **fields: object) -> Transcript:
        transcript = make_transcript(**fields)
        entries = [Entry(EventKind.COMMIT, {"text": text}) for text in sentences]
        if entries:
            append(transcript.pk, entries, when={}, changes={"segment_count": len(entries)})
        Segment.objects.bulk_create(
            Segment(
                transcript=transcript,
                index=place,
                seq=place + 2,
                start_ms=place * 2_000,
                end_ms=(place + 1) * 2_000,
                text=text,
                confidence=0.5,
            )
            for place, text in enumerate(sentences)
        )
        transcript.refresh_from_db()
        return transcript

    return make
