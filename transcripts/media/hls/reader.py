"""Following an HLS stream: reloads, fetches and retries by the schedule's plan, one segment ahead of the consumer.

A worker task keeps the playlist fresh and has at most one item waiting; the consumer's own pace is the back-pressure.
Closing the iterator ends the worker and whatever it was fetching.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from transcripts.media.errors import FetchError, MediaError, NotMedia

from .choose import Choice, choose
from .items import Bytes, Discontinuity, Ended, Item, Missing, Stalled
from .loading import Bounds, Fetch, Loader
from .model import HlsError, Map, MasterPlaylist, MediaPlaylist, Segment, invalid
from .schedule import Schedule, Skip, Take

#: Failures of the fetched thing itself: asking again would bring the same.
_LASTING = frozenset(
    {"source_too_large", "source_forbidden", "source_encoding", "too_many_redirects", "source_too_slow"}
)

#: Playlist errors that a reload may heal: a half-written file, an error page.
_PASSING = frozenset({"hls_invalid", "hls_limits"})


class Clock:
    """Time as the reader sees it; tests bring a faster one."""

    def now(self) -> float:
        """Seconds on a steady clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait ``seconds`` of this clock."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When to give up. ``tries`` of a segment, waiting ``retry_s`` and twice as long each time; ``bad_segments`` in a
    row that end it; ``reloads`` in a row that may fail (8 are about 2 minutes); ``stall_limit_s`` without anything
    new after which a live stream counts as over."""

    tries: int = 3
    retry_s: float = 0.5
    bad_segments: int = 3
    reloads: int = 8
    stall_limit_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Stream:
    """What is known before the first segment: ``live`` or not, ``seconds`` of a finished one, what was chosen, and
    whether it is ``encrypted``."""

    live: bool
    seconds: float | None
    choice: Choice
    encrypted: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """What the decoder has been given since it was last started."""

    begun: bool = False
    container: str = ""
    map: Map | None = None


class HlsReader:
    """One pass over the stream at ``url``: ``open`` (optional) tells what it is, ``items`` gives it, once.

    ``fetch`` reaches the network for everything; ``language`` is the wish for an audio rendition; ``from_start``
    begins a live stream at the oldest segment still listed.
    """

    def __init__(
        self,
        url: str,
        fetch: Fetch,
        *,
        language: str = "",
        from_start: bool = False,
        patience: Patience | None = None,
        bounds: Bounds | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._url = url
        self._language = language
        self._patience = patience or Patience()
        self._clock = clock or Clock()
        self._loader = Loader(fetch, bounds or Bounds())
        self._schedule = Schedule(self._clock.now(), from_start=from_start)
        self._stream: Stream | None = None
        self._queue: asyncio.Queue[Item] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._run = _Run()
        self._bad = 0
        self._heard = False

    async def open(self) -> Stream:
        """Load the playlists, depth two at most, once. Raises ``HlsError``, ``FetchError``, ``BlockedUrl``; what may
        pass is tried again first."""
        if self._stream is None:
            found, began = await self._load_patiently(self._url)
            choice = Choice(self._url, audio_only=False)
            if isinstance(found, MasterPlaylist):
                choice = choose(found, self._language)
                found, began = await self._load_patiently(choice.uri)
            playlist = _require_media(found)
            self._schedule.update(playlist, began)
            self._stream = _describe(playlist, choice)
        return self._stream

    async def items(self) -> AsyncGenerator[Item]:
        """The stream until ``Ended``. Raises what ``open`` raises, ``HlsError`` (``source_bad_segments``) and
        ``FetchError`` (``source_unavailable``, retryable) when the playlist cannot be had any more."""
        worker = asyncio.create_task(self._work())
        try:
            silent = False
            while not (worker.done() and self._queue.empty()):
                item = await self._next(worker, notice=not silent)
                if item is not None:
                    silent = isinstance(item, Stalled)
                    yield item
            worker.result()
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _next(self, worker: asyncio.Task[None], *, notice: bool) -> Item | None:
        """The next item, or ``Stalled`` when it is long in coming and ``notice`` is wanted; None when the worker is
        done. Only time in which the consumer waits counts."""
        getting = asyncio.create_task(self._queue.get())
        timer = asyncio.create_task(self._clock.sleep(self._schedule.stall_after))
        try:
            await asyncio.wait({getting, worker, timer} if notice else {getting, worker}, return_when="FIRST_COMPLETED")
            if getting.done():
                self._taken.set()
                return getting.result()
            return None if worker.done() else Stalled(self._schedule.stall_after)
        finally:
            getting.cancel()
            timer.cancel()

    async def _work(self) -> None:
        await self.open()
        while True:
            await self._until_taken()
            step = self._schedule.next_step()
            if isinstance(step, Take):
                await self._take(step.segment)
            elif isinstance(step, Skip):
                self._miss(step.seconds, step.reason)
            elif self._schedule.ended:
                return self._end("complete")
            elif self._schedule.idle(self._clock.now()) >= self._patience.stall_limit_s:
                return self._end("source_ended")
            else:
                await self._clock.sleep(max(0.0, self._schedule.reload_at - self._clock.now()))
                await self._reload()

    async def _until_taken(self) -> None:
        """Wait until nothing is waiting for the consumer; a live playlist is reloaded meanwhile, so that a slow
        consumer misses no segment that was listed."""
        while not self._queue.empty():
            self._taken.clear()
            taken = asyncio.create_task(self._taken.wait())
            due = asyncio.create_task(self._clock.sleep(max(0.0, self._schedule.reload_at - self._clock.now())))
            try:
                live = self._stream is not None and self._stream.live and not self._schedule.complete
                await asyncio.wait({taken, due} if live else {taken}, return_when="FIRST_COMPLETED")
                reload = live and not taken.done()
            finally:
                taken.cancel()
                due.cancel()
            if reload:
                await self._reload()

    async def _load_patiently(self, url: str) -> tuple[MasterPlaylist | MediaPlaylist, float]:
        """The playlist and when its loading began."""
        for attempt in range(1, self._patience.tries + 1):
            began = self._clock.now()
            try:
                return await self._loader.playlist(url), began
            except FetchError as error:
                if not error.retryable or attempt == self._patience.tries:
                    raise
            await self._clock.sleep(2.0 ** (attempt - 1))
        raise AssertionError("unreachable")

    async def _reload(self) -> None:
        began = self._clock.now()
        assert self._stream is not None
        try:
            found = _require_media(await self._loader.playlist(self._stream.choice.uri))
        except (FetchError, HlsError) as error:
            if isinstance(error, HlsError) and error.code not in _PASSING:
                raise
            self._schedule.failed(self._clock.now())
            if self._schedule.failures >= self._patience.reloads:
                raise FetchError("source_unavailable", "The live stream's playlist is gone.", retryable=True) from error
            return
        self._schedule.update(found, began)

    async def _take(self, segment: Segment) -> None:
        try:
            section, data, container = await self._fetch(segment)
        except (FetchError, NotMedia) as error:
            self._bad += 1
            if self._bad >= self._patience.bad_segments:
                raise _bad_segments(error) from error
            self._miss(segment.duration, "unreadable" if isinstance(error, NotMedia) else "unavailable")
            return
        self._bad = 0
        self._heard = True
        self._give(segment, section, data, container)

    async def _fetch(self, segment: Segment) -> tuple[bytes, bytes, str]:
        """Initialisation section (or nothing), media and container, after as many tries as make sense."""
        for attempt in range(1, self._patience.tries + 1):
            try:
                section = await self._loader.initialisation(segment.map) if segment.map else b""
                return section, *await self._loader.segment(segment)
            except (FetchError, NotMedia) as error:
                if error.code in _LASTING or attempt == self._patience.tries:
                    raise
            await self._clock.sleep(self._patience.retry_s * 2.0 ** (attempt - 1))
        raise AssertionError("unreachable")

    def _give(self, segment: Segment, section: bytes, data: bytes, container: str) -> None:
        run = self._run
        changed = segment.discontinuity or (segment.map, container) != (run.map, run.container)
        if run.begun and changed:
            self._queue.put_nowait(Discontinuity())
        if section and (changed or not run.begun):
            self._queue.put_nowait(Bytes(section, section=True))
        self._run = _Run(True, container, segment.map)
        self._queue.put_nowait(Bytes(data, segment.duration, segment.program_time))

    def _miss(self, seconds: float, reason: str) -> None:
        self._run = _Run()
        self._queue.put_nowait(Missing(seconds, reason))

    def _end(self, reason: str) -> None:
        if self._bad and not self._heard:
            raise _bad_segments(None)
        self._queue.put_nowait(Ended(reason))


def _require_media(found: MasterPlaylist | MediaPlaylist) -> MediaPlaylist:
    if isinstance(found, MasterPlaylist):
        raise HlsError("hls_too_deep", "The HLS playlist leads to another list of streams instead of to media.")
    if not found.segments and not found.live:
        raise invalid("names no media")
    return found


def _describe(playlist: MediaPlaylist, choice: Choice) -> Stream:
    return Stream(
        live=playlist.live,
        seconds=None if playlist.live else playlist.seconds,
        choice=choice,
        encrypted=any(segment.key for segment in playlist.segments),
    )


def _bad_segments(error: MediaError | None) -> HlsError:
    retryable = isinstance(error, FetchError) and error.code not in _LASTING
    return HlsError("source_bad_segments", "The stream's media cannot be fetched or is no media.", retryable=retryable)
