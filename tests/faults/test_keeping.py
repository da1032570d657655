"""F44 and F45: what is kept and what is erased, while everything is in use."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from tests.conftest import async_db
from tests.faults.machines import figure
from tests.jobs.conftest import SubmitTape, names, tape_wav, words_of
from tests.jobs.test_server import free_port
from tests.jobs.test_session import PACE, act, running, until
from tests.jobs.test_up import until_up, up
from tests.jobs.visitor import Visitor
from tests.scale.conftest import REPOSITORY
from tests.upkeep.conftest import Keep, folders, keep  # noqa: F401 - fixtures
from tests.upkeep.test_erasing import SECRET, places_with
from transcripts import services
from transcripts.models import State, Transcript
from transcripts.upkeep import erasing, reconcile, retention


async def read_all(client: AsyncClient, ids: list[Any], statuses: list[int]) -> None:
    """Export, play and look at everything again and again, as many people do."""
    while True:
        for pk in ids:
            for what in ("/export/txt", "/export/json", "/audio", ""):
                response = await client.get(f"/s/{pk}{what}")
                if response.streaming:
                    # Erased between the head of the answer and its body: a connection that breaks off.
                    with suppress(FileNotFoundError):
                        async for _ in cast("StreamingHttpResponse", response):
                            pass
                response.close()
                statuses.append(response.status_code)


@async_db
async def test_f44_purging_and_erasing_while_everything_is_in_use(
    submit_tape: SubmitTape,
    keep: Keep,  # noqa: F811
    folders: Path,  # noqa: F811
    alice: Any,
    team: Any,
) -> None:
    team.keep_text_days = 7
    await team.asave()
    make = sync_to_async(keep)
    due = [await make(*[f"{SECRET} {i}" for i in range(20)], media=f"{SECRET}{n}".encode(), days=9) for n in range(6)]
    young = [await make("Young.", media=f"young {n}".encode(), days=1) for n in range(3)]
    at_work = [await submit_tape(450, pace=PACE) for _ in range(3)]
    doomed = await submit_tape(450, pace=PACE)
    everything = [row.pk for row in (*due, *young, *at_work, doomed)]
    # Those that will not end by themselves while they are read, but may be purged by their age.
    await Transcript.objects.filter(pk__in=[row.pk for row in at_work]).aupdate(finished_at=due[0].finished_at)
    client, statuses = AsyncClient(), list[int]()
    await client.aforce_login(alice)
    async with running(capacity=4):
        readers = [asyncio.create_task(read_all(client, everything, statuses)) for _ in range(2)]
        for row in (*at_work, doomed):
            await until(row, segment_count__gt=0)
        purged = await sync_to_async(retention.prune)()
        await act(services.delete, doomed)
        await sync_to_async(erasing.finish_pending)()
        for row in at_work:
            await until(row, state=State.COMPLETED)
        for reader in readers:
            reader.cancel()
        ended = await asyncio.gather(*readers, return_exceptions=True)
    assert all(isinstance(error, asyncio.CancelledError) for error in ended), ended
    assert purged == len(due)
    for row in at_work:
        assert await words_of(row) == names(450)
    left = {pk async for pk in Transcript.objects.values_list("pk", flat=True)}
    assert left == {row.pk for row in (*young, *at_work)}
    assert set(statuses) <= {200, 404}
    await sync_to_async(erasing.finish_pending)()
    assert await sync_to_async(lambda: list(reconcile.find(hashes=True, young_seconds=0)))() == []
    assert await sync_to_async(reconcile.unfinished_erasures)() == 0
    assert await sync_to_async(places_with)(SECRET, folders) == []
    figure("F44", f"{purged} purged and 1 at work erased under {len(statuses)} reads: 0 rows without file, 0 files "
                  "without row, the text in no file, 3 at work untouched, no answer but 200 and 404")  # fmt: skip


def manage(var: Path, *arguments: str) -> str:
    environment = {**os.environ, "STTWEB_VAR": str(var)}
    command = [sys.executable, str(REPOSITORY / "manage.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def logs(var: Path) -> dict[str, int]:
    """The last number of every log, and the proof that none has a hole."""
    database = sqlite3.connect(f"file:{var}/sttweb.sqlite3?mode=ro", uri=True, timeout=20)
    try:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        found = database.execute(
            "select transcript_id, max(seq), count(*) from transcripts_event group by transcript_id"
        ).fetchall()
    finally:
        database.close()
    assert all(last == count for _, last, count in found)
    return {name: last for name, last, _ in found}


def test_f45_a_backup_of_running_work_goes_on_somewhere_else(tmp_path: Path) -> None:
    count, blocks = 5, 400
    first, second, archive = tmp_path / "first", tmp_path / "second", tmp_path / "b.tar"
    first.mkdir()
    second.mkdir()
    with up(first, port := free_port(), STTWEB_SESSIONS="5") as process:
        password = re.search(r"Password\s+(\S+)", until_up(process))
        assert password is not None
        visitor = Visitor(port)
        assert visitor.log_in("owner", password[1])
        ids = [visitor.submit("tape.wav", tape_wav(blocks), pace="6") for _ in range(count)]
        while len(mark := logs(first)) < count or min(mark.values()) < 5:
            time.sleep(0.2)
        manage(first, "backup", str(archive))
        process.kill()
    manage(second, "restore", str(archive))
    restored = logs(second)
    assert all(restored[name] >= last for name, last in mark.items())
    with up(second, port := free_port(), STTWEB_SESSIONS="5") as process:
        visitor = Visitor(port)
        end = time.monotonic() + 60
        while True:
            try:
                assert visitor.log_in("owner", password[1])
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.2)
        for transcript in ids:
            while visitor.get(f"/s/{transcript}/export/txt").split() != names(blocks):
                assert time.monotonic() < end, visitor.get(f"/s/{transcript}/export/txt")[-200:]
                time.sleep(0.3)
        process.kill()
    figure("F45", f"a backup while {count} ran, restored on an empty machine: integrity ok, every event up to the mark "
                  f"there, {count} of {count} went on to their end, 0 lost, 0 doubled")  # fmt: skip
