"""Any recording or stream to 16 kHz mono s16le: FFmpeg in a cage, as an asynchronous iterator of chunks.

FFmpeg gets one open descriptor and never a name: a file's own (seekable, so indexes at the end work), or a pipe that
a live stream is written to. Formats and decoders are allow lists, because probing alone opens picture and video
decoders, and playlist formats read other files. The consumer's pace is the decoder's pace: nothing is read ahead
beyond the pipe and one buffer.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import ffmpeg as programs
from .diagnosis import Diagnosis
from .errors import DecodeError
from .formats import SoundFormat
from .pcm import SAMPLE_BYTES, SAMPLE_RATE, Chunk
from .sandbox import Cage, spawn, stop

_SKIP_BYTES = 64 * 1024
_STDERR_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Bounds of one decoder. ``max_samples`` is the longest recording accepted (16 kHz samples); ``stall_s`` the
    longest wait for output while we are asking for it; ``wall_s`` the longest life of the process (None: no bound);
    ``cage`` the limits of the child process."""

    max_samples: int = 12 * 3600 * SAMPLE_RATE
    stall_s: float = 60.0
    wall_s: float | None = None
    cage: Cage = field(default_factory=Cage)


class Decoder:
    """A running decoder; made by ``file_decoder`` and ``stream_decoder``, which end it again.

    ``duration_samples`` and ``title`` are what the container claims, or None; known after ``ready``.
    """

    def __init__(self, process: asyncio.subprocess.Process, limits: DecodeLimits) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdout = process.stdout
        self._limits = limits
        self._diagnosis = Diagnosis()
        self._head_seen = asyncio.Event()
        self._drain = asyncio.create_task(self._read_stderr(process.stderr))
        self._feed: asyncio.Task[None] | None = None
        self._ends_at = None if limits.wall_s is None else time.monotonic() + limits.wall_s
        self._first = b""
        self._produced = False

    @property
    def claims(self) -> Diagnosis:
        """What the container says about itself."""
        return self._diagnosis

    @property
    def duration_samples(self) -> int | None:
        """Length of the recording in samples as the container claims it, or None."""
        return self._diagnosis.duration_samples

    @property
    def title(self) -> str | None:
        """Title from the file's own tags, cleaned and cut, or None."""
        return self._diagnosis.title

    async def ready(self) -> None:
        """Wait for the first sample and what the container claims. Raises ``DecodeError`` when none will come."""
        self._first = await self._read(SAMPLE_BYTES)
        if not self._first:
            await self._finish()
            raise DecodeError("no_audio_track", "The recording contains no sound.")
        await self._head_seen.wait()

    async def chunks(self, start: int, skip: int, chunk_samples: int) -> AsyncGenerator[Chunk]:
        """PCM after leaving out ``skip`` samples, numbered from ``start``, ``chunk_samples`` a chunk (the last one
        may be shorter). Raises ``DecodeError`` or what the source raised."""
        position, shift = start, skip - start
        await self._skip(skip)
        while data := await self._read_chunk(chunk_samples * SAMPLE_BYTES):
            chunk = Chunk(position, data)
            position = chunk.end
            if position + shift > self._limits.max_samples:
                raise too_long(self._limits.max_samples)
            yield chunk
        await self._finish()

    def feed(self, source: AsyncIterator[bytes]) -> None:
        """Write ``source`` to the decoder's standard input, as fast as it is taken, in a task of its own."""
        assert self._process.stdin is not None
        self._feed = asyncio.create_task(_pump(source, self._process.stdin))

    async def close(self) -> None:
        """End the process and everything that belongs to it; harmless when it has ended already."""
        try:
            if self._feed is not None:
                self._feed.cancel()
                await asyncio.wait([self._feed])
        finally:
            try:
                await stop(self._process)
            finally:
                self._drain.cancel()
                await asyncio.wait([self._drain])

    async def _skip(self, samples: int) -> None:
        left = samples * SAMPLE_BYTES
        while left > 0 and (data := await self._read_chunk(min(left, _SKIP_BYTES))):
            left -= len(data)

    async def _read_chunk(self, size: int) -> bytes:
        first, self._first = self._first, b""
        data = first + await self._read(size - len(first)) if first else await self._read(size)
        return data[: len(data) - len(data) % SAMPLE_BYTES] if len(data) % SAMPLE_BYTES else data

    async def _read(self, size: int) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        try:
            async with asyncio.timeout(self._patience()):
                data = await self._stdout.readexactly(size)
        except asyncio.IncompleteReadError as end:
            data = end.partial
        except TimeoutError:
            self._raise_source_error()
            raise DecodeError("decode_stalled", "The decoder stopped producing sound.", retryable=True) from None
        self._produced = self._produced or bool(data)
        return data

    def _patience(self) -> float:
        if self._ends_at is None:
            return self._limits.stall_s
        return max(0.0, min(self._limits.stall_s, self._ends_at - time.monotonic()))

    async def _finish(self) -> None:
        """After the last byte: the source's own failure first, then the decoder's verdict."""
        try:
            async with asyncio.timeout(self._limits.stall_s):
                code = await self._process.wait()
                await self._drain
        except TimeoutError:
            raise DecodeError("decode_stalled", "The decoder did not end.", retryable=True) from None
        self._raise_source_error()
        self._diagnosis.judge(code, produced=self._produced)

    def _raise_source_error(self) -> None:
        if self._feed is not None and self._feed.done() and not self._feed.cancelled():
            error = self._feed.exception()
            if error is not None:
                raise error

    async def _read_stderr(self, stderr: asyncio.StreamReader) -> None:
        try:
            while piece := await stderr.read(_STDERR_BYTES):
                self._diagnosis.feed(piece)
                if self._diagnosis.head_seen:
                    self._head_seen.set()
        finally:
            self._head_seen.set()


@asynccontextmanager
async def file_decoder(
    path: Path, *, limits: DecodeLimits | None = None, ffmpeg: str | None = None
) -> AsyncGenerator[Decoder]:
    """A decoder of the file at ``path``, which is opened here; the child gets the descriptor only."""
    limits = limits or DecodeLimits()
    program = programs.find_program(ffmpeg)
    by_descriptor = await asyncio.to_thread(programs.reads_descriptors, program)
    command = programs.file_command(program, limits.max_samples, by_descriptor=by_descriptor)
    descriptor = _open_for_reading(path)
    try:
        process = await spawn(command, stdin=descriptor, cage=replace(limits.cage, input_by_path=not by_descriptor))
    finally:
        os.close(descriptor)
    async with _ending(Decoder(process, limits)) as decoder:
        yield decoder


@asynccontextmanager
async def stream_decoder(
    source: AsyncIterator[bytes],
    *,
    limits: DecodeLimits | None = None,
    ffmpeg: str | None = None,
    declared: SoundFormat | None = None,
) -> AsyncGenerator[Decoder]:
    """A decoder of the bytes that ``source`` yields, for as long as it does; ``declared`` says what they are."""
    limits = limits or DecodeLimits()
    command = programs.stream_command(programs.find_program(ffmpeg), limits.max_samples, declared)
    process = await spawn(command, stdin=asyncio.subprocess.PIPE, cage=limits.cage)
    async with _ending(Decoder(process, limits)) as decoder:
        decoder.feed(source)
        yield decoder


async def decode_file(
    path: Path,
    *,
    start: int = 0,
    chunk_samples: int = SAMPLE_RATE,
    limits: DecodeLimits | None = None,
    ffmpeg: str | None = None,
) -> AsyncGenerator[Chunk]:
    """PCM of a file from sample ``start`` on, the same bytes that a whole decode has there: it is decoded again from
    the beginning and skipped exactly. Raises ``DecodeError``; close the iterator (``aclosing``) when leaving early."""
    async with (
        file_decoder(path, limits=limits, ffmpeg=ffmpeg) as decoder,
        aclosing(decoder.chunks(start, start, chunk_samples)) as chunks,
    ):
        async for chunk in chunks:
            yield chunk


async def decode_stream(
    source: AsyncIterator[bytes],
    *,
    start: int = 0,
    chunk_samples: int = SAMPLE_RATE // 10,
    limits: DecodeLimits | None = None,
    ffmpeg: str | None = None,
) -> AsyncGenerator[Chunk]:
    """PCM of a live stream as it comes, numbered from ``start`` (nothing is skipped: a stream cannot be heard twice).
    Raises ``DecodeError`` or what ``source`` raises, after the last sample that could be decoded."""
    async with (
        stream_decoder(source, limits=limits, ffmpeg=ffmpeg) as decoder,
        aclosing(decoder.chunks(start, 0, chunk_samples)) as chunks,
    ):
        async for chunk in chunks:
            yield chunk


@asynccontextmanager
async def _ending(decoder: Decoder) -> AsyncGenerator[Decoder]:
    try:
        yield decoder
    finally:
        await decoder.close()


async def _pump(source: AsyncIterator[bytes], stdin: asyncio.StreamWriter) -> None:
    try:
        async for piece in source:
            stdin.write(piece)
            await stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # the decoder has ended, and its exit code tells why
    finally:
        stdin.close()


def _open_for_reading(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise DecodeError("media_missing", "The stored recording is not there any more.") from error


def too_long(max_samples: int) -> DecodeError:
    return DecodeError(
        "too_long", f"The recording is longer than the {max_samples / SAMPLE_RATE / 3600:g} hours allowed."
    )
