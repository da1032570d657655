"""The database restarts, freezes, is cut off, is locked, or its process dies in the middle of a commit."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from tests.conftest import MakeTranscript, async_db
from tests.faults.machines import LONG, Land, Watcher, Wire, children, figure
from tests.jobs.conftest import SubmitTape, names, words_of
from tests.jobs.test_server import free_port
from tests.jobs.test_session import PACE, running, until
from tests.scale.conftest import REPOSITORY, until_listening
from transcripts.jobs import leases
from transcripts.models import State


@pytest.mark.services
def test_f34_postgresql_is_restarted_again_and_again(land: Land) -> None:
    restarts, blocks = (10, 3000) if LONG else (2, 900)
    # So long a lease that the holder sees the database again before it has to let go.
    land.worker(STTWEB_LEASE_SECONDS="20")
    transcript = land.tape(blocks, pace=8)
    watcher = Watcher(land.visitor, transcript)
    land.until(transcript, lambda row: row[4] > 0)
    for _ in range(restarts):
        land.postgres.stop(signal.SIGQUIT)
        land.postgres.start()
        time.sleep(2)
    assert land.until_done(transcript, 120) == "completed"
    land.check(transcript, blocks)
    watcher.check(land, transcript)
    claims = land.row(transcript)[2]
    figure("F34", f"{restarts} immediate restarts: 0 lost, 0 doubled, every viewer equals the table, {claims} claim(s)")


@pytest.mark.services
def test_f35_single_connections_are_killed(land: Land) -> None:
    land.worker(STTWEB_LEASE_SECONDS="20")
    transcript = land.tape(900, pace=10)
    watcher = Watcher(land.visitor, transcript)
    land.until(transcript, lambda row: row[0] == "running")
    killed = asked = failed = 0
    others = "backend_type = 'client backend' and pid <> pg_backend_pid()"
    query = f"select pg_terminate_backend(pid) from pg_stat_activity where {others}"
    while not watcher.done.is_set():
        with suppress(psycopg.OperationalError):
            killed += len(land.ask(query))
        time.sleep(2 if LONG else 0.7)
        for _ in range(5):
            asked += 1
            try:
                land.visitor.get(f"/s/{transcript}/export/txt")
            except OSError:
                failed += 1
    land.check(transcript, 900)
    watcher.check(land, transcript)
    assert killed
    figure("F35", f"{killed} connections killed: 0 lost, 0 doubled; {failed} of {asked} page requests failed")


@pytest.mark.services
def test_f36_postgresql_stands_still(land: Land) -> None:
    seconds = 45 if LONG else 6
    first = land.worker()
    transcript = land.tape(900, pace=8)
    old = land.until(transcript, lambda row: row[4] > 0)[2]
    server = [land.postgres.pid, *children(land.postgres.pid)]
    for pid in server:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    # Nothing thaws before this page is answered: a request that waits for the database ends with the visitor's 30 s.
    with pytest.raises(HTTPError) as refused:
        land.visitor.get("/library")
    answered = time.monotonic() - began
    with refused.value as page:
        assert (page.code, page.headers["Retry-After"]) == (503, "10")
        assert "The database does not answer" in page.read().decode()
    time.sleep(max(0.0, seconds - answered))
    for pid in [*children(land.postgres.pid), land.postgres.pid]:
        os.kill(pid, signal.SIGCONT)
    # Its own clock ended the session; whoever claims goes on.
    assert land.until_done(transcript, 120) == "completed"
    land.check(transcript, 900)
    assert first.poll() is None
    assert "Library" in land.visitor.get("/library")
    figure("F36", f"frozen for {max(seconds, answered):.0f} s, lease 4 s: {land.row(transcript)[2] - old} takeover(s), "
                  f"no write under an old claim, 0 lost, 0 doubled; a page: 503 after {answered:.1f} s")  # fmt: skip


@pytest.mark.services
def test_f37_a_worker_cut_off_from_the_database_stops_sending(land: Land) -> None:
    engine = land.manage("engine", "--port", str(port := free_port()))
    until_listening(port, engine)
    speech, wire = Wire(port), Wire(land.postgres.port)
    cut_off = land.worker(
        DATABASE_URL=f"postgres://postgres@127.0.0.1:{wire.port}/postgres",
        STTWEB_ENGINE_URL=f"ws://127.0.0.1:{speech.port}",
        STTWEB_ENGINE_RECOGNIZER="reader",
    )
    transcript = land.tape(900, pace=6)
    old = land.until(transcript, lambda row: row[4] > 0)[2]
    with wire.held():
        cut = time.monotonic()
        land.worker()
        land.until(transcript, lambda row: row[2] > old, 30)
        time.sleep(max(0.0, cut + 8 - time.monotonic()))
        # A quarter of the lease before it could have passed; a frame may be on its way.
        late = [at - cut for at, size in speech.sent if at > cut + 3.5 and size > 300]
    assert not late
    assert land.until_done(transcript) == "completed"
    land.check(transcript, 900)
    last = max((at - cut for at, size in speech.sent if size > 300), default=0.0)
    assert cut_off.poll() is None
    figure("F37", f"cut off for two leases of 4 s: last audio {last:.1f} s after the cut, 0 after the deadline, "
                  "clean takeover, 0 lost, 0 doubled")  # fmt: skip


@async_db
async def test_f38_sqlite_is_locked_by_another_process(submit_tape: SubmitTape) -> None:
    seconds = 20 if LONG else 3
    transcript = await submit_tape(900, pace=PACE)
    reads = []

    def hold() -> None:
        other = sqlite3.connect(django_settings.DATABASES["default"]["NAME"], isolation_level=None, timeout=20)
        other.execute("begin immediate")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            reader = sqlite3.connect(django_settings.DATABASES["default"]["NAME"])
            began = time.monotonic()
            reader.execute("select count(*) from transcripts_event").fetchone()
            reads.append(time.monotonic() - began)
            reader.close()
            time.sleep(0.05)
        other.execute("rollback")
        other.close()

    async with running():
        await until(transcript, segment_count__gt=0)
        await asyncio.to_thread(hold)
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(900)
    reads.sort()
    figure("F38", f"write lock held for {seconds} s: 0 lost, 0 doubled; reads meanwhile p95 "
                  f"{1000 * reads[len(reads) * 95 // 100]:.0f} ms")  # fmt: skip


_WRITER = """
import sys
from django.db import OperationalError
from transcripts.models import Team, Transcript, EventKind
from transcripts.models.log import Entry, append
team = Team.objects.first() or Team.objects.create(name="T")
row = Transcript.objects.first() or Transcript.objects.create(team=team, title="t")
while True:
    print(append(row.pk, [Entry(EventKind.NOTICE, {"text": "x" * 500})] * 3, when={}), flush=True)
"""


def test_f39_a_crash_inside_a_commit_of_sqlite(tmp_path: Path) -> None:
    draw = random.Random(2)
    environment = {**os.environ, "STTWEB_VAR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    manage = [sys.executable, str(REPOSITORY / "manage.py")]
    subprocess.run([*manage, "migrate", "-v", "0"], env=environment, check=True)
    kills = 200 if LONG else 2
    for _ in range(kills):
        process = subprocess.Popen(
            [*manage, "shell", "-v", "0", "-c", _WRITER], env=environment, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = int(process.stdout.readline())
        time.sleep(draw.uniform(0, 0.3))
        process.kill()
        rest, _ = process.communicate()
        acknowledged = int(rest.splitlines()[-1]) if rest.endswith("\n") else acknowledged
        with sqlite3.connect(tmp_path / "sttweb.sqlite3") as database:
            assert database.execute("pragma integrity_check").fetchone() == ("ok",)
            (last,) = database.execute("select last_seq from transcripts_transcript").fetchone()
            (count,) = database.execute("select count(*) from transcripts_event").fetchone()
        database.close()
        assert last == count >= acknowledged
    figure("F39", f"{kills} kills inside commits: integrity ok {kills} of {kills}, {count} events, every one that was "
                  "acknowledged is there")  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_f05_one_job_has_one_winner_on_sqlite(make_transcript: MakeTranscript) -> None:
    rounds, claimers = (100, 200) if LONG else (3, 24)

    def claim(worker: int) -> bool:
        try:
            barrier.wait()
            return leases.claim_one(transcript.pk, f"w{worker}", 20.0) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(claimers) as pool:
        for _ in range(rounds):
            transcript, barrier = make_transcript(), threading.Barrier(claimers)
            assert sum(pool.map(claim, range(claimers))) == 1
    figure("F05", f"SQLite: {claimers} claimers at once, one winner in {rounds} of {rounds} rounds, no lock error")


_RACE = """
import threading
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from transcripts import services
from transcripts.jobs import leases
from transcripts.models import Team
ROUNDS, CLAIMERS = {rounds}, {claimers}
def claim(number):
    try:
        barrier.wait()
        return leases.claim_one(row.pk, f"w{{number}}", 20.0) is not None
    finally:
        connection.close()
team = Team.objects.first()
with ThreadPoolExecutor(CLAIMERS) as pool:
    for _ in range(ROUNDS):
        submission = services.Submission(title="race", kind="url", url="http://a.example.org/a.mp3")
        row, barrier = services.submit(team, None, submission, wake=False), threading.Barrier(CLAIMERS)
        assert sum(pool.map(claim, range(CLAIMERS))) == 1
        row.delete()
"""


@pytest.mark.services
def test_f05_one_job_has_one_winner_on_postgresql(land: Land) -> None:
    rounds, claimers = (100, 200) if LONG else (3, 40)
    land.run("shell", "-v", "0", "-c", _RACE.format(rounds=rounds, claimers=claimers))
    figure("F05", f"PostgreSQL: {claimers} claimers at once, one winner in {rounds} of {rounds} rounds")


@pytest.mark.services
def test_f56_a_clock_that_jumps_moves_no_lease_and_no_word(land: Land, tmp_path: Path) -> None:
    """The worker's wall clock goes an hour ahead and then an hour back, by a library in front of libc's."""
    library, offset = tmp_path / "jump.so", tmp_path / "offset"
    offset.write_text("0")
    source = tmp_path / "jump.c"
    source.write_text(_JUMP)
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    except OSError:
        pytest.skip("no C compiler on this machine")
    jumping = land.worker(LD_PRELOAD=str(library), JUMP_FILE=str(offset))
    transcript = land.tape(900, pace=8)
    land.until(transcript, lambda row: row[4] > 0)
    for seconds in ("3600", "-3600"):
        offset.write_text(seconds)
        time.sleep(3)
    assert land.until_done(transcript) == "completed"
    land.check(transcript, 900)
    (epoch,) = land.row(transcript, "epoch")

    assert jumping.poll() is None

    assert epoch == 1
    figure("F56", "the worker's wall clock +1 h, then -1 h: no takeover, 0 lost, 0 doubled, times from the audio")


_JUMP = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/time.h>
static long jump(void) {
    const char *path = getenv("JUMP_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    long seconds = 0;
    if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = real(clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec += jump();
    return answer;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec; now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec precise;
    clock_gettime(CLOCK_REALTIME, &precise);
    if (out) *out = precise.tv_sec;
    return precise.tv_sec;
}
"""
