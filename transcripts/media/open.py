"""From a request for sound to PCM, whatever it is: the one door of this package for ``jobs.session``."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path

from .decode import decode_file, file_decoder
from .errors import DecodeError, FetchError
from .growing import growing_audio
from .hls.reader import HlsReader, Patience
from .hls.recorded import Recorded, find_recorded, record, recorded_chunks
from .pcm import SAMPLE_RATE, seconds_to_samples
from .request import Audio as Audio
from .request import AudioRequest as AudioRequest
from .selftest import require_safe_decoder
from .sniff import SNIFF_BYTES, judge_content
from .sources import Kind
from .spool import Spooled, find_spooled, spool
from .streams import bounded, connect, fetcher, hls_audio, live_audio

#: A recording that is fetched ahead can wait for a segment longer than a listener can.
_RECORDED_PATIENCE = Patience(tries=5, retry_s=1.0)


@asynccontextmanager
async def open_audio(request: AudioRequest) -> AsyncIterator[Audio]:
    """Open what ``request`` names. A file is fetched completely before this returns (``on_progress`` tells how far)
    and its first sample is there; a stream is connected. Leaving ends everything. Raises ``MediaError``."""
    await require_safe_decoder(allow_unsafe=request.allow_unsafe_decoder)
    async with AsyncExitStack() as stack, aclosing(await _open(request, stack)) as audio:
        yield audio


async def _open(request: AudioRequest, stack: AsyncExitStack) -> Audio:
    """Open sound, whose connection and decoder belong to ``stack``."""
    if request.growing is not None:
        return growing_audio(request, request.growing)
    if request.path is not None:
        await asyncio.to_thread(_judge_file, request.path)
        return await stack.enter_async_context(_file_audio(request, request.path, None))
    found = await asyncio.to_thread(_find_unchanged, request) or await _fetch(request, stack)
    if isinstance(found, Audio):
        return found
    _require_same(request, found.sha256)
    if isinstance(found, Recorded):
        return _recorded_audio(request, found)
    return await stack.enter_async_context(_file_audio(request, found.path, found))


async def _fetch(request: AudioRequest, stack: AsyncExitStack) -> Audio | Recorded | Spooled:
    """A live source as open sound, whose connection belongs to ``stack``; anything else as what was kept of it."""
    source = await stack.enter_async_context(connect(request))
    if source.info.kind is Kind.LIVE:
        return live_audio(request, source, stack)
    if source.info.kind is Kind.FILE:
        kept = await spool(source, _spool_dir(request), request.on_progress)
        await stack.aclose()
        return kept
    await stack.aclose()
    url = source.info.url
    reader = HlsReader(url, fetcher(request), language=request.language, patience=request.hls_patience)
    live = (await reader.open()).live
    if live and request.kind is Kind.FILE:
        step = "Submit it as a live stream."
        raise FetchError("source_is_live", "This is a live stream without an end, not a file.", next_step=step)
    return hls_audio(request, reader, url) if live or request.kind is Kind.LIVE else await _record(request, url)


@asynccontextmanager
async def _file_audio(request: AudioRequest, path: Path, file: Spooled | None) -> AsyncIterator[Audio]:
    async with file_decoder(path, limits=request.decode_limits, ffmpeg=request.ffmpeg) as decoder:
        await decoder.ready()
        yield Audio(
            partial(decoder.chunks, request.start, request.start, request.chunk_samples or SAMPLE_RATE),
            path=path,
            sha256=file.sha256 if file else None,
            source_url=file.url if file else None,
            duration_samples=decoder.duration_samples,
            title_hint=decoder.title,
        )


def _recorded_audio(request: AudioRequest, recorded: Recorded) -> Audio:
    decode = partial(decode_file, limits=request.decode_limits, ffmpeg=request.ffmpeg)
    size = request.chunk_samples or SAMPLE_RATE
    chunks = partial(recorded_chunks, recorded, decode, start=request.start, chunk_samples=size)
    duration = seconds_to_samples(recorded.seconds)
    audio = Audio(
        partial(bounded, request, chunks, 0),
        sha256=recorded.sha256,
        source_url=recorded.url,
        duration_samples=duration,
    )
    audio.missing_at_end = seconds_to_samples(recorded.missing_at_end)
    return audio


async def _record(request: AudioRequest, url: str) -> Recorded:
    reader = HlsReader(url, fetcher(request), language=request.language, patience=_RECORDED_PATIENCE)
    async with aclosing(reader.items()) as items:
        return await record(items, _spool_dir(request), url=url, limits=request.limits, progress=request.on_progress)


def _spool_dir(request: AudioRequest) -> Path:
    assert request.spool_dir is not None
    return request.spool_dir


def _judge_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError as error:
        raise DecodeError("media_missing", "The stored recording is not there any more.") from error
    judge_content(head)


def _find_unchanged(request: AudioRequest) -> Spooled | Recorded | None:
    """What an earlier try fetched, if its bytes are still the ones that were hashed."""
    if request.kind is Kind.LIVE:
        return None
    spooled = find_spooled(_spool_dir(request))
    if spooled is None:
        return find_recorded(_spool_dir(request))
    with spooled.path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == spooled.sha256
    return spooled if same else None


def _require_same(request: AudioRequest, sha256: str) -> None:
    if request.expect_sha256 not in (None, sha256):
        step = "Submit the link again to transcribe it from the beginning."
        raise FetchError("source_changed", "The file at the link is not the one that was begun.", next_step=step)
