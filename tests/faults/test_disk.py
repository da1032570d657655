"""F40 and F42 at the real end of a disk: a small file system that is filled to its last block."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.faults.machines import LONG, figure
from tests.faults.small_disk import fill, small_disk
from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.test_up import until_up, up
from tests.jobs.visitor import Visitor

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(not LONG, reason="mounts a file system, which needs root: make faults"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 64) as place:
        yield place


def enter(printed: str, port: int) -> Visitor:
    visitor = Visitor(port)
    password = re.search(r"Password\s+(\S+)", printed)
    assert password is not None
    assert visitor.log_in("owner", password[1])
    return visitor


def ask(var: Path, query: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(f"file:{var}/sttweb.sqlite3?mode=ro", uri=True, timeout=20)
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def until(reached: Callable[[], bool], seconds: float, what: str) -> float:
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < seconds, what
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.mark.parametrize("warned", [True, False], ids=["noticed before", "met at its end"])
def test_f40_the_disk_of_the_database_is_full(tmp_path: Path, disk: Path, warned: bool) -> None:
    """With the watch that ships, and with the watch switched off, so that SQLite itself meets the end of the disk."""
    port, media = free_port(), tmp_path / "media"
    others = {"STTWEB_MEDIA_DIR": str(media), "STTWEB_SPOOL_DIR": str(tmp_path / "spool")}
    if not warned:
        others |= {"STTWEB_DISK_LOW_PERCENT": "0", "STTWEB_DISK_FULL_PERCENT": "0"}
    with up(disk, port, **others) as process:
        visitor = enter(until_up(process), port)
        transcript = visitor.submit("tape.wav", tape_wav(1800), pace="10")
        row = "select state, code, committed_samples, epoch from transcripts_transcript"
        until(lambda: int(str(ask(disk, row)[0][2])) > 0, 60, "nothing was committed")
        ballast = fill(disk, 1024**2 if warned else 0)
        time.sleep(15)
        state, code, stood, _ = ask(disk, row)[0]
        # What is stored can still be read, by people too.
        page = visitor.get(f"/s/{transcript}/export/txt")
        assert page.split() == names(len(page.split())) != []
        ballast.unlink()
        freed = time.monotonic()
        until(lambda: int(str(ask(disk, row)[0][2])) > int(str(stood)), 60, f"does not go on: {ask(disk, row)}")
        on = time.monotonic() - freed
        until(lambda: str(ask(disk, row)[0][0]).startswith("completed"), 120, f"does not end: {ask(disk, row)}")
        assert visitor.get(f"/s/{transcript}/export/txt").split() == names(1800)
        assert ask(disk, "pragma integrity_check") == [("ok",)]
        assert process.poll() is None
        process.kill()
    if warned:
        assert (state, code) == ("paused", "disk_full")
    assert on <= 60
    how = "1 MB left" if warned else "0 bytes left, watch switched off"
    met = f"64 MB ext4, {how}, for 15 s: {state} {code}".rstrip()
    figure("F40", f"{met}, reads go on; {on:.1f} s after space was freed it went on; integrity ok, 0 lost, 0 doubled")


def files(folder: Path) -> set[Path]:
    return {path for name in ("media", "spool", "tmp") for path in (folder / name).rglob("*") if path.is_file()}


def test_f42_the_disk_is_full_during_an_upload(tmp_path: Path) -> None:
    """1.5 GB, of which 1 GB must stay free: refused by the watch on recordings, then before the body comes in."""
    with small_disk(tmp_path, 1536) as disk, up(disk, port := free_port()) as process:
        visitor = enter(until_up(process), port)
        good = visitor.submit("tape.wav", tape_wav(300))
        before, statuses = files(disk), []
        for leave in (1024**3, 1024**2):
            ballast = fill(disk, leave)
            with pytest.raises(HTTPError) as refused:
                visitor.post("/new", {"engine": "embedded"}, {"uploads": ("more.wav", tape_wav(600))})
            with refused.value:
                sentence = refused.value.read().decode()
            statuses.append(refused.value.code)
            assert "disk" in sentence
            assert visitor.get("/library")
            assert files(disk) == before
            ballast.unlink()
        until(lambda: visitor.get(f"/s/{good}/export/txt").split() == names(300), 60, "the other did not end")
        process.kill()
    assert statuses == [507, 507]
    figure("F42", "upload to a full 1.5 GB ext4: 507 from the form and from the server, 0 files left, pages go on")
