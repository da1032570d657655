"""Two web processes and two workers on PostgreSQL and Redis: the same code, shared work, nobody indispensable."""

from __future__ import annotations

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.jobs.conftest import names, tape_wav
from tests.jobs.visitor import Visitor, text_of
from tests.scale.conftest import PASSWORD, Cluster, Redis

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def log_in(cluster: Cluster) -> tuple[Visitor, Visitor]:
    """The same person at both web processes, with one session."""
    first, second = cluster.web(), cluster.web()
    assert first.log_in("owner", PASSWORD)
    return first, Visitor(second.port, first.jar)


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(40)


def test_two_workers_share_the_work_and_every_viewer_sees_all_of_it(cluster: Cluster) -> None:
    first, second = log_in(cluster)
    workers = [cluster.worker(), cluster.worker()]
    transcripts = [(first, second)[n % 2].submit(f"{n}.wav", tape_wav(400), pace="8") for n in range(6)]
    seen: set[str] = set()
    with ThreadPoolExecutor(6) as pool:
        # Each is followed at the other web process than the one that took it.
        told = [pool.submit((second, first)[n % 2].follow, one) for n, one in enumerate(transcripts)]
        while not all(one.done() for one in told):
            seen |= cluster.working()
            time.sleep(0.1)
    for one in told:
        assert text_of(one.result()).split() == names(400), cluster.logs()
    assert len(seen) == 2, cluster.logs()
    assert [stop(worker) for worker in workers] == [0, 0]
    assert cluster.count("worker") == 0


def test_a_stopping_worker_hands_over_and_a_killed_one_is_taken_over(cluster: Cluster) -> None:
    first, second = log_in(cluster)
    short = {"STTWEB_LEASE_SECONDS": "6", "STTWEB_DRAIN_SECONDS": "4"}
    stopping, killed = cluster.worker(**short), cluster.worker(**short)
    transcripts = [first.submit(f"{n}.wav", tape_wav(900), pace="6") for n in range(2)]
    while len(cluster.ask("select 1 from transcripts_transcript where committed_samples > 0")) < 2:
        time.sleep(0.2)
    assert stop(stopping) == 0, cluster.logs()
    killed.kill()
    killed.wait(60)
    cluster.worker(**short)
    for transcript in transcripts:
        assert text_of(second.follow(transcript, seconds=120)).split() == names(900), cluster.logs()


def test_nothing_dies_of_idling_and_a_message_still_starts_the_work(cluster: Cluster) -> None:
    """redis-py 8 gives up an idle read after 5 s unless it is told otherwise, and takes worker and sockets along."""
    first, _ = log_in(cluster)
    # So rare a sweep that only the message over Redis can be what starts the work.
    worker = cluster.worker(STTWEB_SWEEP_SECONDS="120")
    (team,) = cluster.ask("select id from transcripts_team")[0]
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in first.jar)
    with ExitStack() as stack:
        url = f"ws://127.0.0.1:{first.port}/ws/board/{team}/"
        board: ClientConnection = stack.enter_context(
            connect(url, origin=Origin(first.origin), additional_headers={"Cookie": cookies})
        )
        board.send('{"type": "hello", "after": 0}')
        time.sleep(12)
        assert worker.poll() is None, cluster.logs()
        assert "TimeoutError" not in cluster.logs()
        transcript = first.submit("tape.wav", tape_wav(50))
        assert text_of(first.follow(transcript, seconds=60)).split() == names(50), cluster.logs()
        # The board's socket, idle all the while, moves as well.
        while transcript not in board.recv(timeout=20):
            pass
    assert stop(worker) == 0


def test_redis_may_vanish_and_come_back(cluster: Cluster, redis: Redis) -> None:
    first, second = log_in(cluster)
    worker = cluster.worker()
    redis.stop()
    try:
        alone = first.submit("without.wav", tape_wav(200))
        assert text_of(second.follow(alone, seconds=60)).split() == names(200), cluster.logs()
    finally:
        redis.start()
    again = first.submit("with.wav", tape_wav(200))
    assert text_of(second.follow(again, seconds=60)).split() == names(200), cluster.logs()
    assert worker.poll() is None, cluster.logs()
    assert stop(worker) == 0, cluster.logs()


def test_the_runworker_of_channels_does_the_same_work(cluster: Cluster) -> None:
    first, _ = log_in(cluster)
    cluster.manage("runworker", "transcribe")
    transcript = first.submit("tape.wav", tape_wav(100))
    assert text_of(first.follow(transcript, seconds=60)).split() == names(100), cluster.logs()


@pytest.mark.slow
def test_real_speech_through_two_web_processes_and_two_workers(cluster: Cluster) -> None:
    first, second = log_in(cluster)
    workers = [cluster.worker(STTWEB_ENGINE_RECOGNIZER="moonshine") for _ in range(2)]
    samples = [one.post("/sample", {}).rstrip("/").rsplit("/", 1)[-1] for one in (first, second)]
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda pair: pair[0].follow(pair[1]), zip((second, first), samples, strict=True)))
    for events in told:
        text = text_of(events).lower()
        assert all(word in text for word in ("tried", "failed", "matter", "again", "better")), text
    assert [stop(worker) for worker in workers] == [0, 0]
