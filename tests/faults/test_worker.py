"""Workers that die, freeze, are stopped or killed by what they work on."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.machines import LONG, Land, Watcher, children, figure, freeze, thaw
from tests.jobs.visitor import FINAL

pytestmark = pytest.mark.services

#: Samples of a block of the tape.
BLOCK = 1600


def test_f01_a_killed_worker_costs_no_word(land: Land) -> None:
    """Long: 50 kills at random moments, four tapes of ten minutes at any time, two workers."""
    kills, at_once, blocks = (50, 4, 6000) if LONG else (1, 2, 600)
    draw = random.Random(1)
    workers = [land.worker(STTWEB_SESSIONS="8") for _ in range(2 if LONG else 1)]
    transcripts: list[str] = []
    takeovers: list[float] = []
    while len(takeovers) < kills:
        while sum(land.row(one)[0] not in FINAL for one in transcripts) < at_once:
            transcripts.append(land.tape(blocks, pace=6 if LONG else 15))
        time.sleep(draw.uniform(0.2, 2.0))
        victim = draw.choice(workers)
        held = held_by(land, victim.pid)
        # A third death in a row without any progress would rightly be called poison (F08).
        if not held or any(crashes >= 2 for _, _, crashes in held):
            continue
        victim.kill()
        victim.wait(60)
        died = time.monotonic()
        workers[workers.index(victim)] = land.worker(STTWEB_SESSIONS="8")
        for transcript, epoch, _ in held:
            land.until(transcript, taken_over(epoch, *FINAL))
        takeovers.append(time.monotonic() - died)
    for transcript in transcripts:
        assert land.until_done(transcript, 600) == "completed", land.logs()
        land.check(transcript, blocks)
    takeovers.sort()
    figure("F01", f"{kills} SIGKILLs over {len(transcripts)} tapes of {blocks // 10} s: 0 lost, 0 doubled; taken over "
                  f"after {takeovers[len(takeovers) // 2]:.1f} s (median), {takeovers[-1]:.1f} s (most)")  # fmt: skip


def taken_over(epoch: int, *ends: str) -> Callable[[Any], bool]:
    """Whether a row was claimed after that claim, or has come to one of these ends."""
    return lambda row: row[2] > epoch or row[0] in ends


def let_go(epoch: int) -> Callable[[Any], bool]:
    """Whether nobody holds a row, or a later claim than that one does."""
    return lambda row: row[3] == "" or row[2] > epoch


def held_by(land: Land, pid: int) -> list[tuple[str, int, int]]:
    """(id, epoch, crash claims) of what the worker of a process holds."""
    query = "select id, epoch, crash_claims from transcripts_transcript where worker like %s"
    return [(str(found), epoch, crashes) for found, epoch, crashes in land.ask(query, f"%-{pid}-%")]


@pytest.mark.skipif(not LONG, reason="waits for whole leases of 20 s: make faults")
def test_f01_takeover_with_the_lease_that_ships(land: Land) -> None:
    waits = []
    shipped = {"STTWEB_LEASE_SECONDS": "20", "STTWEB_HEARTBEAT_SECONDS": "5", "STTWEB_SWEEP_SECONDS": "2"}
    for _ in range(5):
        first = land.worker(**shipped)
        transcript = land.tape(1800, pace=5)
        epoch = land.until(transcript, lambda row: row[4] > 0)[2]
        second = land.worker(**shipped)
        first.kill()
        died = time.monotonic()
        land.until(transcript, taken_over(epoch))
        waits.append(time.monotonic() - died)
        land.until_done(transcript)
        land.check(transcript, 1800)
        second.kill()
        first.wait(60), second.wait(60)
    assert max(waits) <= 25
    figure("F01", f"takeover after a crash, lease 20 s: {min(waits):.1f} to {max(waits):.1f} s (5 kills)")


@pytest.mark.parametrize(("fault", "place"), [("F02", "append.after_commit"), ("F03", "append.before_commit")])
def test_f02_f03_dying_beside_a_commit_of_the_database(land: Land, fault: str, place: str) -> None:
    """A kill right after the commit (nobody was told) and right before it (the answer is lost with it)."""
    worst = 0.0
    for round_ in range(20 if LONG else 1):
        doomed = land.worker(STTWEB_FAULT=f"{place}:kill@{2 + round_ % 4}")
        transcript = land.tape(800, pace=20)
        watcher = Watcher(land.visitor, transcript)
        assert doomed.wait(60) == -signal.SIGKILL
        land.worker()
        assert land.until_done(transcript) == "completed"
        land.check(transcript, 800)
        worst = max(worst, watcher.check(land, transcript))
        land.forget_workers()
    assert worst <= 3
    figure(fault, f"{round_ + 1} kills at {place}: 0 lost, 0 doubled, every viewer has every event, "
                  f"latest {worst:.1f} s after its commit")  # fmt: skip


def test_f04_a_zombie_writes_nothing(land: Land) -> None:
    zombie = land.worker()
    transcript = land.tape(700, pace=10)
    old = land.until(transcript, lambda row: row[4] > 0)[2]
    freeze(zombie)
    second = land.worker()
    land.until(transcript, lambda row: row[2] > old, 30)
    time.sleep(4)
    before = sum(event[1] == old for event in land.events(transcript))
    thaw(zombie)
    assert land.until_done(transcript) == "completed"
    land.check(transcript, 700)
    assert sum(event[1] == old for event in land.events(transcript)) == before
    end = time.monotonic() + 60
    while children(zombie.pid, "ffmpeg"):
        assert time.monotonic() < end, "the zombie still decodes"
        time.sleep(0.1)
    assert zombie.poll() is None
    assert "another worker has it now" in land.logs()
    assert second.poll() is None
    figure("F04", "frozen for two leases and thawed: 0 events under the old claim, its decoder and session gone in 5 s")


def test_f06_a_clean_stop_is_taken_over_at_once(land: Land) -> None:
    waits, ends = [], []
    for _ in range(5 if LONG else 1):
        first = land.worker()
        # Long enough that it still runs when a busy machine has started a second worker.
        transcript = land.tape(2400, pace=10)
        epoch = land.until(transcript, lambda row: row[4] > 0)[2]
        second = land.worker()
        asked = time.monotonic()
        first.send_signal(signal.SIGTERM)
        land.until(transcript, let_go(epoch))
        released = time.monotonic()
        land.until(transcript, taken_over(epoch))
        waits.append(time.monotonic() - released)
        assert first.wait(30) == 0
        ends.append(time.monotonic() - asked)
        assert land.until_done(transcript) == "completed"
        land.check(transcript, 2400)
        assert land.row(transcript, "crash_claims")[0] == 0
        second.kill()
        second.wait(60)
    assert max(waits) <= 3
    assert max(ends) <= 25
    figure("F06", f"{len(waits)} clean stops: taken over {max(waits):.2f} s after the release (most), "
                  f"exit 0 after {max(ends):.1f} s (most), 0 lost, 0 doubled")  # fmt: skip


def test_f07_a_stuck_worker_is_killed_by_its_supervisor(land: Land) -> None:
    stuck = land.worker(STTWEB_FAULT="session.event:block=60@6")
    transcript = land.tape(600, pace=10)
    land.until(transcript, lambda row: row[0] == "running")
    time.sleep(2)
    decoders = children(stuck.pid, "ffmpeg")
    stuck.send_signal(signal.SIGTERM)
    time.sleep(30 if LONG else 2)
    assert stuck.poll() is None
    stuck.kill()
    stuck.wait(60)
    time.sleep(2)
    assert decoders
    assert not [pid for pid in decoders if alive(pid)]
    land.worker()
    assert land.until_done(transcript) == "completed"
    land.check(transcript, 600)
    figure("F07", "a blocked loop, SIGTERM in vain, SIGKILL: decoder gone within 2 s, 0 lost, 0 doubled")


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_f08_poison_is_parked_after_three_deaths(land: Land) -> None:
    """The build that dies on it: SIGKILL's status while the decoder is set up."""
    poison = land.tape(50)
    for _ in range(3):
        # Claims wait for the last one's lease.
        assert land.worker(STTWEB_FAULT="decode.start:exit", STTWEB_LEASE_SECONDS="1").wait(60) == 137
    good = [land.tape(50) for _ in range(20 if LONG else 3)]
    land.worker(STTWEB_LEASE_SECONDS="1")
    for transcript in good:
        assert land.until_done(transcript) == "completed"
    state, code, *_ = land.until(poison, lambda row: row[0] == "failed")
    assert (state, code) == ("failed", "poison")
    message, step, epoch = land.row(poison, "message, next_step, epoch")
    assert message
    assert step
    assert epoch == 4  # three claims, and the one that ended it
    figure("F08", f"3 workers dead, then failed with `poison`; {len(good)} good recordings behind it done")


def test_f12_everything_dies_at_once(land: Land) -> None:
    worker = land.worker()
    transcripts = [land.tape(600, pace=10) for _ in range(10 if LONG else 2)]
    land.until(transcripts[0], lambda row: row[4] > 0)
    web = land.web_process
    began = time.monotonic()
    for process in (worker, web):
        process.kill()
    land.redis.stop()
    land.postgres.stop(signal.SIGKILL)
    assert time.monotonic() - began < 5
    for process in (worker, web):
        process.wait(60)
    land.postgres.start()
    land.redis.start()
    land.open()
    land.worker(STTWEB_SESSIONS="10")
    for transcript in transcripts:
        assert land.until_done(transcript, 200) == "completed"
        land.check(transcript, 600)
    assert land.visitor.get(f"/s/{transcripts[0]}/export/txt")
    figure("F12", f"worker, web, Redis and PostgreSQL killed together: {len(transcripts)} of {len(transcripts)} done, "
                  "0 lost, 0 doubled")  # fmt: skip
