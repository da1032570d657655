from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from transcripts.media.disk import require_space
from transcripts.media.errors import StorageError
from transcripts.media.storage import MediaStore


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", max_bytes=1000, min_free_bytes=1)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_stored_is_found_again_under_a_name_nobody_chose(store: MediaStore, tmp_path: Path) -> None:
    stored = store.store([b"abc", b"", b"def"], size_hint=6)
    assert (stored.size, stored.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
    path = store.path_of(stored.key)
    assert path.read_bytes() == b"abcdef"
    assert path.is_relative_to(tmp_path / "media" / stored.key[:2])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stored.key != store.store([b"abc"]).key


def test_what_is_deleted_is_gone(store: MediaStore, tmp_path: Path) -> None:
    key = store.store([b"abc"]).key
    assert store.delete(key)
    assert not store.delete(key)
    assert not files(tmp_path)
    with pytest.raises(StorageError, match="media_missing"):
        store.path_of(key)


@pytest.mark.parametrize(
    "key",
    ["", "../../etc/passwd", "/etc/passwd", "ab/../../x", "ab/ab", "AB/AB", "ab\x00",
     "ab/cd345678-1234-4234-8234-123456789012", "ab/ab345678-1234-4234-8234-123456789012.part",
     "ab/ab345678-1234-4234-8234-123456789012\n", "./ab/ab345678-1234-4234-8234-123456789012"],
)  # fmt: skip
def test_only_a_key_opens_or_deletes_anything(store: MediaStore, tmp_path: Path, key: str) -> None:
    (tmp_path / "x").write_bytes(b"mine")
    with pytest.raises(StorageError, match="media_missing"):
        store.path_of(key)
    assert not store.delete(key)
    assert files(tmp_path) == [tmp_path / "x"]


def test_a_link_in_the_store_is_not_followed(store: MediaStore, tmp_path: Path) -> None:
    key = store.store([b"abc"]).key
    path = store.path_of(key)
    path.unlink()
    (tmp_path / "x").write_bytes(b"secret")
    path.symlink_to(tmp_path / "x")
    with pytest.raises(StorageError, match="media_missing"):
        store.path_of(key)


@pytest.mark.parametrize(
    ("pieces", "hint", "code"),
    [([b"x" * 600, b"x" * 401], None, "upload_too_large"), ([b"x"], 1001, "upload_too_large"),
     ([], None, "upload_empty"), ([b""], None, "upload_empty")],
)  # fmt: skip
def test_a_refused_upload_leaves_nothing(
    store: MediaStore, tmp_path: Path, pieces: list[bytes], hint: int | None, code: str
) -> None:
    with pytest.raises(StorageError) as refused:
        store.store(pieces, size_hint=hint)
    assert refused.value.code == code
    assert not files(tmp_path)


def test_an_upload_that_breaks_off_leaves_nothing(store: MediaStore, tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        store.store(broken())
    assert not files(tmp_path)


def test_a_full_disk_refuses_before_anything_is_written(tmp_path: Path) -> None:
    store = MediaStore(tmp_path, min_free_bytes=10**18)
    with pytest.raises(StorageError) as refused:
        store.store([b"abc"])
    assert (refused.value.code, refused.value.retryable) == ("disk_full", True)
    assert not files(tmp_path)
    with pytest.raises(StorageError, match="disk_full"):
        require_space(tmp_path, 10**18)
