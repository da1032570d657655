"""The channel layer dies, freezes, lies or was never there; browsers sleep. The table is the truth."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer, channel_layers
from pytest_django import Settings

from tests.conftest import MakeTranscript, async_db
from tests.faults.machines import LONG, Land, Watcher, figure
from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.test_up import until_up, up
from tests.jobs.visitor import Visitor, text_of
from tests.live.conftest import (
    awrite,
    browse,  # noqa: F401 - fixture
)
from tests.scale.conftest import PASSWORD, REPOSITORY, until_listening
from transcripts.live.publish import ring

services = pytest.mark.services


@services
def test_f46_without_redis_from_the_start(land: Land) -> None:
    nowhere = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    port = free_port()
    until_listening(port, land.manage("web", STTWEB_PORT=str(port), **nowhere))
    land.worker(**nowhere)
    visitor = Visitor(port)
    assert visitor.log_in("owner", PASSWORD)
    transcript = visitor.submit("tape.wav", tape_wav(600), pace="10")
    watcher = Watcher(visitor, transcript)
    assert land.until_done(transcript) == "completed"
    land.check(transcript, 600)
    latest = watcher.check(land, transcript)
    assert latest <= 5
    figure("F46", f"no Redis: pages, work and sockets run, a commit reaches the browser after {latest:.1f} s at most")


@services
def test_f47_redis_dies_and_comes_back_empty_under_many_watchers(land: Land) -> None:
    deaths, watchers, blocks = (10, 20, 3000) if LONG else (2, 5, 700)
    worker = land.worker(STTWEB_LEASE_SECONDS="20")
    transcript = land.tape(blocks, pace=6 if LONG else 10)
    watching = [Watcher(land.visitor, transcript) for _ in range(watchers)]
    land.until(transcript, lambda row: row[4] > 0)
    for _ in range(deaths):
        land.redis.stop()
        time.sleep(2 if LONG else 1)
        land.redis.start()
        time.sleep(2 if LONG else 0.5)
    assert land.until_done(transcript, 200) == "completed"
    land.check(transcript, blocks)
    latest = max(one.check(land, transcript) for one in watching)
    assert worker.poll() is None
    assert land.row(transcript)[2] == 1
    assert latest <= 5
    figure("F47", f"Redis killed and started {deaths} times under {watchers} watchers: 0 events missing, 0 doubled, "
                  f"a commit seen after {latest:.1f} s at most")  # fmt: skip


@services
def test_f48_redis_stands_still(land: Land) -> None:
    seconds = 60 if LONG else 4
    land.worker(STTWEB_LEASE_SECONDS="20")
    transcript = land.tape(4800 if LONG else 1200, pace=8 if LONG else 15)
    watcher = Watcher(land.visitor, transcript)
    land.until(transcript, lambda row: row[4] > 0)
    assert land.redis._process is not None
    os.kill(land.redis._process.pid, signal.SIGSTOP)
    before = land.row(transcript)[4]
    time.sleep(seconds)
    meanwhile = land.row(transcript)[4] - before
    os.kill(land.redis._process.pid, signal.SIGCONT)
    assert meanwhile > 0, "the log did not grow while Redis stood still"
    assert land.until_done(transcript, 120) == "completed"
    land.check(transcript, 4800 if LONG else 1200)
    latest = watcher.check(land, transcript)
    figure("F48", f"Redis frozen for {seconds} s: {meanwhile / 16000:.0f} s of audio stored meanwhile, "
                  f"a commit seen after {latest:.1f} s at most, nothing missing")  # fmt: skip


class LossyLayer(InMemoryChannelLayer):
    """Loses 30 of 100 group messages, doubles 10, and holds 10 back until after the next."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self._draw, self._late = random.Random(7), []  # type: ignore[var-annotated]

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Send, more or less."""
        fate = self._draw.random()
        if fate < 0.3:
            return
        if 0.4 <= fate < 0.5:
            self._late.append((group, message))
            return
        for _ in range(2 if fate < 0.4 else 1):
            await super().group_send(group, message)
        while self._late:
            await super().group_send(*self._late.pop())


@async_db
async def test_f49_a_layer_that_loses_doubles_and_reorders(
    browse: Any,  # noqa: F811
    bob: Any,
    make_transcript: MakeTranscript,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "tests.faults.test_channel.LossyLayer"}}
    channel_layers.backends.clear()
    transcript = await sync_to_async(make_transcript)()
    viewers = [await browse(bob, f"/ws/t/{transcript.pk}/") for _ in range(4)]
    for viewer in viewers:
        await viewer.hello(0)
    number, rounds = 1, 300 if LONG else 60
    for text in range(rounds):
        number = await awrite(transcript, f"Word {text}.")
        await ring(UUID(str(transcript.pk)), transcript.team_id, number)
    for viewer in viewers:
        seen: list[int] = []
        while not seen or seen[-1] < number:
            message = await viewer.next(timeout=60)
            if "seq" in message:
                seen.append(message["seq"])
        assert seen == list(range(seen[0], number + 1))
        assert seen[0] == 2
    figure("F49", f"30 % lost, 10 % doubled, 10 % late: {len(viewers)} viewers, {rounds} events, 0 missing, 0 doubled")


def test_f50_a_worker_in_another_process_without_any_shared_layer(tmp_path: Any) -> None:
    """`up` serves with its own in-memory layer while `transcribe` works beside it: the browser lives on the table."""
    port = free_port()
    (tmp_path / "tape.wav").write_bytes(tape_wav(600))
    with up(tmp_path, port) as process:
        printed = until_up(process)
        visitor = Visitor(port)
        assert visitor.log_in("owner", printed.partition("Password")[2].split()[0])
        environment = {**os.environ, "STTWEB_VAR": str(tmp_path), "STTWEB_ENGINE_RECOGNIZER": "reader"}
        command = [sys.executable, str(REPOSITORY / "manage.py"), "transcribe", str(tmp_path / "tape.wav")]
        work = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        listed = ""
        while "/s/" not in listed:
            time.sleep(0.2)
            listed = visitor.get("/library")
        transcript = listed.partition("/s/")[2][:36]
        events = visitor.follow(transcript)
        assert text_of(events).split() == names(600)
        out, _ = work.communicate(timeout=60)
        assert out.decode().split() == names(600)
        process.kill()
    figure("F50", "worker and web share no layer: the browser got every event from the table")


@services
def test_f53_a_laptop_sleeps_and_comes_back(land: Land) -> None:
    land.worker()
    transcript = land.tape(700, pace=15)
    first = Watcher(land.visitor, transcript)
    while not first.told:
        time.sleep(0.05)
    # It sleeps: nothing is read any more, and its socket is gone.
    first.done.set()
    assert land.until_done(transcript) == "completed"
    asleep = len(first.told)
    second = Watcher(land.visitor, transcript)
    second.told = first.told
    woke = time.monotonic()
    assert second.done.wait(20)
    assert time.monotonic() - woke <= 2
    land.check(transcript, 700)
    # Behind the end the scanner may still flag what it found.
    log = [event[0] for event in land.events(transcript) if event[0] <= second.told[-1]["seq"]]
    assert [event["seq"] for event in second.told] == log
    figure("F53", f"asleep from event {asleep} on: {len(second.told) - asleep} missed ones within "
                  f"{time.monotonic() - woke:.2f} s, 0 missing, 0 doubled")  # fmt: skip
