"""Decoders that break down or stand still, media that is gone, disks that are full."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections import namedtuple
from functools import partial
from typing import Any

import pytest
from pytest_django import Settings

from tests.conftest import async_db
from tests.faults.machines import children, figure
from tests.jobs.conftest import SubmitTape, names, states_of, words_of
from tests.jobs.test_session import PACE, act, reload, running, until
from transcripts import services
from transcripts.jobs import headroom, source
from transcripts.jobs.runner import Runner
from transcripts.media.decode import DecodeLimits
from transcripts.media.errors import StorageError
from transcripts.models import State, Transcript, Worker

pytestmark = async_db

Usage = namedtuple("Usage", "total used free")


async def strike(number: signal.Signals) -> None:
    """Send a signal to the decoder that runs."""
    async with asyncio.timeout(30):
        while not (decoders := children(os.getpid(), "ffmpeg")):
            await asyncio.sleep(0.02)
    for pid in decoders:
        os.kill(pid, number)


async def test_f09_a_decoder_that_crashes_twice_at_one_place_fails_the_job(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        await strike(signal.SIGSEGV)
        kept = await until(transcript, attempts=1)
        assert kept.code in {"decode_crashed", ""}
        done = kept.committed_samples
        # It dies again before it got any further.
        while not (await reload(transcript)).is_final:
            for pid in children(os.getpid(), "ffmpeg"):
                os.kill(pid, signal.SIGSEGV)
            await asyncio.sleep(0.01)
        row = await reload(transcript)
        assert (row.state, row.code) == (State.FAILED, "decode_crashed")
        assert row.next_step
        heard = await words_of(row)
        assert heard == names(900)[: len(heard)] != []
        assert row.committed_samples == done
        # The worker lives.
        good = await submit_tape(50)
        await until(good, state=State.COMPLETED)
    assert (await states_of(row)).count("waiting") == 1
    figure("F09", f"SIGSEGV twice at one place: one retry, `decode_crashed`, {len(heard)} words kept, worker alive")


async def test_f09_a_single_crash_costs_nothing(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        await strike(signal.SIGSEGV)
        await until(transcript, state=State.COMPLETED)
    assert await words_of(transcript) == names(900)


async def test_f10_a_decoder_that_stands_still_is_ended(
    submit_tape: SubmitTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 1.5 s in place of the 60 s that ship: the same watch, tried with its own value in tests/media."""
    monkeypatch.setattr(source, "DecodeLimits", partial(DecodeLimits, stall_s=1.5))
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        await strike(signal.SIGSTOP)
        began = time.monotonic()
        row = await until(transcript, attempts=1)
        noticed = time.monotonic() - began
        await until(transcript, state=State.COMPLETED)
        assert not children(os.getpid(), "ffmpeg")
    assert await words_of(row) == names(900)
    figure("F10", f"decoder stopped: ended {noticed:.1f} s later (watch of 1.5 s and what was still buffered), "
                  "retried, 0 lost, 0 doubled")  # fmt: skip


async def test_f42_without_disk_what_runs_pauses_and_goes_on_by_itself(
    submit_tape: SubmitTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = await submit_tape(900, pace=PACE)
    real = shutil.disk_usage
    async with running():
        await until(transcript, segment_count__gt=0)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * 1024**3, 0, 1024**2))
        row = await until(transcript, state=State.PAUSED)
        assert row.code == "disk_full"
        with pytest.raises(StorageError):
            await submit_tape(50)
        # The worker says why in the same turn, right behind the pause.
        async with asyncio.timeout(60):
            while (await Worker.objects.aget()).holding_back != "disk_full":
                await asyncio.sleep(0.05)
        monkeypatch.setattr(shutil, "disk_usage", real)
        freed = time.monotonic()
        # It said that it looks again in 45 s; that time passes.
        await Transcript.objects.filter(pk=transcript.pk).aupdate(not_before=None)
        await until(transcript, state=State.COMPLETED)
    assert await words_of(transcript) == names(900)
    assert time.monotonic() - freed < 60
    figure("F42", "nearly full disk: what runs pauses (`disk_full`), nothing new begins; goes on by itself, 0 lost")


async def test_f43_media_that_is_gone_fails_without_a_retry(submit_tape: SubmitTape, settings: Settings) -> None:
    gone, unreadable = await submit_tape(10), await submit_tape(10)
    (settings.STTWEB_MEDIA_DIR / gone.media_key).unlink()
    file = settings.STTWEB_MEDIA_DIR / unreadable.media_key
    file.unlink()
    file.mkdir()
    began = time.monotonic()
    await Runner().run_once()
    for transcript in (gone, unreadable):
        row = await reload(transcript)
        assert (row.state, row.code, row.attempts) == (State.FAILED, "media_missing", 0)
    figure("F43", f"file gone, or not a file: `media_missing`, 0 retries, {time.monotonic() - began:.1f} s for both")


async def test_a_worker_with_other_tables_than_its_own_steps_aside(
    submit_tape: SubmitTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = await submit_tape(10)
    monkeypatch.setattr(headroom, "KNOWN", headroom.KNOWN - {"0001_initial"})
    assert await Runner().run_once() == 0
    monkeypatch.undo()
    monkeypatch.setattr(headroom, "KNOWN", headroom.KNOWN | {"9999_future"})
    assert await Runner().run_once() == 0
    monkeypatch.undo()
    assert (await reload(transcript)).state == State.QUEUED


async def test_a_process_without_descriptors_takes_nothing(
    submit_tape: SubmitTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = await submit_tape(10)
    monkeypatch.setattr(headroom, "DESCRIPTORS_EACH", 10**9)
    runner: Any = Runner()
    assert await runner.run_once() == 0
    assert runner.holding_back in {"descriptors", ""}
    assert (await reload(transcript)).state == State.QUEUED


async def test_f59_cancel_wins_while_it_waits_to_connect_again_and_while_it_drains(
    submit_tape: SubmitTape, settings: Settings
) -> None:
    settings.STTWEB_ENGINE_FAULTS = '{"rules": [{"fault": "refuse"}]}'
    settings.STTWEB_DRAIN_SECONDS = 30.0
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, state=State.RUNNING, last_seq__gte=4)
        asked = time.monotonic()
        await act(services.cancel, transcript)
        await until(transcript, state=State.CANCELLED)
        first = time.monotonic() - asked
    settings.STTWEB_ENGINE_FAULTS = ""
    draining = await submit_tape(900, preset="manual", pace=1.0)
    async with running() as runner:
        await until(draining, state=State.RUNNING, last_seq__gte=3)
        runner.stop()
        await asyncio.sleep(0.2)
        asked = time.monotonic()
        await act(services.cancel, draining)
        row = await until(draining, state=State.CANCELLED)
        second = time.monotonic() - asked
    assert max(first, second) <= 5
    assert row.last_seq == (await row.events.order_by("-seq").afirst()).seq
    assert not children(os.getpid(), "ffmpeg")
    figure(
        "F59", f"cancelled during backoff after {first:.2f} s, during the drain after {second:.2f} s; 0 processes left"
    )
