"""The speech service lies, stalls, refuses, floods or goes away."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import pytest
from pytest_django import Settings

from tests.conftest import async_db
from tests.faults.conftest import provider
from tests.faults.machines import LONG, Wire, figure, rss
from tests.faults.providing import exact, notices_of, rules, sessions_of
from tests.jobs.conftest import SubmitTape
from tests.jobs.test_live_source import station  # noqa: F401 - fixture
from tests.jobs.test_session import act, reload, running, until
from transcripts import services
from transcripts.jobs.runner import Runner
from transcripts.models import Event, EventKind, ProviderAccount, State, Transcript

pytestmark = async_db


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
