"""A source that never repeats itself: what a dead worker did not hear is a gap, in its place and of its length."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from tests.conftest import MakeTranscript, async_db
from tests.jobs.conftest import states_of, words_of
from tests.jobs.test_session import act, reload, running, until
from transcripts import services
from transcripts.engine.tape import block_number, make_tape
from transcripts.jobs import leases
from transcripts.jobs.engine import EngineHouse
from transcripts.jobs.recorder import write_batch
from transcripts.jobs.recording import Position, plan
from transcripts.jobs.runner import Runner
from transcripts.jobs.session import Session
from transcripts.models import Control, State, Transcript
from transcripts.realtime.results import Committed, Connected

pytestmark = async_db

_ENDLESS_WAV = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", 2**32 - 1, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", 2**32 - 1
)


@pytest.fixture
async def station(settings: Settings) -> AsyncIterator[str]:
    """A radio station that plays the tape in real time: everyone who listens hears the block of this moment."""
    started = time.monotonic()
    listeners: set[asyncio.Task[None]] = set()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nicy-name: Tape\r\n\r\n" + _ENDLESS_WAV)
            block = int((time.monotonic() - started) * 10)
            while True:
                while block <= (time.monotonic() - started) * 10:
                    writer.write(make_tape(block, 1))
                    block += 1
                await writer.drain()
                await asyncio.sleep(0.02)
        writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(play(reader, writer))
        listeners.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings.FETCH_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.FETCH_ALLOW_PORTS = [port]
    yield f"http://127.0.0.1:{port}/live"
    server.close()
    for task in listeners:
        task.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)


async def test_a_stream_is_live_and_stop_ends_it_with_every_word(station: str, make_transcript: MakeTranscript) -> None:
    transcript = await sync_to_async(make_transcript)(source_url=station)
    async with running():
        await until(transcript, is_live=True, last_seq__gte=3)
        await asyncio.sleep(2)
        await act(services.stop, transcript)
        row = await until(transcript, state__in=[State.COMPLETED, State.COMPLETED_WITH_GAPS])
    assert (row.state, row.gap_samples) == (State.COMPLETED, 0)
    heard = [block_number(word) for word in await words_of(row)]
    assert len(heard) >= 15
    assert heard == list(range(heard[0], heard[0] + len(heard)))
    assert "finishing" in await states_of(row)


async def test_what_a_station_played_while_it_was_paused_is_a_gap(
    station: str, make_transcript: MakeTranscript
) -> None:
    transcript = await sync_to_async(make_transcript)(source_url=station)
    async with running():
        await until(transcript, is_live=True, last_seq__gte=3)
        await asyncio.sleep(2)
        await act(services.pause, transcript)
        row = await until(transcript, state=State.PAUSED)
        before = [block_number(word) for word in await words_of(row)]
        assert before == list(range(before[0], before[0] + len(before)))
        await asyncio.sleep(2)
        await act(services.retry, transcript)
        await until(transcript, state=State.RUNNING, last_seq__gte=row.last_seq + 3)
        await asyncio.sleep(2)
        await act(services.stop, transcript)
        row = await until(transcript, state=State.COMPLETED_WITH_GAPS)
    heard = [block_number(word) for word in await words_of(row)]
    assert heard[: len(before)] == before
    after = heard[len(before) :]
    assert after == list(range(after[0], after[0] + len(after)))
    gap = await row.events.aget(kind="gap")
    assert gap.payload["reason"] == "paused"
    told_s = (gap.payload["end_ms"] - gap.payload["start_ms"]) / 1000
    assert told_s == pytest.approx((after[0] - before[-1] - 1) / 10, abs=1.0)
    assert "finishing" in await states_of(row)


async def test_what_nobody_heard_is_a_gap_of_the_right_length(station: str, make_transcript: MakeTranscript) -> None:
    transcript = await sync_to_async(make_transcript)(source_url=station, options={"preset": "manual"})
    claim = await sync_to_async(leases.claim_next)("doomed", 20.0)
    assert claim is not None
    house = EngineHouse()
    doomed = Session(claim, house.url)
    task = asyncio.create_task(doomed.run())
    await until(transcript, is_live=True, last_seq__gte=3)
    await asyncio.sleep(2)
    await act(services.commit_now, transcript)
    doomed.obey((await sync_to_async(leases.look)("doomed", [transcript.pk]))[transcript.pk])
    await until(transcript, segment_count=1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await house.close()
    await asyncio.sleep(3)
    await Transcript.objects.aupdate(lease_until=None)
    async with running():
        await until(transcript, epoch=2, last_seq__gte=(await reload(transcript)).last_seq + 3)
        await asyncio.sleep(2)
        await act(services.stop, transcript)
        row = await until(transcript, state=State.COMPLETED_WITH_GAPS)
    heard = [block_number(word) for word in await words_of(row)]
    (hole,) = [place for place in range(1, len(heard)) if heard[place] != heard[place - 1] + 1]
    missing_s = (heard[hole] - heard[hole - 1] - 1) / 10
    gap = await row.events.aget(kind="gap")
    told_s = (gap.payload["end_ms"] - gap.payload["start_ms"]) / 1000
    assert missing_s >= 3
    assert gap.payload["reason"] == "worker_lost"
    assert told_s == pytest.approx(missing_s, abs=1.0)
    assert row.gap_samples == pytest.approx(told_s * 16_000, abs=16)


async def test_what_a_dead_worker_did_not_write_down_before_a_stop_is_a_gap(make_transcript: MakeTranscript) -> None:
    transcript = await sync_to_async(make_transcript)(is_live=True)
    claim = await sync_to_async(leases.claim_next)("dead", 20.0)
    assert claim is not None
    heard = plan([Connected(1, "s", {}, 0), Committed("Good evening.", 0, 160)], Position(0, 0))
    await sync_to_async(write_batch)(claim, heard, 2, False)
    # Somebody stops it, and its worker dies before it has written the last words.
    await Transcript.objects.aupdate(control=Control.STOP, lease_until=None)
    await asyncio.sleep(0.1)
    await Runner().run_once()
    row = await reload(transcript)
    gap = await row.events.aget(kind="gap")
    assert row.state == State.COMPLETED_WITH_GAPS
    assert (gap.payload["start_ms"], gap.payload["reason"]) == (10, "worker_lost")
    assert gap.payload["end_ms"] > 100
