"""The speech service lies, stalls, refuses, floods or goes away."""

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
from tests.faults.machines import LONG, Wire, children, figure, rss
from tests.jobs.conftest import SubmitTape, names, words_of
from tests.jobs.test_live_source import station  # noqa: F401 - fixture
from tests.jobs.test_session import act, reload, running, until
from transcripts import services
from transcripts.engine.profile import PRODUCT
from transcripts.engine.tape import block_number
from transcripts.jobs import accounts, plan
from transcripts.jobs.runner import Runner
from transcripts.models import Event, EventKind, ProviderAccount, State, Transcript, Worker
from transcripts.realtime.breaker import Breaker, BreakerRules

pytestmark = async_db


def rules(settings: Settings, *several: dict[str, Any]) -> None:
    settings.STTWEB_ENGINE_FAULTS = json.dumps({"seed": 3, "rules": list(several)})


async def exact(transcript: Transcript, blocks: int) -> Transcript:
    """Done, with every block once and in order."""
    row = await reload(transcript)
    assert row.state == State.COMPLETED, (row.state, row.code)
    heard = await words_of(row)
    assert sorted(set(names(blocks)) - set(heard)) == []
    assert heard == names(blocks)
    return row


async def sessions_of(transcript: Transcript) -> int:
    return await Event.objects.filter(transcript=transcript, kind=EventKind.SESSION).acount()


async def notices_of(transcript: Transcript) -> list[str]:
    found = Event.objects.filter(transcript=transcript, kind=EventKind.NOTICE).order_by("seq")
    return [event.payload["code"] async for event in found]


async def test_f13_a_hundred_closes_in_the_middle_of_speech(submit_tape: SubmitTape, settings: Settings) -> None:
    times, blocks = (100, 36_000) if LONG else (6, 1500)
    rules(settings, {"fault": "close", "code": 1011, "at": [5, 40], "times": times})
    transcript = await submit_tape(blocks)
    began = time.monotonic()
    await Runner().run_once()
    row = await exact(transcript, blocks)
    reconnects = await sessions_of(transcript) - 1
    assert reconnects == times
    figure("F13", f"{reconnects} closes 1011 in {blocks // 10} s of tape: 0 lost, 0 doubled, "
                  f"{(time.monotonic() - began) / times:.2f} s for each and the audio between, "
                  f"{row.billed_samples / row.committed_samples:.3f} x the audio sent")  # fmt: skip


async def test_f14_resets_and_a_service_that_refuses_for_seconds(submit_tape: SubmitTape, settings: Settings) -> None:
    rules(
        settings,
        {"fault": "drop", "at": [5, 15], "connections": [1]},
        {"fault": "refuse", "connections": [2, 3]},
        {"fault": "hang_up", "at": [5, 15], "connections": [4]},
    )
    transcript = await submit_tape(900)
    await Runner().run_once()
    await exact(transcript, 900)
    assert "service_unavailable" in await notices_of(transcript)
    figure("F14", "TCP reset, two refused connections, half-closed socket: 0 lost, 0 doubled")


async def test_f15_a_black_hole_is_noticed_and_costs_nothing(
    submit_tape: SubmitTape, settings: Settings, tuned: Any
) -> None:
    if not LONG:
        tuned(ping_interval_s=0.4, ping_timeout_s=0.8, send_stall_s=1.0)
    async with provider() as (port, _):
        wire = Wire(port)
        settings.STTWEB_ENGINE_URL = f"ws://127.0.0.1:{wire.port}"
        transcript = await submit_tape(900, pace=12.0 if not LONG else 2.0)
        work = asyncio.create_task(Runner().run_once())
        await until(transcript, segment_count__gt=0)
        with wire.held():
            cut = time.monotonic()
            while not await notices_of(transcript):
                await asyncio.sleep(0.05)
            noticed = time.monotonic() - cut
            await asyncio.sleep(max(0.0, (60 if LONG else 2) - noticed))
        await work
        await exact(transcript, 900)
        wire.close()
    assert noticed <= 25
    figure("F15", f"black hole without FIN or RST: noticed after {noticed:.1f} s "
                  f"({'as shipped' if LONG else 'with short clocks'}), 0 lost, 0 doubled")  # fmt: skip


async def test_f16_a_service_that_stops_reading_stops_the_decoder_not_us(
    submit_tape: SubmitTape, settings: Settings, tuned: Any
) -> None:
    seconds = 120 if LONG else 3
    tuned(send_stall_s=200.0, ping_timeout_s=200.0, silence_watch_s=300.0, drain_s=300.0)
    rules(settings, {"fault": "stop_reading", "seconds": seconds, "at": 20, "times": 1})
    transcript = await submit_tape(6000)
    before, most = rss(os.getpid()), 0.0
    work = asyncio.create_task(Runner().run_once())
    while not work.done():
        await asyncio.sleep(0.2)
        most = max(most, rss(os.getpid()))
    await exact(transcript, 6000)
    assert most - before < 60
    figure("F16", f"nothing read for {seconds} s: memory grew by {most - before:.0f} MB (engine included), "
                  "0 lost, 0 doubled")  # fmt: skip


async def test_f17_a_service_that_hears_and_says_nothing(
    submit_tape: SubmitTape, settings: Settings, tuned: Any
) -> None:
    if not LONG:
        tuned(silence_watch_s=1.5, drain_s=1.5, answer_share=0.05)
    rules(settings, {"fault": "stall", "seconds": 90 if LONG else 6, "at": 10, "times": 1})
    transcript = await submit_tape(900, pace=20.0 if not LONG else 1.0)
    began = time.monotonic()
    await Runner().run_once()
    await exact(transcript, 900)
    assert await sessions_of(transcript) == 2
    notice = await Event.objects.filter(transcript=transcript, kind=EventKind.NOTICE).order_by("seq").afirst()
    assert notice is not None
    figure("F17", f"mute service: session opened again ({notice.payload['code']}), 0 lost, 0 doubled, "
                  f"{time.monotonic() - began:.0f} s in all")  # fmt: skip


async def test_f18_a_refused_key_stops_the_account_and_a_good_one_lets_it_go_on(
    submit_tape: SubmitTape, hosted: Any, settings: Settings
) -> None:
    async with provider(key="sk-good") as (port, _):
        wire = Wire(port)
        hosted(wire.port, "sk-bad")
        transcripts = [await submit_tape(100) for _ in range(4)]
        await Transcript.objects.aupdate(engine="elevenlabs")
        async with running(capacity=1):
            for transcript in transcripts:
                row = await until(transcript, state=State.PAUSED)
                assert row.code == "auth_error"
                assert row.next_step
            late = await submit_tape(100)
            await Transcript.objects.filter(pk=late.pk).aupdate(engine="elevenlabs")
            await until(late, state=State.PAUSED)
            await asyncio.sleep(1)
            attempts = wire.connections
            account = await ProviderAccount.objects.aget()
            assert (account.code, account.probe_at) == ("auth_error", None)
            # Somebody saves a good key.
            settings.ELEVENLABS_API_KEY = "sk-good"
            saved = time.monotonic()
            for transcript in [*transcripts, late]:
                await until(transcript, state=State.COMPLETED)
                await exact(transcript, 100)
        wire.close()
    assert attempts <= 2
    figure("F18", f"refused key: {attempts} connection(s) for 5 transcripts, all paused; with a good key all done "
                  f"{time.monotonic() - saved:.1f} s later")  # fmt: skip


async def test_f18_pressing_retry_is_the_one_try_of_a_refused_account(submit_tape: SubmitTape, hosted: Any) -> None:
    async with provider([{"fault": "auth_error", "connections": [1]}]) as (port, _):
        hosted(port)
        first, second = await submit_tape(100), await submit_tape(100)
        await Transcript.objects.aupdate(engine="elevenlabs")
        async with running(capacity=1):
            await until(first, state=State.PAUSED)
            await until(second, state=State.PAUSED)
            # The terms were accepted at the provider: the key is the same.
            await act(services.retry, second)
            await until(second, state=State.COMPLETED)
            await until(first, state=State.COMPLETED)
    for transcript in (first, second):
        await exact(transcript, 100)
    assert not await ProviderAccount.objects.exclude(code="").aexists()


async def test_f19_a_spent_quota_is_tried_every_ten_minutes_by_one(
    submit_tape: SubmitTape, hosted: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with provider([{"fault": "quota", "at": [0, 30], "times": 3}]) as (port, _):
        wire = Wire(port)
        hosted(wire.port)
        transcripts = [await submit_tape(500) for _ in range(3)]
        await Transcript.objects.aupdate(engine="elevenlabs")
        async with running(capacity=1):
            for transcript in transcripts:
                assert (await until(transcript, state=State.PAUSED)).code == "quota_exceeded"
            before = wire.connections
            await asyncio.sleep(1)
            assert wire.connections == before
            for _ in range(2):
                # Ten minutes pass.
                moved = await ProviderAccount.objects.aget()
                assert moved.probe_at is not None
                await ProviderAccount.objects.aupdate(probe_at=moved.blocked_at)
                await asyncio.sleep(1)
                assert wire.connections <= before + 1
                before = wire.connections
            await ProviderAccount.objects.aupdate(probe_at=moved.blocked_at)
            for transcript in transcripts:
                await until(transcript, state=State.COMPLETED)
                await exact(transcript, 500)
        wire.close()
    notices = [record for record in caplog.records if "stops" in record.getMessage()]
    assert len(notices) == 1
    figure("F19", "spent quota: one connection in ten minutes, one notice, then all go on; 0 lost, 0 doubled")


@pytest.mark.parametrize("kind", ["rate_limited", "resource_exhausted", "queue_overflow"])
async def test_f20_asked_to_slow_down(submit_tape: SubmitTape, settings: Settings, tuned: Any, kind: str) -> None:
    if not LONG:
        tuned(backoff_base_s=0.05)
    rules(settings, {"fault": "error", "type": kind, "at": 3, "times": 5 if LONG else 2})
    transcript = await submit_tape(120)
    began = time.monotonic()
    await Runner().run_once()
    await exact(transcript, 120)
    assert (await notices_of(transcript)).count(kind) == (5 if LONG else 2)
    # Whatever the file's pace was, it is that of speech from then on.
    assert time.monotonic() - began > 5
    figure("F20", f"{kind}: backed off, went on at 1.0 x, 0 lost, 0 doubled")


async def test_f21_throttled_commits_and_refused_input(submit_tape: SubmitTape, settings: Settings) -> None:
    rules(
        settings,
        {"fault": "error", "type": "commit_throttled", "code": 1000, "at": 12, "connections": [1]},
        {"fault": "error", "type": "chunk_size_exceeded", "at": 12, "connections": [2]},
        {"fault": "error", "type": "input_error", "closes": False, "at": 5, "connections": [3]},
    )
    transcript = await submit_tape(600)
    await Runner().run_once()
    await exact(transcript, 600)
    told = await notices_of(transcript)
    assert sorted(told) == ["chunk_size_exceeded", "commit_throttled"]
    settings.STTWEB_ENGINE_FAULTS = json.dumps(
        {"seed": 1, "rules": [{"fault": "error", "type": "invalid_request", "code": 1008, "at": 12}]}
    )
    refused, good = await submit_tape(300), None
    await Runner().run_once()
    row = await reload(refused)
    assert (row.state, row.code) == (State.FAILED, "invalid_request")
    settings.STTWEB_ENGINE_FAULTS = ""
    good = await submit_tape(100)
    await Runner().run_once()
    await exact(good, 100)
    figure("F21", "commit_throttled, chunk_size_exceeded, input_error: 0 lost; invalid_request fails that job only")


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
                await act(services.commit_now, transcript)
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
    assert all(outage - bound - 2.5 <= hole <= outage + (70 if LONG else 5) for hole in holes), holes
    figure("F28", f"two outages of {outage:.0f} s, buffer {bound:.0f} s: missing {holes[0]:.1f} and {holes[1]:.1f} s, "
                  f"told {told:.1f} s in {len(gaps)} gap events")  # fmt: skip
