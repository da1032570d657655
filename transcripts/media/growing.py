"""Sound from a file that still grows: what a client sends is written by one process and heard from here by another.

A file that is looked at again is slower than a pipe by a few hundredths of a second, and survives both its ends.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from .decode import stream_decoder
from .errors import DecodeError
from .pcm import SAMPLE_BYTES, SAMPLE_RATE, Chunk
from .request import Audio, AudioRequest, Growing
from .status import Reporter, SourceState
from .streams import watched

#: Seconds between two looks at the file's end, and between two questions whether it is the end.
POLL_SECONDS, ASK_SECONDS = 0.05, 0.5
#: Nothing new for so long is told to the watchers.
STALLED_SECONDS = 5.0
_READ_BYTES = 64 * 1024
#: A sender may pause as long as it likes; who sends nothing is ended by others.
_PATIENCE_S = 7 * 86_400.0


def growing_audio(request: AudioRequest, growing: Growing) -> Audio:
    """The sound of a growing file from ``request.start`` on, sample for sample what an earlier try heard."""
    reporter = Reporter(request.on_status)
    return Audio(lambda: watched(request, lambda: _chunks(request, growing, reporter), reporter, begin=0), live=True)


async def _chunks(request: AudioRequest, growing: Growing, reporter: Reporter) -> AsyncGenerator[Chunk]:
    sound = _as_it_is if growing.sound.is_ours else _decoded
    async with aclosing(sound(request, growing, reporter)) as chunks:
        async for chunk in chunks:
            yield chunk


async def _as_it_is(request: AudioRequest, growing: Growing, reporter: Reporter) -> AsyncGenerator[Chunk]:
    position, rest = request.start, b""
    async with aclosing(follow(growing, reporter, position * SAMPLE_BYTES)) as pieces:
        async for piece in pieces:
            data = rest + piece
            whole = len(data) - len(data) % SAMPLE_BYTES
            rest = data[whole:]
            if whole:
                chunk = Chunk(position, data[:whole])
                position = chunk.end
                yield chunk


async def _decoded(request: AudioRequest, growing: Growing, reporter: Reporter) -> AsyncGenerator[Chunk]:
    limits = replace(request.decode_limits, stall_s=_PATIENCE_S)
    size = request.chunk_samples or SAMPLE_RATE // 10
    async with (
        aclosing(follow(growing, reporter)) as source,
        stream_decoder(source, limits=limits, ffmpeg=request.ffmpeg, declared=growing.sound) as decoder,
        aclosing(decoder.chunks(request.start, request.start, size)) as chunks,
    ):
        async for chunk in chunks:
            yield chunk


async def follow(growing: Growing, reporter: Reporter, offset: int = 0) -> AsyncGenerator[bytes]:
    """The file's bytes from ``offset`` on, as they come, to its end. Raises ``DecodeError`` (``media_missing``)."""
    descriptor = await asyncio.to_thread(_open, growing.path)
    try:
        at_end, asked = False, time.monotonic()
        came = asked
        while True:
            piece = await asyncio.to_thread(os.pread, descriptor, _READ_BYTES, offset)
            if piece:
                offset, came = offset + len(piece), time.monotonic()
                _tell(reporter, SourceState.STALLED, SourceState.PLAYING)
                yield piece
                continue
            if at_end:
                return
            now = time.monotonic()
            if now - asked >= ASK_SECONDS:
                asked, at_end = now, await growing.ended()
            elif now - came >= STALLED_SECONDS:
                _tell(reporter, SourceState.PLAYING, SourceState.STALLED, now - came)
            if not at_end:
                await asyncio.sleep(POLL_SECONDS)
    finally:
        os.close(descriptor)


def _tell(reporter: Reporter, before: SourceState, after: SourceState, seconds: float = 0.0) -> None:
    if reporter.state is before:
        reporter.tell(after, seconds=seconds)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise DecodeError("media_missing", "The stored recording is not there any more.") from error
