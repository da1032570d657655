"""How many browsers look at a transcript: each process says what it serves, boards add it up."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import async_db
from transcripts.live import publish, station
from transcripts.live.attendance import BELIEVED_SECONDS, Audience


def test_counts_of_several_processes_are_added_up():
    audience = Audience()
    assert audience.hear("one", {"a": 2, "b": 1}, now=0) == {"a": 2, "b": 1}
    assert audience.hear("two", {"a": 1}, now=1) == {"a": 3}
    assert audience.hear("one", {"b": 1}, now=2) == {"a": 1}
    assert audience.present == {"a": 1, "b": 1}


def test_a_process_that_fell_silent_is_forgotten():
    audience = Audience()
    audience.hear("one", {"a": 2}, now=0)
    audience.hear("two", {"a": 1}, now=BELIEVED_SECONDS - 1)
    assert audience.changes(now=BELIEVED_SECONDS - 0.5) == {}
    assert audience.changes(now=BELIEVED_SECONDS) == {"a": 1}
    assert audience.hear("two", {}, now=BELIEVED_SECONDS + 1) == {"a": 0}
    assert audience.present == {}


@async_db
async def test_boards_hear_who_looks_and_who_left(browse, bob, team, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.1)
    transcript = await asyncio.to_thread(make_transcript)
    board = await browse(bob, f"/ws/board/{team.pk}/")
    await board.hello(after=0)
    reader = await browse(bob, f"/ws/t/{transcript.pk}/")
    await reader.hello(after=0)
    assert await board.next() == {"type": "watching", "data": {str(transcript.pk): 1}}
    late = await browse(bob, f"/ws/board/{team.pk}/")
    told = [message for message in await late.hello(after=0) if message["type"] == "watching"]
    assert told == [{"type": "watching", "data": {str(transcript.pk): 1}}]
    await publish.send_watching(team.pk, "another process", {str(transcript.pk): 3})
    assert await board.next() == {"type": "watching", "data": {str(transcript.pk): 4}}
    await reader.disconnect()
    assert await board.next() == {"type": "watching", "data": {str(transcript.pk): 3}}


@async_db
@pytest.mark.parametrize("counts", [{}, {"nobody": 0}])
async def test_nothing_is_said_when_nothing_changed(browse, bob, team, make_transcript, counts):
    board = await browse(bob, f"/ws/board/{team.pk}/")
    await board.hello(after=0)
    await publish.send_watching(team.pk, "another process", counts)
    transcript = await asyncio.to_thread(make_transcript)
    assert (await board.next())["data"]["id"] == str(transcript.pk)
