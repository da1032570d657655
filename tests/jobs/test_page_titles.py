"""A web page's own title takes the place of the one made from its link, and of nothing that a person wrote."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from tests.conftest import MakeTranscript, async_db
from tests.jobs.conftest import names, tape_wav, words_of
from tests.jobs.test_session import running, until
from tests.media.origins import PUBLIC, Origin
from tests.media.origins import running as serving
from transcripts import services
from transcripts.jobs import leases
from transcripts.jobs.claims import Claim
from transcripts.models import Event, EventKind, State, Transcript
from transcripts.titling import title_of_link

LINK = "https://video.example.org/watch"
WHEN = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
async def origin(settings: Settings) -> AsyncIterator[Origin]:
    async with serving(Origin()) as site:
        settings.FETCH_ALLOW_NETWORKS = [f"{PUBLIC}/32"]
        settings.FETCH_ALLOW_PORTS = [site.port]
        yield site


@async_db
@pytest.mark.skipif(sys.platform != "linux", reason="pages are read on Linux only")
async def test_a_transcript_of_a_web_page_is_called_what_the_page_is_called(
    origin: Origin, make_transcript: MakeTranscript
) -> None:
    origin.serve("/talk.wav", tape_wav(30))
    title = "The &lt;b&gt;Council&lt;/b&gt; \u202emeets"
    page = f"<html><head><title>{title}</title></head><body><video src='/talk.wav'></video></body></html>"
    link = origin.serve("/watch", page, kind="text/html; charset=utf-8")
    transcript = await sync_to_async(make_transcript)(source_url=link, title=title_of_link(link))
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(30)
    assert row.title == "The <b>Council</b> meets"
    told = [event.payload async for event in Event.objects.filter(transcript=row, kind=EventKind.REVISE)]
    assert told == [{"title": "The <b>Council</b> meets"}]


@pytest.fixture
def claimed(make_transcript: MakeTranscript) -> tuple[Transcript, Claim]:
    transcript = make_transcript(source_url=LINK, title=title_of_link(LINK), state="queued")
    claim = leases.claim_one(transcript.pk, "worker", 20.0)
    assert claim is not None
    return transcript, claim


def test_a_title_that_a_person_gave_stays(claimed: tuple[Transcript, Claim]) -> None:
    transcript, claim = claimed
    services.rename(transcript, "Mine")
    leases.entitle(claim, "Theirs", WHEN)
    transcript.refresh_from_db()
    assert (transcript.title, transcript.published_at) == ("Mine", WHEN)


def test_the_date_of_a_feed_is_not_replaced(claimed: tuple[Transcript, Claim]) -> None:
    transcript, claim = claimed
    earlier = datetime(2020, 1, 1, tzinfo=UTC)
    Transcript.objects.filter(pk=transcript.pk).update(published_at=earlier)
    leases.entitle(claim, "Theirs", WHEN)
    transcript.refresh_from_db()
    assert (transcript.title, transcript.published_at) == ("Theirs", earlier)


def test_a_worker_that_lost_its_claim_changes_nothing(claimed: tuple[Transcript, Claim]) -> None:
    transcript, claim = claimed
    Transcript.objects.filter(pk=transcript.pk).update(epoch=claim.epoch + 1)
    leases.entitle(claim, "Theirs", WHEN)
    transcript.refresh_from_db()
    assert (transcript.title, transcript.published_at) == (title_of_link(LINK), None)
    assert not Event.objects.filter(transcript=transcript, kind=EventKind.REVISE).exists()
