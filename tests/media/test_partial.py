"""A download that broke for good is carried on by the next try of its job, and only over bytes that are proved."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.media.origins import Origin
from tests.media.test_resuming import DATA, DATE, WHOLE, Breaking, _quick, origin, policy  # noqa: F401 - fixtures
from transcripts.media import partial, resuming, spool
from transcripts.media.disk import require_space
from transcripts.media.errors import FetchError, StorageError
from transcripts.media.fetch import Limits
from transcripts.media.guard import Policy
from transcripts.media.sources import Kind, open_source

ETAG = 'ETag: "one"'
BROKEN = 2_000_000


@pytest.fixture(autouse=True)
def _once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection a try."""
    monkeypatch.setattr(resuming, "MAX_RESUMES", 0)


async def fetch(site: Origin, rules: Policy, folder: Path, handler: Breaking, path: str = "/a.mp3") -> bytes:
    site.routes[path] = handler
    async with open_source(site.url(path), policy=rules, kind=Kind.FILE) as source:
        spooled = await spool.spool(source, folder)
    assert spooled.sha256 == hashlib.sha256(spooled.path.read_bytes()).hexdigest()
    assert sorted(one.name for one in folder.iterdir()) == ["source.json", "source.media"]
    return spooled.path.read_bytes()


async def break_off(site: Origin, rules: Policy, folder: Path, handler: Breaking) -> None:
    with pytest.raises(FetchError):
        await fetch(site, rules, folder, handler)


@pytest.mark.parametrize("validator", [ETAG, DATE], ids=["etag", "date"])
async def test_the_next_try_asks_only_for_the_rest(origin: Origin, policy: Policy, tmp_path: Path, validator: str):  # noqa: F811
    first = Breaking([BROKEN], validator)
    await break_off(origin, policy, tmp_path, first)
    again = Breaking([], validator)
    assert await fetch(origin, policy, tmp_path, again) == DATA
    (_, _), (start, condition) = again.asked
    assert (start, condition) == (BROKEN, validator.partition(": ")[2])


async def test_try_after_try_goes_on_where_the_one_before_stopped(origin: Origin, policy: Policy, tmp_path: Path):  # noqa: F811
    await break_off(origin, policy, tmp_path, Breaking([500_000], ETAG))
    # The first answer only says what it is; the second one is the rest, and breaks too.
    await break_off(origin, policy, tmp_path, Breaking([10**9, 400_000], ETAG))
    last = Breaking([], ETAG)
    assert await fetch(origin, policy, tmp_path, last) == DATA
    assert last.asked[1][0] == 900_000


@pytest.mark.parametrize(
    "validators", [['ETag: "two"'], [], ['ETag: W/"one"']], ids=["another file", "no proof", "weak proof"]
)
async def test_without_the_same_proof_it_begins_at_the_first_byte(
    origin: Origin,  # noqa: F811
    policy: Policy,  # noqa: F811
    tmp_path: Path,
    validators: list[str],
):
    await break_off(origin, policy, tmp_path, Breaking([BROKEN], ETAG))
    again = Breaking([], *validators)
    assert await fetch(origin, policy, tmp_path, again) == DATA
    assert [start for start, _ in again.asked] == [0]


async def test_a_date_counts_for_its_own_address_and_an_etag_for_any(origin: Origin, policy: Policy, tmp_path: Path):  # noqa: F811
    for validator, ranges in ((DATE, [0]), (ETAG, [0, BROKEN])):
        folder = tmp_path / validator[:4]
        await break_off(origin, policy, folder, Breaking([BROKEN], validator))
        again = Breaking([], validator)
        assert await fetch(origin, policy, folder, again, "/signed-anew.mp3") == DATA
        assert [start for start, _ in again.asked] == ranges


async def test_a_server_that_gives_the_whole_instead_of_the_rest_is_heard_from_the_first_byte(
    origin: Origin,  # noqa: F811
    policy: Policy,  # noqa: F811
    tmp_path: Path,
):
    await break_off(origin, policy, tmp_path, Breaking([BROKEN], ETAG))
    assert await fetch(origin, policy, tmp_path, Breaking([], ETAG, change=WHOLE)) == DATA


def flip(part: Path) -> None:
    data = bytearray(part.read_bytes())
    data[1_000_000] ^= 1
    part.write_bytes(data)


def shorten(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [flip, shorten, Path.unlink], ids=["changed", "cut", "gone"])
async def test_bytes_that_the_disk_lost_are_noticed(
    origin: Origin,  # noqa: F811
    policy: Policy,  # noqa: F811
    tmp_path: Path,
    harm: Callable[[Path], None],
):
    await break_off(origin, policy, tmp_path, Breaking([BROKEN], ETAG))
    harm(tmp_path / "source.part")
    again = Breaking([], ETAG)
    assert await fetch(origin, policy, tmp_path, again) == DATA
    assert [start for start, _ in again.asked] == [0]


async def test_a_note_that_makes_no_sense_is_no_note(origin: Origin, policy: Policy, tmp_path: Path):  # noqa: F811
    for text in ("", "{}", "[]", '{"proof": {"url": 1}, "size": "x", "sha256": null}'):
        await break_off(origin, policy, tmp_path, Breaking([BROKEN], ETAG))
        (tmp_path / "source.part.json").write_text(text)
        assert await fetch(origin, policy, tmp_path, Breaking([], ETAG)) == DATA


async def test_a_worker_that_is_killed_leaves_what_its_last_note_counts(
    origin: Origin,  # noqa: F811
    policy: Policy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(partial, "NOTE_BYTES", 1)
    await break_off(origin, policy, tmp_path, Breaking([BROKEN], ETAG))
    counted = (tmp_path / "source.part.json").read_bytes()
    with (tmp_path / "source.part").open("ab") as file:
        file.write(b"bytes that were written behind the note")
    (tmp_path / "source.part.json").write_bytes(counted)
    again = Breaking([], ETAG)
    assert await fetch(origin, policy, tmp_path, again) == DATA
    assert again.asked[1][0] == BROKEN


async def test_what_nobody_can_go_on_with_does_not_stay(
    origin: Origin,  # noqa: F811
    policy: Policy,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    origin.routes["/a.mp3"] = Breaking([BROKEN])
    await break_off(origin, policy, tmp_path, Breaking([BROKEN]))
    assert list(tmp_path.iterdir()) == []

    def full(*_: object) -> None:
        raise StorageError("disk_full", "The disk is full.")

    monkeypatch.setattr(spool, "CHECK_EVERY_BYTES", 1)
    origin.routes["/a.mp3"] = Breaking([], ETAG)
    async with open_source(origin.url("/a.mp3"), policy=policy, kind=Kind.FILE, limits=Limits()) as source:
        # There is room when it begins.
        answers: Iterator[Callable[..., None]] = iter([require_space])
        monkeypatch.setattr(spool, "require_space", lambda *arguments: next(answers, full)(*arguments))
        with pytest.raises(StorageError):
            await spool.spool(source, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_job_that_is_handed_over_leaves_what_it_has(origin: Origin, policy: Policy, tmp_path: Path):  # noqa: F811
    class Slow(Breaking):
        async def __call__(self, request, writer):
            await super().__call__(request, writer)
            await asyncio.sleep(60)

    site = Slow([BROKEN], ETAG)
    task = asyncio.create_task(fetch(origin, policy, tmp_path, site))
    part = tmp_path / "source.part"
    async with asyncio.timeout(60):
        while not part.exists() or part.stat().st_size < 1_000_000:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (tmp_path / "source.part.json").exists()
    again = Breaking([], ETAG)
    assert await fetch(origin, policy, tmp_path, again) == DATA
    assert again.asked[1][0] >= 1_000_000
