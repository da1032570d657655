"""Files that grow in parts: what is written is exactly that, a whole file is proved, and two writers never mix."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from transcripts.media import parts as parts_module
from transcripts.media.errors import NotMedia, StorageError
from transcripts.media.parts import Parts, Proof
from transcripts.media.storage import MediaStore

SOUND = b"RIFF\0\0\0\0WAVEfmt " + bytes(range(256)) * 40


def hashed(*blocks: bytes) -> str:
    """The proof of a file of these blocks."""
    return hashlib.sha256(b"".join(hashlib.sha256(block).digest() for block in blocks)).hexdigest()


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path / "media", min_free_bytes=1)


@pytest.fixture
def key(parts: Parts) -> str:
    key = parts.new_key(len(SOUND))
    parts.begin(key)
    return key


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_gets_its_name_only_when_it_is_whole_and_proved(parts: Parts, key: str, tmp_path: Path) -> None:
    store = MediaStore(tmp_path / "media")
    with parts.hold(key) as half:
        assert half.write(0, [SOUND[:100], SOUND[100:3000]]) == (3000, hashlib.sha256(SOUND[:3000]).hexdigest())
        half.write(3000, [SOUND[3000:]])
        with pytest.raises(StorageError, match="media_missing"):
            store.path_of(key)
        stored = half.finish(len(SOUND), Proof(sha256=hashlib.sha256(SOUND).hexdigest()))
    assert (stored.key, stored.size, stored.sha256) == (key, len(SOUND), hashlib.sha256(SOUND).hexdigest())
    path = store.path_of(key)
    assert path.read_bytes() == SOUND
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == [path.name]


def test_the_proof_by_blocks_is_the_hash_of_their_hashes(
    parts: Parts, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_module, "PART_BYTES", 4096)
    with parts.hold(key) as half:
        half.write(0, [SOUND])
        proof = Proof(blocks_sha256=hashed(SOUND[:4096], SOUND[4096:8192], SOUND[8192:]))
        assert half.finish(len(SOUND), proof).size == len(SOUND)


@pytest.mark.parametrize(
    ("size", "proof"),
    [(len(SOUND), Proof(sha256="0" * 64)), (len(SOUND), Proof(blocks_sha256="0" * 64)), (len(SOUND) + 1, Proof())],
    ids=["another hash", "another hash of blocks", "another size"],
)
def test_other_bytes_than_the_sender_meant_are_refused(parts: Parts, key: str, size: int, proof: Proof) -> None:
    with parts.hold(key) as half:
        half.write(0, [SOUND])
        with pytest.raises(StorageError, match="upload_changed"):
            half.finish(size, proof)


def test_what_is_no_recording_never_gets_a_name(parts: Parts, key: str, tmp_path: Path) -> None:
    with parts.hold(key) as half:
        half.write(0, [b"<html><script>alert(1)</script></html>"])
        with pytest.raises(NotMedia):
            half.finish(38, Proof())
    assert names(tmp_path)[0].endswith(".part")


def test_a_finish_that_was_broken_off_after_the_name_can_be_done_again(parts: Parts, key: str) -> None:
    for _ in range(2):
        with parts.hold(key) as half:
            if not half.size:
                half.write(0, [SOUND])
            assert half.finish(len(SOUND), Proof()).key == key


def test_a_part_that_breaks_off_leaves_what_was_there(parts: Parts, key: str) -> None:
    def broken() -> object:
        yield b"more"
        raise ConnectionError

    with parts.hold(key) as half:
        half.write(0, [SOUND])
        with pytest.raises(ConnectionError):
            half.write(len(SOUND), broken())  # type: ignore[arg-type]
        assert half.size == len(SOUND)
        assert half.sha256(0, len(SOUND)) == hashlib.sha256(SOUND).hexdigest()


def test_a_full_disk_is_named_before_anything_is_written(tmp_path: Path, key: str) -> None:
    full = Parts(tmp_path / "media", min_free_bytes=2**60)
    with full.hold(key) as half:
        with pytest.raises(StorageError, match="disk_full"):
            half.write(0, [SOUND])
        assert half.size == 0
    with pytest.raises(StorageError, match="disk_full"):
        full.new_key(1)


def test_two_writers_take_turns_and_the_second_is_told_when_it_takes_too_long(parts: Parts, key: str) -> None:
    entered, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with parts.hold(key) as half:
            entered.set()
            may_end.wait(20)
            half.write(0, [SOUND])

    writer = threading.Thread(target=first)
    writer.start()
    assert entered.wait(20)
    with pytest.raises(StorageError, match="upload_busy"), parts.hold(key, wait=0.05):
        pass
    may_end.set()
    with parts.hold(key) as half:
        assert half.size == len(SOUND)
    writer.join(20)


def test_who_waited_for_a_file_that_was_removed_does_not_write_into_nothing(parts: Parts, key: str) -> None:
    waiting, found = threading.Event(), []

    def second() -> None:
        waiting.set()
        try:
            with parts.hold(key):
                found.append("held")
        except StorageError as error:
            found.append(error.code)

    with parts.hold(key):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(20)
        parts.discard(key)
    thread.join(20)
    assert found == ["media_missing"]


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "/etc/passwd", "ab/../../x", "ab/cd.part", "ab\x00"])
def test_only_a_key_is_opened_or_removed(parts: Parts, tmp_path: Path, key: str) -> None:
    (tmp_path / "x").write_bytes(b"mine")
    for ask in (lambda: parts.begin(key), lambda: parts.discard(key), lambda: parts.hold(key).__enter__()):
        with pytest.raises(StorageError, match="media_missing"):
            ask()
    assert names(tmp_path) == ["x"]


def test_a_link_in_the_place_of_a_file_is_not_followed(parts: Parts, key: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"mine")
    parts.discard(key)
    os.symlink(tmp_path / "secret", tmp_path / "media" / f"{key}.part")
    with pytest.raises(OSError), parts.hold(key):
        pass
    with pytest.raises(StorageError, match="disk_full"):
        parts.begin(key)
    assert (tmp_path / "secret").read_bytes() == b"mine"
