"""Sound of what is heard while it happens: stations and live playlists, watched for silence and bounded in length."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import replace
from functools import partial

from .decode import decode_stream, too_long
from .fetch import Limits, Response, open_url
from .hls.items import Item, Missing, Stalled
from .hls.loading import Fetch
from .hls.reader import HlsReader
from .hls.sound import hls_chunks
from .live import LiveSound
from .pages import open_link
from .pcm import SAMPLE_RATE, Chunk, seconds_to_samples
from .request import Audio, AudioRequest
from .sources import Kind, Source
from .status import QuietWatch, Reporter, SourceState

Sound = Callable[[], AsyncGenerator[Chunk]]


def connect(request: AudioRequest) -> AbstractAsyncContextManager[Source]:
    """A connection to the link of ``request``, as ``pages.open_link`` makes it."""
    assert request.url is not None
    idle = min(request.live_limits.idle_s, request.patience.silence_s)
    return open_link(
        request.url,
        pages=request.pages,
        on_page=request.on_page,
        policy=request.policy,
        limits=request.limits,
        live_limits=replace(request.live_limits, idle_s=idle),
        resolver=request.resolver,
        kind=request.kind,
        on_title=Reporter(request.on_status).title,
    )


def fetcher(request: AudioRequest) -> Fetch:
    """The guarded client under the request's conditions, for the playlist reader."""

    def fetch(url: str, *, limits: Limits, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Response]:
        return open_url(url, policy=request.policy, limits=limits, resolver=request.resolver, headers=headers)

    return fetch


def live_audio(request: AudioRequest, source: Source, stack: AsyncExitStack) -> Audio:
    """A station's sound, from the connection ``source`` on, which ``stack`` closes."""
    reporter = Reporter(request.on_status)
    # Its own silence ends a connection long before the decoder's patience does.
    limits = replace(request.decode_limits, stall_s=request.patience.silence_s + 10)
    sound = LiveSound(
        source,
        stack,
        partial(connect, replace(request, kind=Kind.LIVE)),
        partial(decode_stream, limits=limits, ffmpeg=request.ffmpeg, chunk_samples=_chunk_samples(request)),
        start=request.start,
        patience=request.patience,
        reporter=reporter,
    )
    chunks = partial(watched, request, sound.chunks, reporter)
    return Audio(chunks, live=True, source_url=source.info.url, title_hint=source.info.title)


def hls_audio(request: AudioRequest, reader: HlsReader, url: str) -> Audio:
    """The sound of a live playlist."""
    reporter = Reporter(request.on_status)
    listener = _HlsListener(request, reader, reporter)
    audio = Audio(partial(watched, request, listener.chunks, reporter), live=True, source_url=url)
    listener.audio = audio
    return audio


class _HlsListener:
    """Sound of a live playlist, and what its reader has to say on the way."""

    audio: Audio

    def __init__(self, request: AudioRequest, reader: HlsReader, reporter: Reporter) -> None:
        self._request = request
        self._reader = reader
        self._reporter = reporter
        self._missing = 0.0

    async def chunks(self) -> AsyncGenerator[Chunk]:
        request = self._request
        # Segments come in bursts, and the reader itself decides how long a playlist may stand still.
        limits = replace(request.decode_limits, stall_s=request.hls_patience.stall_limit_s + 120)
        decode = partial(decode_stream, limits=limits, ffmpeg=request.ffmpeg, chunk_samples=_chunk_samples(request))
        end = request.start
        async with (
            aclosing(self._reader.items()) as items,
            aclosing(hls_chunks(items, decode, start=request.start, on_item=self._hear)) as chunks,
        ):
            async for chunk in chunks:
                if chunk.start != end:
                    self._missing = 0.0
                end = chunk.end
                if self._reporter.state is SourceState.STALLED:
                    self._reporter.tell(SourceState.PLAYING)
                yield chunk
        self.audio.missing_at_end = seconds_to_samples(self._missing)

    def _hear(self, item: Item) -> None:
        if isinstance(item, Stalled):
            self._reporter.tell(SourceState.STALLED, seconds=item.seconds)
        elif isinstance(item, Missing):
            self._missing += item.seconds


def _chunk_samples(request: AudioRequest) -> int:
    return request.chunk_samples or SAMPLE_RATE // 10


async def watched(
    request: AudioRequest, sound: Sound, reporter: Reporter, *, begin: int | None = None
) -> AsyncGenerator[Chunk]:
    """A live source's sound, with a word when there is nothing to hear in it. Its length counts from sample ``begin``
    (None: where the request starts) on."""
    quiet = QuietWatch()
    async with aclosing(bounded(request, sound, request.start if begin is None else begin)) as chunks:
        async for chunk in chunks:
            seconds = quiet.feed(chunk)
            if seconds is not None and reporter.state is SourceState.PLAYING:
                reporter.tell(SourceState.QUIET, seconds=seconds)
            elif seconds is None and reporter.state is SourceState.QUIET:
                reporter.tell(SourceState.PLAYING)
            yield chunk


async def bounded(request: AudioRequest, sound: Sound, begin: int) -> AsyncGenerator[Chunk]:
    """Nothing beyond the longest recording allowed, however many decoders share the work."""
    limit = request.decode_limits.max_samples
    async with aclosing(sound()) as chunks:
        async for chunk in chunks:
            if chunk.end - begin > limit:
                raise too_long(limit)
            yield chunk
