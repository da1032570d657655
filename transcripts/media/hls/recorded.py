"""A finished HLS stream on disk: one file for each run of media between discontinuities and holes, in order.

Like any file it is fetched completely first, so that a job that starts again hears the very same bytes, decodes them
again and goes on at the exact sample. The note is written last: only a complete recording has one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from transcripts.media.disk import require_space
from transcripts.media.errors import DecodeError, FetchError
from transcripts.media.fetch import Limits
from transcripts.media.pcm import SAMPLE_BYTES, Chunk, seconds_to_samples
from transcripts.media.spool import Progress, Writer

from .items import Bytes, Item, Missing
from .model import HlsError
from .sound import MAX_BAD_RUNS

#: Most runs of one recording; each is a file and a start of the decoder.
MAX_RUNS = 1_000

_NOTE = "runs.json"


@dataclass(frozen=True, slots=True)
class Run:
    """Media without a break: file name in the folder, its bytes and SHA-256, its length in seconds as announced, and
    the seconds before it that could not be had."""

    name: str
    size: int
    sha256: str
    seconds: float
    missing: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """A complete recording in ``folder``: where it came from, its runs, and the seconds missing after the last."""

    folder: Path
    url: str
    runs: tuple[Run, ...]
    missing_at_end: float = 0.0

    @property
    def seconds(self) -> float:
        """Announced length, holes included."""
        return sum(run.missing + run.seconds for run in self.runs) + self.missing_at_end

    @property
    def sha256(self) -> str:
        """Identity of the sound: of all runs and holes in their order, in hex."""
        parts = [f"{run.missing} {run.sha256}" for run in self.runs]
        return hashlib.sha256("\n".join([*parts, str(self.missing_at_end)]).encode()).hexdigest()


class DecodeFile(Protocol):
    """``decode.decode_file`` with limits and program filled in."""

    def __call__(self, path: Path, *, chunk_samples: int) -> AsyncGenerator[Chunk]: ...


def find_recorded(folder: Path) -> Recorded | None:
    """The recording that was kept in ``folder`` completely and is unchanged to the byte, or None."""
    try:
        note = json.loads((folder / _NOTE).read_text("utf-8"))
        runs = tuple(Run(**run) for run in note.pop("runs"))
        found = Recorded(folder=folder, runs=runs, **note)
        return found if all(_digest(folder / run.name) == run.sha256 for run in runs) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


async def record(
    items: AsyncIterator[Item], folder: Path, *, url: str, limits: Limits, progress: Progress | None = None
) -> Recorded:
    """Write the whole of a finished stream to ``folder``, within ``limits`` (bytes and seconds altogether).

    Raises what the reader raises, ``FetchError`` (``source_too_large``, ``source_too_slow``), ``HlsError``
    (``hls_limits``) and ``StorageError``.
    """
    await asyncio.to_thread(_begin, folder)
    recorder = _Recorder(folder, limits, progress)
    try:
        async for item in items:
            await recorder.take(item)
    finally:
        await recorder.end_run()
    recorded = Recorded(folder, url, tuple(recorder.runs), recorder.missing)
    await asyncio.to_thread(_finish, recorded)
    return recorded


async def recorded_chunks(
    recorded: Recorded, decode: DecodeFile, *, start: int, chunk_samples: int
) -> AsyncGenerator[Chunk]:
    """PCM from sample ``start`` on, the same bytes whatever ``start`` is: everything before is decoded and skipped.
    Raises ``DecodeError`` when ``MAX_BAD_RUNS`` runs in a row are refused, or the last one."""
    position = bad = 0
    for run in recorded.runs:
        begin = position = position + seconds_to_samples(run.missing)
        try:
            async with aclosing(decode(recorded.folder / run.name, chunk_samples=chunk_samples)) as chunks:
                async for chunk in chunks:
                    position, bad = begin + chunk.end, 0
                    if position > start:
                        yield _from(Chunk(begin + chunk.start, chunk.data), start)
        except DecodeError as error:
            bad += 1
            if error.code == "too_long" or bad == MAX_BAD_RUNS or run is recorded.runs[-1]:
                raise
            position = max(position, begin + seconds_to_samples(run.seconds))


def _from(chunk: Chunk, start: int) -> Chunk:
    cut = start - chunk.start
    return chunk if cut <= 0 else Chunk(start, chunk.data[cut * SAMPLE_BYTES :])


class _Recorder:
    """Cuts the items into files. ``missing`` is what could not be had since the last run, in seconds."""

    def __init__(self, folder: Path, limits: Limits, progress: Progress | None) -> None:
        self.runs: list[Run] = []
        self.missing = 0.0
        self._folder = folder
        self._limits = limits
        self._progress = progress
        self._until = None if limits.total_s is None else time.monotonic() + limits.total_s
        self._writer: Writer | None = None
        self._seconds = 0.0
        self._bytes = 0

    async def take(self, item: Item) -> None:
        """Keep one item."""
        if isinstance(item, Bytes):
            await self._keep(item)
        else:
            await self.end_run()
            self.missing += item.seconds if isinstance(item, Missing) else 0.0

    async def end_run(self) -> None:
        """Close the file that is being written, if any."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        await asyncio.to_thread(writer.close)
        self.runs.append(Run(self._name(), writer.size, writer.digest.hexdigest(), self._seconds, self.missing))
        self.missing = self._seconds = 0.0

    async def _keep(self, item: Bytes) -> None:
        self._bytes += len(item.data)
        self._require_within()
        if self._writer is None:
            self._writer = Writer(self._folder / self._name())
        self._seconds += item.seconds
        await asyncio.to_thread(self._writer.write, [item.data])
        if self._progress is not None:
            self._progress(self._bytes, None)

    def _require_within(self) -> None:
        if self._limits.max_bytes is not None and self._bytes > self._limits.max_bytes:
            size = f"{self._limits.max_bytes / 1024**2:,.0f} MB"
            raise FetchError("source_too_large", f"The source is larger than the {size} allowed.")
        if self._until is not None and time.monotonic() > self._until:
            raise FetchError("source_too_slow", "The download did not finish in the time allowed.", retryable=True)
        if len(self.runs) >= MAX_RUNS:
            raise HlsError("hls_limits", "The HLS playlist changes its format too often.")

    def _name(self) -> str:
        return f"run-{len(self.runs):04d}.media"


def _begin(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _NOTE).unlink(missing_ok=True)
    for left in folder.glob("run-*.media"):
        left.unlink()
    require_space(folder, 0)


def _finish(recorded: Recorded) -> None:
    note = {key: value for key, value in asdict(recorded).items() if key != "folder"}
    fresh = recorded.folder / f"{_NOTE}.new"
    fresh.write_text(json.dumps(note), "utf-8")
    os.replace(fresh, recorded.folder / _NOTE)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
