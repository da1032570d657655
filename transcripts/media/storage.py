"""Where uploads are kept: ``<root>/<shard>/<uuid>``, never under a name that a person chose.

Synchronous and without a framework: it takes an iterable of byte pieces, so an upload handler can hand over its
chunks as they arrive.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .disk import CHECK_EVERY_BYTES, MIN_FREE_BYTES, require_space
from .errors import StorageError

_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{6}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Stored:
    """A kept file: ``key`` finds it again, ``size`` is in bytes, ``sha256`` is in hex."""

    key: str
    size: int
    sha256: str


def place_of(root: Path, key: str) -> Path | None:
    """Where the file of ``key`` is or would be under ``root``; None for anything that is not exactly a key."""
    found = _KEY.fullmatch(key)
    return root / found[1] / found[2] if found else None


class MediaStore:
    """Files under ``root``, each at most ``max_bytes`` long; writing stops when less than ``min_free_bytes`` would
    stay free on the disk."""

    def __init__(self, root: Path, *, max_bytes: int = 4 * 1024**3, min_free_bytes: int = MIN_FREE_BYTES) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes

    def store(self, pieces: Iterable[bytes], *, size_hint: int | None = None) -> Stored:
        """Keep all of ``pieces``: written, flushed to the disk and only then given its name.

        ``size_hint`` is an announced length in bytes, refused early if it cannot fit. Raises ``StorageError``:
        ``upload_too_large``, ``upload_empty`` or ``disk_full``; nothing is left behind then.
        """
        name = str(uuid.uuid4())
        folder = self._root / name[:2]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_size(size_hint or 0)
        require_space(folder, size_hint or 0, self._min_free_bytes)
        part = folder / f"{name}.part"
        try:
            size, digest = self._write(part, pieces)
            os.replace(part, folder / name)
        finally:
            part.unlink(missing_ok=True)
        flush_folder(folder)
        return Stored(key=f"{name[:2]}/{name}", size=size, sha256=digest)

    def place(self, key: str) -> Path:
        """Where the file of ``key`` is or is to be. Raises ``StorageError`` (``media_missing``) for no key."""
        path = self._path(key)
        if path is None:
            raise StorageError("media_missing", "The stored recording is not there any more.")
        return path

    def path_of(self, key: str) -> Path:
        """The file of ``key``. Raises ``StorageError`` (``media_missing``) for anything but a key of a kept file."""
        path = self._path(key)
        if path is None or path.is_symlink() or not path.is_file():
            raise StorageError("media_missing", "The stored recording is not there any more.")
        return path

    def delete(self, key: str) -> bool:
        """Remove the file of ``key``; whether there was one."""
        path = self._path(key)
        if path is None:
            return False
        with suppress(FileNotFoundError):
            path.unlink()
            return True
        return False

    def _path(self, key: str) -> Path | None:
        return place_of(self._root, key)

    def _write(self, part: Path, pieces: Iterable[bytes]) -> tuple[int, str]:
        size, unchecked, digest = 0, 0, hashlib.sha256()
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            for piece in pieces:
                size, unchecked = size + len(piece), unchecked + len(piece)
                self._check_size(size)
                if unchecked >= CHECK_EVERY_BYTES:
                    require_space(part.parent, 0, self._min_free_bytes)
                    unchecked = 0
                write_all(file.fileno(), piece)
                digest.update(piece)
            os.fsync(file.fileno())
        if not size:
            raise StorageError("upload_empty", "The uploaded file is empty.")
        return size, digest.hexdigest()

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            limit = f"{self._max_bytes / 1024**2:,.0f} MB"
            raise StorageError("upload_too_large", f"The file is larger than the {limit} allowed.")


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; the kernel may take fewer than asked. Raises ``StorageError`` when the disk is full."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        raise StorageError("disk_full", "The recording could not be written to disk.", retryable=True) from error


def flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
