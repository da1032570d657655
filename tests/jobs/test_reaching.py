"""What the operator's allowed networks are used for is on record (CONFIG-008)."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeTranscript, async_db
from tests.jobs.conftest import tape_wav
from tests.jobs.test_session import running, until
from transcripts.jobs import reaching
from transcripts.models import Act, AuditEntry, Team, Transcript

pytestmark = async_db


@pytest.fixture
def inside(settings: Settings, tmp_path: Path) -> Iterator[str]:
    """A recording on a host of the inside, which the operator has allowed."""
    (tmp_path / "talk.wav").write_bytes(tape_wav(30))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        settings.FETCH_ALLOW_NETWORKS, settings.FETCH_ALLOW_PORTS = ["127.0.0.0/8"], [server.server_port]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_port}/talk.wav"
        server.shutdown()


def entries() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(act=Act.NETWORK_REACHED))


async def test_a_source_inside_is_on_record_with_its_person_and_its_address(
    inside: str, make_transcript: MakeTranscript, bob: User
) -> None:
    transcript: Transcript = await sync_to_async(make_transcript)(source_url=inside, created_by=bob)
    async with running():
        await until(transcript, state="completed")
    (entry,) = await sync_to_async(entries)()
    assert (entry.actor, entry.team_id, entry.target_id) == ("bob", transcript.team_id, str(transcript.pk))
    assert entry.details == {"host": "127.0.0.1", "reached": "127.0.0.1"}


def test_a_look_at_a_link_is_on_record_and_one_that_is_refused_is_not(
    inside: str, client: Client, bob: User, settings: Settings
) -> None:
    client.force_login(bob)
    assert client.post("/probe", {"link": inside}).json()["usable"]
    assert [(entry.actor, entry.target) for entry in entries()] == [("bob", "probe")]
    settings.FETCH_ALLOW_NETWORKS = []
    client.post("/probe", {"link": inside.replace("127.0.0.1", "127.0.0.3")})
    assert len(entries()) == 1


def test_the_same_is_on_record_once_a_day(team: Team, bob: User) -> None:
    for _ in range(3):
        reaching.record({"nas.example": "10.0.0.8"}, actor=bob, team=team.pk, target="feed")
    reaching.record({"tv.example": "10.0.0.9"}, actor=bob, team=team.pk, target="feed")
    assert [entry.details["host"] for entry in entries()] == ["tv.example", "nas.example"]
    AuditEntry.objects.all()._replace(at=timezone.now() - timedelta(hours=25))
    reaching.record({"nas.example": "10.0.0.8"}, actor=bob, team=team.pk, target="feed")
    assert len(entries()) == 3
