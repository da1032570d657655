"""The reader of logs looks when a doorbell is rung, and now and then without one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from tests.conftest import MakeTranscript, async_db
from tests.webhooks.conftest import MakeHook
from transcripts import news
from transcripts.live import publish
from transcripts.models import Delivery, EventKind, LogCursor, Team, Transcript, WebhookEvent
from transcripts.models.log import Entry, append

pytestmark = async_db


@asynccontextmanager
async def following() -> AsyncIterator[None]:
    task = asyncio.create_task(news.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition) -> None:
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.02)


def listening(team: Team):
    async def heard() -> bool:
        return publish.team_group(team.pk) in get_channel_layer().groups

    return heard


@sync_to_async
def say(transcript: Transcript, index: int) -> int:
    payload = {"segment": index, "start_ms": index, "end_ms": index + 1, "text": f"word {index}", "words": []}
    return append(transcript.pk, [Entry(EventKind.COMMIT, payload)], when={})


@pytest.fixture
async def told(make_hook: MakeHook, make_transcript: MakeTranscript) -> Transcript:
    await sync_to_async(make_hook)(WebhookEvent.SEGMENT)
    return await sync_to_async(make_transcript)(title="Council")


async def test_a_ring_wakes_it_long_before_it_would_look(
    told: Transcript, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "PATIENT_S", 3600.0)
    async with following():
        await until(listening(team))
        for index in range(3):
            await publish.ring(told.pk, team.pk, await say(told, index))
            await until(Delivery.objects.filter(payload__data__segments__0__text=f"word {index}").aexists)


async def test_what_rings_together_is_told_together(
    told: Transcript, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "PATIENT_S", 3600.0)
    monkeypatch.setattr(news, "GATHER_S", 0.5)
    async with following():
        await until(listening(team))
        for index in range(5):
            await publish.ring(told.pk, team.pk, await say(told, index))
        await until(LogCursor.objects.filter(transcript=told, seq=6).aexists)
    assert await Delivery.objects.acount() <= 2


async def test_a_doorbell_that_was_lost_costs_a_wait_and_nothing_else(
    told: Transcript, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "PATIENT_S", 0.2)
    async with following():
        await until(listening(team))
        await say(told, 0)
        await until(Delivery.objects.aexists)


async def test_without_a_layer_it_looks_as_often_as_ever(
    told: Transcript, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(type(get_channel_layer()), "group_add", away)
    monkeypatch.setattr(news, "PATIENT_S", 3600.0)
    monkeypatch.setattr(news, "LOOK_S", 0.1)
    async with following():
        await until(LogCursor.objects.filter(transcript=told).aexists)
        await say(told, 0)
        await until(Delivery.objects.aexists)


async def test_a_team_that_tells_nobody_any_more_is_listened_to_no_longer(
    told: Transcript, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "PATIENT_S", 0.1)
    async with following():
        await until(listening(team))
        await team.webhooks.aupdate(is_enabled=False)

        async def left() -> bool:
            return not await listening(team)()

        await until(left)
