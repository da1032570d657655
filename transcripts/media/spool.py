"""A fetched file on disk with what identifies it, so that a job that starts again hears the very same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from . import partial
from .disk import CHECK_EVERY_BYTES, MIN_FREE_BYTES, require_space
from .errors import FetchError
from .partial import Beginning
from .resuming import OtherBytes
from .sources import Source, SourceInfo
from .storage import write_all

#: Called with bytes fetched so far and the announced length or None.
Progress = Callable[[int, int | None], None]

_MEDIA, _NOTE, _PART = "source.media", "source.json", "source.part"
_WRITE_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Spooled:
    """A complete file at ``path``: ``size`` in bytes, ``sha256`` in hex, where it came from and its validators."""

    path: Path
    size: int
    sha256: str
    container: str
    url: str
    etag: str | None = None
    last_modified: str | None = None


def find_spooled(folder: Path) -> Spooled | None:
    """The file that was spooled to ``folder`` completely and is unchanged in length, or None."""
    path = folder / _MEDIA
    try:
        note = json.loads((folder / _NOTE).read_text("utf-8"))
        found = Spooled(path=path, **note)
        return found if path.stat().st_size == found.size else None
    except (OSError, ValueError, TypeError):
        return None


async def spool(source: Source, folder: Path, progress: Progress | None = None) -> Spooled:
    """Write the whole of ``source`` to ``folder``. The file appears under its name only when it is complete. What a
    download that broke has brought stays, if the server can prove that the next one is of the same file; that one then
    goes on behind it. Raises ``FetchError`` and ``StorageError``."""
    info, part = source.info, folder / _PART
    begun = await asyncio.to_thread(partial.find, folder, part, info)
    await asyncio.to_thread(_begin, folder, (info.size or 0) - begun.size)
    writer = Writer(part, begun, info)
    try:
        try:
            await _copy_on(source, writer, progress)
        finally:
            await asyncio.to_thread(writer.close)
        if not writer.size:
            raise FetchError("empty_source", "The source is empty.")
        spooled = _spooled(folder, writer, info)
        await asyncio.to_thread(_finish, part, spooled)
    except BaseException as error:
        if not _may_go_on(error) or not await asyncio.to_thread(writer.note):
            await asyncio.to_thread(partial.forget, folder, part)
        raise
    return spooled


def _may_go_on(error: BaseException) -> bool:
    """Whether another try can need what is here: not when it is of another file, and not on a full disk."""
    if isinstance(error, OtherBytes):
        return False
    return isinstance(error, asyncio.CancelledError) or (isinstance(error, FetchError) and error.retryable)


def _spooled(folder: Path, writer: Writer, info: SourceInfo) -> Spooled:
    return Spooled(
        path=folder / _MEDIA,
        size=writer.size,
        sha256=writer.digest.hexdigest(),
        container=info.container,
        url=info.url,
        etag=info.etag,
        last_modified=info.last_modified,
    )


async def _copy_on(source: Source, writer: Writer, progress: Progress | None) -> None:
    """Behind what is there already; from the first byte when the server does not give the rest after all."""
    start = writer.size
    try:
        await _copy(source, writer, progress, start)
    except OtherBytes:
        if not start or writer.size != start:
            raise
        await asyncio.to_thread(writer.restart)
        await _copy(source, writer, progress, 0)


class Writer:
    """Hashes and writes blocks of about a megabyte, off the event loop: behind what is ``begun``, and with notes for a
    later try where ``info`` says what is written."""

    def __init__(self, path: Path, begun: Beginning | None = None, info: SourceInfo | None = None) -> None:
        begun = begun or Beginning()
        self.size, self.digest = begun.size, begun.digest
        self._folder, self._info = path.parent, info
        self._checked = self._noted = begun.size
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._go_to(begun.size)
        # A wait that was cancelled leaves its thread writing.
        self._lock, self._closed = threading.Lock(), False

    def _go_to(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)

    def restart(self) -> None:
        """From the first byte."""
        self.size, self.digest, self._checked, self._noted = 0, hashlib.sha256(), 0, 0
        self._go_to(0)

    def write(self, pieces: list[bytes]) -> None:
        """Behind what is there; nothing once it was closed. Raises StorageError."""
        with self._lock:
            if not self._closed:
                self._write(pieces)

    def _write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            write_all(self._descriptor, piece)
            self.digest.update(piece)
            self.size += len(piece)
        if self.size - self._checked >= CHECK_EVERY_BYTES:
            require_space(self._folder, 0)
            self._checked = self.size
        if self._info is not None and self.size - self._noted >= partial.NOTE_BYTES:
            os.fdatasync(self._descriptor)
            self.note()

    def note(self) -> bool:
        """Remember what is on the disk, for a try that carries it on; False when the source offers no proof."""
        self._noted = self.size
        return self._info is not None and partial.note(self._folder, self._info, self.size, self.digest.hexdigest())

    def close(self) -> None:
        """What is written is on the disk."""
        with self._lock:
            self._closed = True
            os.fsync(self._descriptor)
            os.close(self._descriptor)


async def _copy(source: Source, writer: Writer, progress: Progress | None, start: int) -> None:
    pending: list[bytes] = []
    waiting = 0
    try:
        async with aclosing(source.aiter_bytes(start)) as body:
            async for piece in body:
                pending.append(piece)
                waiting += len(piece)
                if waiting >= _WRITE_BYTES:
                    await asyncio.to_thread(writer.write, pending)
                    pending, waiting = [], 0
                    if progress is not None:
                        progress(writer.size, source.info.size)
    except FetchError:
        await asyncio.to_thread(writer.write, pending)
        raise
    await asyncio.to_thread(writer.write, pending)
    if progress is not None:
        progress(writer.size, source.info.size)


def _begin(folder: Path, size: int) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _NOTE).unlink(missing_ok=True)
    require_space(folder, size, MIN_FREE_BYTES)


def _finish(part: Path, spooled: Spooled) -> None:
    """The note last: only a complete file has one."""
    os.replace(part, spooled.path)
    note = {key: value for key, value in asdict(spooled).items() if key != "path"}
    fresh = spooled.path.with_name(_NOTE + ".new")
    fresh.write_text(json.dumps(note), "utf-8")
    os.replace(fresh, spooled.path.with_name(_NOTE))
    partial.forget(spooled.path.parent, part)
