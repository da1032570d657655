"""A look at a link before it is submitted: what it is, how long, and why not if not. Bounded in time and bytes.

Of a file a beginning and the place of its index are fetched and put into a file with holes of the announced length,
which the caged decoder is asked about: that tells the length of every format without a parser of our own for each.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .decode import DecodeLimits, file_decoder
from .diagnosis import Diagnosis
from .errors import DecodeError, FetchError, MediaError, NotMedia
from .fetch import Limits, open_url
from .findings import Part, Probe, ProbeKind, numbers, unusable
from .guard import Policy
from .hls.reader import HlsReader, Patience
from .mp4 import has_picture, index_start, movie_seconds
from .network import Resolver, system_resolver
from .pages import Pages, find_recording
from .pcm import SAMPLE_RATE, samples_to_seconds
from .podcast import fetch_feed
from .sandbox import Cage
from .selftest import require_safe_decoder
from .sources import Kind, Source, SourceInfo, open_source

#: Bytes of a file's beginning that are fetched, and of its index or its end.
HEAD_BYTES = 256 * 1024
TAIL_BYTES = 256 * 1024

_PATIENCE = Patience(tries=1)
_DECODING = DecodeLimits(max_samples=SAMPLE_RATE, stall_s=4.0, wall_s=6.0, cage=Cage(cpu_s=5))


async def probe(
    text: str,
    *,
    policy: Policy,
    resolver: Resolver = system_resolver,
    max_bytes: int | None = 4 * 1024**3,
    ffmpeg: str | None = None,
    language: str = "",
    seconds: float = 10.0,
    allow_unsafe_decoder: bool = False,
    pages: Pages | None = None,
) -> Probe:
    """What the link ``text`` leads to, within ``seconds``. Never raises for what it finds: see ``Probe.error``, whose
    code may also be ``probe_timeout`` (it may work all the same). ``max_bytes`` is the largest file accepted. A web
    page is read as ``pages`` says (None: not at all), which takes its own seconds."""
    limits = Limits(max_bytes=max_bytes, first_byte_s=6.0, idle_s=4.0, total_s=seconds, min_rate=0)
    link = _Link(text.strip(), policy, resolver, limits, ffmpeg, language, allow_unsafe_decoder)
    try:
        return await _look(link, seconds, pages)
    except TimeoutError:
        step = "It may work all the same: start it and see."
        return unusable(FetchError("probe_timeout", "The source takes long to answer.", next_step=step, retryable=True))
    except MediaError as error:
        return unusable(error)


@dataclass(frozen=True, slots=True)
class _Link:
    text: str
    policy: Policy
    resolver: Resolver
    limits: Limits
    ffmpeg: str | None
    language: str
    allow_unsafe: bool

    async def look(self) -> Probe:
        try:
            async with AsyncExitStack() as stack:
                opening = open_source(self.text, policy=self.policy, limits=self.limits, resolver=self.resolver)
                source = await stack.enter_async_context(opening)
                if source.info.kind is Kind.LIVE:
                    return _radio(source.info)
                if source.info.kind is Kind.FILE:
                    head = await _beginning(source)
                    await stack.aclose()
                    return await self._file(source.info, head)
            return await self._hls(source.info.url)
        except NotMedia as error:
            if error.code != "is_feed":
                raise
        return await self._feed()

    async def _hls(self, url: str) -> Probe:
        fetch = partial(open_url, policy=self.policy, resolver=self.resolver)
        stream = await HlsReader(url, fetch, language=self.language, patience=_PATIENCE).open()
        choice = stream.choice
        code = "live_hls_radio" if choice.audio_only else "live_hls"
        kind = ProbeKind.HLS_LIVE if stream.live else ProbeKind.HLS_RECORDING
        first = Part(code if stream.live else "hls_recording")
        rest = numbers(seconds=stream.seconds, kbps=round(choice.bandwidth / 1000))
        secret = (Part("encrypted"),) if stream.encrypted else ()
        duration = None if stream.seconds is None else round(stream.seconds)
        return Probe(kind, (first, *rest, *secret), duration_s=duration, details={"container": "hls", "url": url})

    async def _feed(self) -> Probe:
        url, feed = await fetch_feed(self.text, policy=self.policy, resolver=self.resolver)
        parts = (Part("feed"), Part("episodes", {"count": len(feed.episodes)}))
        return Probe(ProbeKind.FEED, parts, title=feed.title, details={"url": url}, episodes=feed.episodes)

    async def _file(self, info: SourceInfo, head: bytes) -> Probe:
        at, tail = await self._index(info, head)
        claims = await self._ask_decoder(info.size or len(head), head, at, tail)
        seconds = None if claims.duration_samples is None else samples_to_seconds(claims.duration_samples)
        picture = claims.picture
        if info.container == "mov":
            seconds = seconds or movie_seconds(head) or movie_seconds(tail)
            picture = picture or has_picture(head) or has_picture(tail)
        if picture and not claims.coding and claims.duration_samples:
            raise DecodeError("no_audio_track", "The recording contains no sound track.")
        kind = ProbeKind.VIDEO if picture else ProbeKind.AUDIO
        # Of a film its length says more than its size.
        parts = numbers(size=None if picture and seconds else info.size, seconds=seconds)
        return Probe(
            kind,
            (Part("video" if picture else "audio_file" if claims.coding else "recording"), *parts),
            title=info.title or claims.title,
            duration_s=None if seconds is None else round(seconds),
            details={"container": info.container, "coding": claims.coding or "", "url": info.url},
        )

    async def _index(self, info: SourceInfo, head: bytes) -> tuple[int, bytes]:
        """Offset and bytes of the part behind ``head`` that most likely tells the length; nothing when the server
        gives no parts."""
        if info.size is None or info.size <= len(head):
            return 0, b""
        start = index_start(head) if info.container == "mov" else None
        start = max(len(head), info.size - TAIL_BYTES) if start is None or start >= info.size else start
        stop = min(info.size, start + TAIL_BYTES)
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        fetch = open_url(info.url, policy=self.policy, limits=self.limits, resolver=self.resolver, headers=headers)
        with suppress(FetchError):
            async with fetch as response, aclosing(response.aiter_bytes()) as body:
                if response.status == 206:
                    return start, await _collect(body, stop - start)
        return 0, b""

    async def _ask_decoder(self, size: int, head: bytes, at: int, tail: bytes) -> Diagnosis:
        await require_safe_decoder(allow_unsafe=self.allow_unsafe)
        with tempfile.TemporaryDirectory(prefix="sttweb-probe-") as folder:
            path = Path(folder) / "partial"
            await asyncio.to_thread(_write_with_holes, path, size, head, at, tail)
            async with file_decoder(path, limits=_DECODING, ffmpeg=self.ffmpeg) as decoder:
                # Damage is to be expected where the holes are; what the head of the file said is known by then.
                with suppress(DecodeError):
                    await decoder.ready()
                return decoder.claims


async def _look(link: _Link, seconds: float, pages: Pages | None) -> Probe:
    try:
        async with asyncio.timeout(seconds):
            return await link.look()
    except NotMedia as error:
        if error.code != "is_page" or pages is None:
            raise
    page = await find_recording(link.text, pages=pages, policy=link.policy, resolver=link.resolver)
    async with asyncio.timeout(seconds):
        found = await replace(link, text=page.url).look()
    return replace(found, title=page.title or found.title)


def _radio(info: SourceInfo) -> Probe:
    first = Part("live_radio" if info.radio else "live_stream")
    details = {"container": info.container, "url": info.url}
    return Probe(ProbeKind.RADIO, (first, *numbers(kbps=info.kbps)), title=info.title, details=details)


async def _beginning(source: Source) -> bytes:
    async with aclosing(source.aiter_bytes()) as body:
        return await _collect(body, HEAD_BYTES)


async def _collect(body: AsyncIterator[bytes], size: int) -> bytes:
    data = bytearray()
    async for piece in body:
        data += piece
        if len(data) >= size:
            break
    return bytes(data[:size])


def _write_with_holes(path: Path, size: int, head: bytes, at: int, tail: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, max(size, len(head)))
        os.pwrite(descriptor, head, 0)
        os.pwrite(descriptor, tail, at or len(head))
    finally:
        os.close(descriptor)
