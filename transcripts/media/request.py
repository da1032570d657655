"""What is asked of this package and what it gives: a request for sound, and open sound."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from .decode import DecodeLimits
from .fetch import LIVE_LIMITS, Limits
from .formats import SoundFormat
from .guard import Policy
from .hls.reader import Patience
from .live import LivePatience
from .network import Resolver, system_resolver
from .pages import Page, Pages
from .pcm import Chunk
from .sources import Kind
from .spool import Progress
from .status import OnStatus


@dataclass(frozen=True, slots=True)
class Growing:
    """The file at ``path`` in the form ``sound``; ``ended`` is asked at its end whether nothing more will be written
    (all of it is there when the answer is yes)."""

    path: Path
    sound: SoundFormat
    ended: Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRequest:
    """What to open: a ``url`` or the ``path`` of a stored upload, from sample ``start`` of the transcript's clock on.

    ``spool_dir`` is this transcript's own folder for a fetched file (needed with ``url``); ``limits`` bound the fetch
    of a file, ``live_limits`` of a stream, ``decode_limits`` the decoder. ``chunk_samples`` None means a second for
    files and 100 ms for streams. ``kind`` insists on a kind; ``expect_sha256`` on the bytes an earlier try heard.
    ``language`` (BCP 47) is the wish where a stream has several; ``patience`` and ``hls_patience`` say how long a
    live source may falter; ``on_status`` hears how it is doing, in the event loop, and must not raise.
    ``pages`` says how the recording of a web page is found (None: not at all), ``on_page`` hears what was found.
    ``growing`` is a file that is still written to, instead of a ``url`` or ``path``.
    ``allow_unsafe_decoder`` decodes although the cage does not hold.
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
    language: str = ""
    patience: LivePatience = field(default_factory=LivePatience)
    hls_patience: Patience = field(default_factory=Patience)
    on_progress: Progress | None = None
    on_status: OnStatus | None = None
    pages: Pages | None = None
    on_page: Callable[[Page], None] | None = None
    allow_unsafe_decoder: bool = False
    growing: Growing | None = None


class Audio:
    """Open sound. ``live`` says which kind; ``sha256`` and ``path`` (None for HLS) belong to files; ``source_url`` is
    the address after redirects; ``duration_samples`` the length that a file claims, or None (live, or unknown);
    ``title_hint`` a title from the station or the file's tags: cleaned, still a stranger's text."""

    def __init__(
        self,
        chunks: Callable[[], AsyncGenerator[Chunk]],
        *,
        live: bool = False,
        path: Path | None = None,
        sha256: str | None = None,
        source_url: str | None = None,
        duration_samples: int | None = None,
        title_hint: str | None = None,
    ) -> None:
        self.live = live
        self.path = path
        self.sha256 = sha256
        self.source_url = source_url
        self.duration_samples = duration_samples
        self.title_hint = title_hint
        #: Samples at the very end that could not be had: there is no later chunk to tell of them. Known at the end.
        self.missing_at_end = 0
        self._chunks = chunks
        self._begun: AsyncGenerator[Chunk] | None = None

    def chunks(self) -> AsyncGenerator[Chunk]:
        """PCM from ``start`` on, as fast as it is taken (once). Raises ``MediaError``."""
        self._begun = self._chunks()
        return self._begun

    async def aclose(self) -> None:
        """End the chunks, if their consumer has not."""
        if self._begun is not None:
            await self._begun.aclose()
