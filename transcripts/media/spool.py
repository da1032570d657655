"""A fetched file on disk with what identifies it, so that a job that starts again hears the very same bytes."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path

from .disk import CHECK_EVERY_BYTES, MIN_FREE_BYTES, require_space
from .errors import FetchError
from .sources import Source
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
    """Write the whole of ``source`` to ``folder``. The file appears under its name only when it is complete; what is
    left by a failure is overwritten by the next try. Raises ``FetchError`` and ``StorageError``."""
    info = source.info
    part = await asyncio.to_thread(_begin, folder, info.size or 0)
    try:
        writer = Writer(part)
        try:
            await _copy(source, writer, progress)
        finally:
            await asyncio.to_thread(writer.close)
        if not writer.size:
            raise FetchError("empty_source", "The source is empty.")
        spooled = Spooled(
            path=folder / _MEDIA,
            size=writer.size,
            sha256=writer.digest.hexdigest(),
            container=info.container,
            url=info.url,
            etag=info.etag,
            last_modified=info.last_modified,
        )
        await asyncio.to_thread(_finish, part, spooled)
        return spooled
    finally:
        part.unlink(missing_ok=True)


class Writer:
    """Hashes and writes blocks of about a megabyte, off the event loop."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self._folder = path.parent
        self._checked = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            write_all(self._descriptor, piece)
            self.digest.update(piece)
            self.size += len(piece)
        if self.size - self._checked >= CHECK_EVERY_BYTES:
            require_space(self._folder, 0)
            self._checked = self.size

    def close(self) -> None:
        os.fsync(self._descriptor)
        os.close(self._descriptor)


async def _copy(source: Source, writer: Writer, progress: Progress | None) -> None:
    pending: list[bytes] = []
    waiting = 0
    async with aclosing(source.aiter_bytes()) as body:
        async for piece in body:
            pending.append(piece)
            waiting += len(piece)
            if waiting >= _WRITE_BYTES:
                await asyncio.to_thread(writer.write, pending)
                pending, waiting = [], 0
                if progress is not None:
                    progress(writer.size, source.info.size)
    await asyncio.to_thread(writer.write, pending)
    if progress is not None:
        progress(writer.size, source.info.size)


def _begin(folder: Path, size: int) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _NOTE).unlink(missing_ok=True)
    require_space(folder, size, MIN_FREE_BYTES)
    return folder / _PART


def _finish(part: Path, spooled: Spooled) -> None:
    """The note last: only a complete file has one."""
    os.replace(part, spooled.path)
    note = {key: value for key, value in asdict(spooled).items() if key != "path"}
    fresh = spooled.path.with_name(_NOTE + ".new")
    fresh.write_text(json.dumps(note), "utf-8")
    os.replace(fresh, spooled.path.with_name(_NOTE))
