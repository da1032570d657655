"""From a request for sound to PCM, whatever it is: the one door of this package for ``jobs.session``."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .decode import DecodeLimits, Decoder, file_decoder, stream_decoder
from .errors import DecodeError, FetchError
from .fetch import LIVE_LIMITS, Limits
from .guard import Policy
from .network import Resolver, system_resolver
from .pcm import SAMPLE_RATE, Chunk
from .sniff import SNIFF_BYTES, judge_content
from .sources import Kind, open_source
from .spool import Progress, Spooled, find_spooled, spool


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRequest:
    """What to open: a ``url`` or the ``path`` of a stored upload, from sample ``start`` of the transcript's clock on.

    ``spool_dir`` is this transcript's own folder for a fetched file (needed with ``url``); ``limits`` bound the fetch
    of a file, ``live_limits`` of a stream, ``decode_limits`` the decoder. ``chunk_samples`` None means a second for
    files and 100 ms for streams. ``kind`` insists on a kind; ``expect_sha256`` on the bytes an earlier try heard.
    """

    url: str | None = None
    path: Path | None = None
    start: int = 0
    spool_dir: Path | None = None
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    live_limits: Limits = LIVE_LIMITS
    decode_limits: DecodeLimits = field(default_factory=DecodeLimits)
    chunk_samples: int | None = None
    ffmpeg: str | None = None
    resolver: Resolver = system_resolver
    kind: Kind | None = None
    expect_sha256: str | None = None
    on_progress: Progress | None = None


class Audio:
    """Open sound. ``live`` says which kind; ``sha256`` and ``path`` belong to files; ``source_url`` is the address
    after redirects. ``duration_samples`` and ``title_hint`` may become known only after the first chunk of a stream.
    """

    def __init__(
        self,
        decoder: Decoder,
        request: AudioRequest,
        *,
        live: bool,
        file: Spooled | None = None,
        source_url: str | None = None,
        title: str | None = None,
    ) -> None:
        self.live = live
        self.path = file.path if file else request.path
        self.sha256 = file.sha256 if file else None
        self.source_url = file.url if file else source_url
        self._decoder = decoder
        self._request = request
        self._title = title

    @property
    def duration_samples(self) -> int | None:
        """Length in samples as the file claims it, or None (live, or unknown)."""
        return None if self.live else self._decoder.duration_samples

    @property
    def title_hint(self) -> str | None:
        """Title from the station or the file's tags: cleaned, at most 300 characters, still a stranger's text."""
        return self._title or self._decoder.title

    def chunks(self) -> AsyncGenerator[Chunk]:
        """PCM from ``start`` on, as fast as it is taken (once). Raises ``MediaError``."""
        size = self._request.chunk_samples or (SAMPLE_RATE // 10 if self.live else SAMPLE_RATE)
        return self._decoder.chunks(self._request.start, 0 if self.live else self._request.start, size)


@asynccontextmanager
async def open_audio(request: AudioRequest) -> AsyncIterator[Audio]:
    """Open what ``request`` names. A file is fetched completely before this returns (``on_progress`` tells how far)
    and its first sample is there; a stream is connected. Leaving ends everything. Raises ``MediaError``."""
    if request.path is not None:
        await asyncio.to_thread(_judge_file, request.path)
        async with _file_audio(request, request.path, None) as audio:
            yield audio
        return
    assert request.url is not None
    assert request.spool_dir is not None
    spooled = await asyncio.to_thread(_find_unchanged, request)
    if spooled is None:
        async with open_source(
            request.url,
            policy=request.policy,
            limits=request.limits,
            live_limits=request.live_limits,
            resolver=request.resolver,
            kind=request.kind,
        ) as source:
            if source.info.kind is Kind.LIVE:
                decoding = stream_decoder(source.aiter_bytes(), limits=request.decode_limits, ffmpeg=request.ffmpeg)
                async with decoding as decoder:
                    yield Audio(decoder, request, live=True, source_url=source.info.url, title=source.info.title)
                return
            spooled = await spool(source, request.spool_dir, request.on_progress)
    _require_same(request, spooled)
    async with _file_audio(request, spooled.path, spooled) as audio:
        yield audio


@asynccontextmanager
async def _file_audio(request: AudioRequest, path: Path, file: Spooled | None) -> AsyncIterator[Audio]:
    async with file_decoder(path, limits=request.decode_limits, ffmpeg=request.ffmpeg) as decoder:
        await decoder.ready()
        yield Audio(decoder, request, live=False, file=file)


def _judge_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError as error:
        raise DecodeError("source_gone", "The stored recording is not there any more.") from error
    judge_content(head)


def _find_unchanged(request: AudioRequest) -> Spooled | None:
    """The spooled file of an earlier try, if its bytes are still the ones that were hashed."""
    assert request.spool_dir is not None
    spooled = find_spooled(request.spool_dir)
    if spooled is None or request.kind is Kind.LIVE:
        return None
    with spooled.path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == spooled.sha256
    return spooled if same else None


def _require_same(request: AudioRequest, spooled: Spooled) -> None:
    if request.expect_sha256 not in (None, spooled.sha256):
        step = "Submit the link again to transcribe it from the beginning."
        raise FetchError("source_changed", "The file at the link is not the one that was begun.", next_step=step)
