"""The log by the API: every event once and in order, awaited or streamed, for as long as one may see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient

from tests.conftest import async_db
from tests.views.browsing import speak
from transcripts import services, tokens
from transcripts.access import Scope
from transcripts.api import events
from transcripts.live.publish import ring
from transcripts.models import ApiToken, Team, Transcript

pytestmark = async_db


@pytest.fixture
def text(team: Team, alice: User) -> str:
    return tokens.make(team, alice, "test", [Scope.READ], 1)[1]


async def ask(text: str, path: str, **headers: str) -> Any:
    return await AsyncClient().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {text}", **headers})


async def say(transcript: Transcript, words: list[str]) -> None:
    await transcript.arefresh_from_db()
    await speak(transcript, words)
    await ring(transcript.pk, transcript.team_id, transcript.last_seq)


async def messages(response: Any) -> AsyncIterator[dict[str, str]]:
    """Server-sent events: their fields."""
    rest = ""
    async for piece in response.streaming_content:
        rest += piece.decode()
        *blocks, rest = rest.split("\n\n")
        for block in blocks:
            yield dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))


async def test_events_come_after_a_number_and_in_pages(text, make_transcript):
    transcript = await sync_to_async(make_transcript)(state="completed")
    await say(transcript, ["one", "two", "three"])
    first = (await ask(text, f"/transcripts/{transcript.pk}/events?limit=2")).json()
    assert [one["type"] for one in first["items"]] == ["state", "commit"]
    assert not first["ended"]
    rest = (await ask(text, f"/transcripts/{transcript.pk}/events?after={first['after']}")).json()
    assert [one["data"]["text"] for one in rest["items"]] == ["two", "three"]
    assert rest["ended"]
    assert [one["seq"] for one in first["items"] + rest["items"]] == [1, 2, 3, 4]
    beyond = (await ask(text, f"/transcripts/{transcript.pk}/events?after=99")).json()
    assert (beyond["items"], beyond["after"], beyond["ended"]) == ([], 99, True)


async def test_a_wait_ends_with_the_next_event(text, make_transcript):
    transcript = await sync_to_async(make_transcript)()
    waiting = asyncio.create_task(ask(text, f"/transcripts/{transcript.pk}/events?after=1&wait=30"))
    while not events._open:
        await asyncio.sleep(0.01)
    assert not waiting.done()
    await say(transcript, ["good evening"])
    answer = (await waiting).json()
    assert [one["data"]["text"] for one in answer["items"]] == ["good evening"]
    assert answer["after"] == 2
    assert not events._open


async def test_a_wait_without_an_event_ends_in_time(text, make_transcript):
    transcript = await sync_to_async(make_transcript)()
    answer = (await ask(text, f"/transcripts/{transcript.pk}/events?after=1&wait=1")).json()
    assert answer == {"items": [], "after": 1, "ended": False}


async def test_a_stream_goes_on_after_the_last_event_id_and_ends_with_the_transcript(text, make_transcript):
    transcript = await sync_to_async(make_transcript)()
    await say(transcript, ["one"])
    response = await ask(text, f"/transcripts/{transcript.pk}/events/stream", **{"Last-Event-ID": "1"})
    assert response["Content-Type"] == "text/event-stream"
    seen = []
    async for message in messages(response):
        seen.append(message)
        if message.get("event") == "caught_up":
            await say(transcript, ["two"])
        if message.get("id") == "3":
            await sync_to_async(services.cancel)(transcript)
    numbered = [(one["id"], one["event"]) for one in seen if "id" in one]
    assert numbered == [("2", "commit"), ("3", "commit"), ("4", "state")]
    assert json.loads(seen[-1]["data"])["data"] == {"reason": "ended"}
    assert not events._open


async def test_the_stream_of_one_that_has_ended_ends_unless_it_is_to_stay(text, make_transcript):
    transcript = await sync_to_async(make_transcript)(state="completed")
    response = await ask(text, f"/transcripts/{transcript.pk}/events/stream")
    assert [one.get("event") async for one in messages(response)] == [None, "state", "caught_up", "closed"]
    response = await ask(text, f"/transcripts/{transcript.pk}/events/stream?stay=true&after=1")
    seen = []
    async for message in messages(response):
        seen.append(message.get("event"))
        if seen[-1] == "caught_up":
            await sync_to_async(services.rename)(transcript, "Another")
        if seen[-1] == "revise":
            await sync_to_async(transcript.delete)()
            await ring(transcript.pk, transcript.team_id, 99)
            break
    assert seen == [None, "caught_up", "revise"]


@pytest.mark.parametrize("how", ["revoked", "left"])
async def test_a_stream_ends_when_the_right_is_lost(text, alice, make_transcript, monkeypatch, how):
    monkeypatch.setattr(events, "RIGHTS_SECONDS", 0.05)
    transcript = await sync_to_async(make_transcript)()
    response = await ask(text, f"/transcripts/{transcript.pk}/events/stream")
    reason = ""
    async for message in messages(response):
        if message.get("event") == "caught_up" and how == "revoked":
            await sync_to_async(tokens.revoke)(await ApiToken.objects.aget(), alice)
        elif message.get("event") == "caught_up":
            await alice.memberships.all().adelete()
        elif message.get("event") == "closed":
            reason = json.loads(message["data"])["data"]["reason"]
    assert reason == "right_lost"


async def test_a_quiet_stream_says_that_it_is_alive_and_ends_in_time(text, make_transcript, monkeypatch):
    monkeypatch.setattr(events, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.5)
    transcript = await sync_to_async(make_transcript)()
    response = await ask(text, f"/transcripts/{transcript.pk}/events/stream")
    seen = [one async for one in messages(response)]
    assert {} in seen
    assert json.loads(seen[-1]["data"])["data"] == {"reason": "time"}


async def test_a_token_has_so_many_streams_and_no_more(text, make_transcript, monkeypatch):
    monkeypatch.setattr(events, "MOST_STREAMS", 0)
    transcript = await sync_to_async(make_transcript)()
    for rest in ("events/stream", "events?after=1&wait=1"):
        response = await ask(text, f"/transcripts/{transcript.pk}/{rest}")
        assert (response.status_code, response.json()["error"]["code"]) == (429, "too_many_streams")


@pytest.mark.parametrize("rest", ["events", "events/stream", "events?wait=1"])
async def test_strangers_and_tokens_without_the_scope_hear_nothing(
    team, other_team, alice, charlie, make_transcript, rest
):
    transcript = await sync_to_async(make_transcript)()
    _token, foreign = await sync_to_async(tokens.make)(other_team, charlie, "x", list(Scope), 1)
    _token, blind = await sync_to_async(tokens.make)(team, alice, "x", [Scope.SUBMIT], 1)
    assert (await ask(foreign, f"/transcripts/{transcript.pk}/{rest}")).status_code == 404
    assert (await ask(blind, f"/transcripts/{transcript.pk}/{rest}")).status_code == 403


@pytest.mark.parametrize("number", ["x", "-1", "1" * 16])
async def test_numbers_that_make_no_sense_are_refused(text, make_transcript, number):
    transcript = await sync_to_async(make_transcript)()
    path = f"/transcripts/{transcript.pk}/events/stream"
    assert (await ask(text, path, **{"Last-Event-ID": number})).status_code == 422
    assert (await ask(text, f"/transcripts/{transcript.pk}/events?after={number}1")).status_code == 422
