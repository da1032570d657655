"""Faults F22 to F28: sessions that are idle, limited, doubled, noisy or away for long."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.conftest import MakeTranscript, async_db
from tests.faults.conftest import provider
from tests.faults.machines import LONG, Wire, children, figure
from tests.faults.providing import exact, notices_of, rules, sessions_of
from tests.jobs.conftest import SubmitTape, words_of
from tests.jobs.test_live_source import station  # noqa: F401 - fixture
from tests.jobs.test_session import act, reload, running, until
from transcripts import services
from transcripts.engine.profile import PRODUCT
from transcripts.engine.tape import block_number
from transcripts.jobs import accounts, plan
from transcripts.jobs.runner import Runner
from transcripts.models import Event, EventKind, State, Transcript, Worker
from transcripts.realtime.breaker import Breaker, BreakerRules

pytestmark = async_db


async def test_f22_a_quiet_source_never_lets_the_session_be_closed_as_idle(
    station: str,  # noqa: F811
    make_transcript: MakeTranscript,
    settings: Settings,
    tuned: Any,
) -> None:
    """The service closes after 15.5 s without audio (short: 1.5 s); the source says nothing for 40 s (short: 4 s)."""
    idle, keepalive, pause = (15.5, 5.0, 40.0) if LONG else (1.5, 0.5, 4.0)
    tuned(keepalive_s=keepalive)
    async with provider(profile=replace(PRODUCT, idle=idle)) as (port, _):
        settings.STTWEB_ENGINE_URL = f"ws://127.0.0.1:{port}"
        transcript = await sync_to_async(make_transcript)(source_url=station)
        async with running():
            await until(transcript, is_live=True, last_seq__gte=3)
            await asyncio.sleep(2)
            await pause_decoders(pause)
            await asyncio.sleep(2)
            await act(services.stop, transcript)
            row = await until(transcript, state__in=[State.COMPLETED, State.COMPLETED_WITH_GAPS])
    assert "connection_lost" not in await notices_of(row)
    assert await sessions_of(row) == 1
    figure("F22", f"source silent for {pause:.0f} s, service closes after {idle} s: 0 idle closes")


async def pause_decoders(seconds: float) -> None:
    """The source says nothing: its decoder stands still."""
    decoders = children(os.getpid(), "ffmpeg")
    assert decoders
    for pid in decoders:
        os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for pid in decoders:
        os.kill(pid, signal.SIGCONT)


async def test_f23_sessions_that_may_not_last(submit_tape: SubmitTape, settings: Settings) -> None:
    blocks, limit = (6000, 60) if LONG else (1500, 45)
    rules(settings, {"fault": "session_limit", "at": limit})
    transcript = await submit_tape(blocks, pace=10.0)
    await Runner().run_once()
    await exact(transcript, blocks)
    count, told = await sessions_of(transcript), await notices_of(transcript)
    assert count >= blocks / 10 / limit
    figure("F23", f"sessions of {limit} s at most: {count} sessions for {blocks // 10} s, "
                  f"{len(told)} of them ended by the service, 0 lost, 0 doubled")  # fmt: skip


async def test_f24_a_service_that_accepts_and_closes_is_left_alone(
    submit_tape: SubmitTape, hosted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        port, _ = await stack.enter_async_context(provider([{"fault": "close", "at": 0.05, "times": 5}]))
        wire = Wire(port)
        hosted(wire.port)
        open_s = 30.0 if LONG else 1.0
        endpoint = accounts.current()
        assert endpoint is not None
        monkeypatch.setitem(
            plan._breakers, endpoint.account, Breaker(BreakerRules(open_s=open_s, open_cap_s=2 * open_s))
        )
        transcript = await submit_tape(100)
        await Transcript.objects.aupdate(engine="elevenlabs")
        began, opened = time.monotonic(), 0.0
        async with running():
            while not (await reload(transcript)).is_final:
                worker = await Worker.objects.afirst()
                if worker is not None and worker.breakers:
                    opened = opened or time.monotonic() - began
                    assert worker.breakers.keys() == {f"127.0.0.1:{wire.port}"}
                await asyncio.sleep(0.05)
        await exact(transcript, 100)
        assert opened, "nobody could see that the breaker was open"
        connections = wire.connections
        wire.close()
    assert connections == 6
    figure("F24", f"handshake and close, 5 times: breaker open after {opened:.1f} s and shown on the worker's row, "
                  f"{connections} connections in {time.monotonic() - began:.0f} s, 0 lost")  # fmt: skip


async def test_f25_doubled_answers_become_one_segment(submit_tape: SubmitTape, settings: Settings) -> None:
    blocks = 36_000 if LONG else 3000
    rules(settings, {"fault": "duplicate", "copies": 3, "probability": 0.3}, {"fault": "flip", "probability": 0.3})
    transcript = await submit_tape(blocks)
    await Runner().run_once()
    row = await exact(transcript, blocks)
    figure("F25", f"a third of the answers tripled or in the wrong order: {row.segment_count} segments, 0 doubled")


async def test_f27_unknown_messages_are_kept_and_an_oversized_one_costs_the_session_only(
    submit_tape: SubmitTape, settings: Settings
) -> None:
    """A service in between that adds what nobody knows, and once 2 MB."""
    async with provider() as (port, _):
        connections = 0

        async def between(client: ServerConnection) -> None:
            nonlocal connections
            connections += 1
            number = connections
            assert client.request is not None
            async with connect(f"ws://127.0.0.1:{port}{client.request.path}", max_size=None) as service:

                async def back() -> None:
                    heard = 0
                    async for message in service:
                        await client.send(message)
                        heard += 1
                        if heard == 3:
                            await client.send(json.dumps({"message_type": "weather_report", "sun": True, "extra": [1]}))
                        if heard == 4 and number == 1:
                            await client.send(json.dumps({"message_type": "huge", "text": "x" * 2_000_000}))

                task = asyncio.create_task(back())
                try:
                    async for message in client:
                        await service.send(message)
                except ConnectionClosed:
                    pass
                finally:
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

        async with serve(between, "127.0.0.1", 0, max_size=None) as server:
            own = next(iter(server.sockets)).getsockname()[1]
            settings.STTWEB_ENGINE_URL = f"ws://127.0.0.1:{own}"
            transcript = await submit_tape(900)
            await Runner().run_once()
        await exact(transcript, 900)
    kept = [e.payload["kind"] async for e in Event.objects.filter(transcript=transcript, kind=EventKind.ANNOTATION)]
    assert kept.count("weather_report") == connections == 2
    figure("F27", "unknown message kept as an annotation, 2 MB message ended that session only, 0 lost, 0 doubled")


async def test_f28_outages_longer_than_the_buffer_are_gaps_of_their_length(
    station: str,  # noqa: F811
    make_transcript: MakeTranscript,
    settings: Settings,
    tuned: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Long: the buffer that ships (120 s) and two outages of ten minutes. Short: 2 s and two of 5 s."""
    bound, outage = (120.0, 600.0) if LONG else (2.0, 5.0)
    if not LONG:
        tuned(replay_buffer_s=bound, backoff_cap_s=0.5)
        monkeypatch.setattr(plan, "breaker_of", lambda _: Breaker(BreakerRules(open_s=0.2, open_cap_s=0.2)))
    async with provider() as (port, _):
        wire = Wire(port)
        settings.STTWEB_ENGINE_URL = f"ws://127.0.0.1:{wire.port}"
        transcript = await sync_to_async(make_transcript)(source_url=station)
        async with running():
            await until(transcript, is_live=True, last_seq__gte=3)
            for _ in range(2):
                await asyncio.sleep(3)
                stored = (await reload(transcript)).segment_count
                await act(services.commit_now, transcript)
                # How late the answer is must not count as a part of the outage.
                await until(transcript, segment_count__gt=stored)
                await asyncio.sleep(1)
                with wire.refused():
                    await asyncio.sleep(outage)
                sessions = await sessions_of(transcript)
                while await sessions_of(transcript) == sessions:
                    await asyncio.sleep(0.1)
                await asyncio.sleep(bound / 2 + 2)
            await act(services.stop, transcript)
            row = await until(transcript, state=State.COMPLETED_WITH_GAPS)
        wire.close()
    gaps = [e.payload async for e in Event.objects.filter(transcript=row, kind=EventKind.GAP).order_by("seq")]
    heard = [block_number(word) for word in await words_of(row)]
    assert heard == sorted(set(heard))
    holes = [(b - a - 1) / 10 for a, b in pairwise(heard) if b > a + 1]
    told = sum(gap["end_ms"] - gap["start_ms"] for gap in gaps) / 1000
    assert len(holes) == 2
    assert told == pytest.approx(sum(holes), abs=1.0)
    assert all(outage - bound - 2.5 <= hole <= outage + (70 if LONG else 30) for hole in holes), holes
    figure("F28", f"two outages of {outage:.0f} s, buffer {bound:.0f} s: missing {holes[0]:.1f} and {holes[1]:.1f} s, "
                  f"told {told:.1f} s in {len(gaps)} gap events")  # fmt: skip
