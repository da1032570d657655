"""Uploads that arrive in parts: ``<shard>/<uuid>.part`` grows in order, is proved whole, and only then gets its name.

Whoever writes holds the file's lock, in this process or another one: two senders of the same upload never mix their
bytes. Synchronous, without a framework, in flat memory.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .disk import MIN_FREE_BYTES, require_space
from .errors import StorageError
from .sniff import SNIFF_BYTES, judge_content
from .storage import Stored, flush_folder, place_of, write_all

#: Most bytes of one part, and the length of the blocks that a file's proof is made of.
PART_BYTES = 8 * 1024**2
#: Seconds to wait for another writer of the same file.
LOCK_SECONDS = 10.0
_READ_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Proof:
    """What the sender says the whole file is, in lower case hex; one of the two is enough, an empty one is not asked.

    ``sha256`` is the hash of the file. ``blocks_sha256`` is the hash of the concatenated SHA-256 digests (32 bytes
    each) of its blocks of `PART_BYTES`, which browsers can make without reading the file as a whole.
    """

    sha256: str = ""
    blocks_sha256: str = ""


class Half:
    """One growing file, locked. Made by `Parts.hold`."""

    def __init__(self, descriptor: int, part: Path, final: Path, min_free_bytes: int) -> None:
        self._descriptor, self._part, self._final, self._min_free = descriptor, part, final, min_free_bytes

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return os.fstat(self._descriptor).st_size

    def write(self, offset: int, pieces: Iterable[bytes]) -> tuple[int, str]:
        """Write ``pieces`` from byte ``offset`` on; their length in bytes and SHA-256 in hex.

        Raises ``StorageError`` (``disk_full``); what it began is cut off again then.
        """
        require_space(self._part.parent, PART_BYTES, self._min_free)
        digest, end = hashlib.sha256(), offset
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        try:
            for piece in pieces:
                write_all(self._descriptor, piece)
                digest.update(piece)
                end += len(piece)
        except BaseException:
            self.cut(offset)
            raise
        return end - offset, digest.hexdigest()

    def cut(self, size: int) -> None:
        """Forget everything from byte ``size`` on."""
        os.ftruncate(self._descriptor, size)

    def sha256(self, offset: int, length: int) -> str:
        """The SHA-256 of a stretch, in hex."""
        digest = hashlib.sha256()
        for piece in self._read(offset, length):
            digest.update(piece)
        return digest.hexdigest()

    def judge(self) -> str:
        """What the first bytes are (`sniff.judge_content`). Raises ``NotMedia``."""
        return judge_content(os.pread(self._descriptor, SNIFF_BYTES, 0))

    def finish(self, size: int, proof: Proof) -> Stored:
        """Flush the file, read it back, compare it with ``proof`` and give it its name.

        Raises ``StorageError`` (``upload_changed``) when these are not the bytes that the sender meant, ``NotMedia``
        when it is no recording. Done again after a crash it does no harm.
        """
        os.fsync(self._descriptor)
        self.judge()
        whole, blocks = self._digests()
        wanted = (proof.sha256 or whole, proof.blocks_sha256 or blocks)
        if self.size != size or wanted != (whole, blocks):
            step = "Upload the file again."
            raise StorageError("upload_changed", "What arrived is not the file that was chosen.", next_step=step)
        with suppress(FileNotFoundError):
            os.replace(self._part, self._final)
        flush_folder(self._final.parent)
        return Stored(key=f"{self._final.parent.name}/{self._final.name}", size=size, sha256=whole)

    def _digests(self) -> tuple[str, str]:
        whole, blocks = hashlib.sha256(), hashlib.sha256()
        for start in range(0, self.size, PART_BYTES):
            block = hashlib.sha256()
            for piece in self._read(start, PART_BYTES):
                whole.update(piece)
                block.update(piece)
            blocks.update(block.digest())
        return whole.hexdigest(), blocks.hexdigest()

    def _read(self, offset: int, length: int) -> Iterator[bytes]:
        end = offset + length
        while offset < end and (piece := os.pread(self._descriptor, min(_READ_BYTES, end - offset), offset)):
            offset += len(piece)
            yield piece


class Parts:
    """The growing files of a media folder; ``min_free_bytes`` of its disk stay free."""

    def __init__(self, root: Path, *, min_free_bytes: int = MIN_FREE_BYTES) -> None:
        self._root, self._min_free = root, min_free_bytes

    def new_key(self, size: int, promised: int = 0) -> str:
        """A key for a file of ``size`` bytes, if they and ``promised`` others will fit. Raises ``StorageError``."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_space(self._root, size + promised, self._min_free)
        name = str(uuid.uuid4())
        return f"{name[:2]}/{name}"

    def begin(self, key: str) -> None:
        """Make the empty file of ``key``; harmless when it exists. Raises ``StorageError``."""
        part = self._files(key)[0]
        try:
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        except OSError as error:
            raise StorageError("disk_full", "The upload could not be begun on disk.", retryable=True) from error

    def exists(self, key: str) -> bool:
        """Whether there is a file of ``key``, growing or whole."""
        return any(path.exists() for path in self._files(key))

    @contextmanager
    def hold(self, key: str, wait: float = LOCK_SECONDS) -> Iterator[Half]:
        """The file of ``key``, which nobody else writes meanwhile.

        Raises ``StorageError``: ``upload_busy`` when another one holds it for ``wait`` seconds, ``media_missing``.
        """
        part, final = self._files(key)
        descriptor = _locked(part, final, time.monotonic() + wait)
        try:
            yield Half(descriptor, part, final, self._min_free)
        finally:
            os.close(descriptor)

    def discard(self, key: str) -> None:
        """Remove what there is of an upload that did not come to its end."""
        for path in self._files(key):
            path.unlink(missing_ok=True)

    def _files(self, key: str) -> tuple[Path, Path]:
        final = place_of(self._root, key)
        if final is None:
            raise StorageError("media_missing", "The stored recording is not there any more.")
        return final.with_name(f"{final.name}.part"), final


def _locked(part: Path, final: Path, until: float) -> int:
    while True:
        descriptor = _open(part, final)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(descriptor, part) or _is_still(descriptor, final):
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if time.monotonic() >= until:
            step = "It is sent from another window too; wait a moment."
            raise StorageError("upload_busy", "This upload is being written to.", next_step=step, retryable=True)
        time.sleep(0.02)


def _open(part: Path, final: Path) -> int:
    for path in (part, final):
        with suppress(FileNotFoundError):
            return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    raise StorageError("media_missing", "The stored recording is not there any more.")


def _is_still(descriptor: int, path: Path) -> bool:
    """It was not removed while we waited for the lock."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    return False
