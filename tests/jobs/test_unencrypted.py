"""A link of https that led on without encryption is said on the transcript's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import MakeTranscript
from transcripts.jobs.hearing import unencrypted
from transcripts.models.log import append


@pytest.mark.parametrize(
    ("asked", "came_from", "told"),
    [
        ("https://a.example/x.mp3", "http://cdn.example/x.mp3", True),
        ("HTTPS://a.example/x.mp3", "HTTP://cdn.example/x.mp3", True),
        ("https://a.example/x.mp3", "https://cdn.example/x.mp3", False),
        ("http://a.example/x.mp3", "http://a.example/x.mp3", False),
        ("", "http://a.example/x.mp3", False),
        ("https://a.example/x.mp3", None, False),
    ],
)
def test_only_a_step_down_is_told(asked: str, came_from: str | None, told: bool) -> None:
    assert (unencrypted(asked, came_from) is not None) is told


def test_the_page_says_so_in_its_activity(make_transcript: MakeTranscript, bob: User, client: Client) -> None:
    noted = unencrypted("https://a.example/x", "http://b.example/x")
    assert noted is not None
    transcript = make_transcript()
    append(transcript.pk, [noted.entry], when={})
    client.force_login(bob)
    assert "a connection without encryption" in client.get(f"/s/{transcript.pk}").content.decode()
