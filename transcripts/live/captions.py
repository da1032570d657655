"""Captions for people without an account: one delayed copy of the last words per link and process.

A feed follows its transcript like any browser, holds everything back for the link's delay, and hands out the whole
present picture each time: the newest wins, so a slow reader costs nothing and a lost message is mended by the next.
Nothing but the text of speech leaves here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error as DatabaseError
from django.utils import timezone

from transcripts.live import events
from transcripts.live.outbox import Outbox
from transcripts.live.station import NOT_FOUND, Gone, station
from transcripts.live.threads import in_thread
from transcripts.models import FINAL, CaptionLink, Event, EventKind, Segment

logger = logging.getLogger(__name__)

#: Seconds between two looks at whether the link is still there.
CHECK_SECONDS = 2.0
#: Characters of settled text that a caption shows at most, and the segments they come from.
SHOWN, SEGMENTS = 600, 12
#: Messages held back at once; past it guesses are left out, which only makes captions calmer.
MAX_HELD = 4000
#: Browsers that one link may have in one process, and the close code of the next.
MAX_WATCHERS, CROWDED = 1000, 4429


class Link(NamedTuple):
    """What a feed knows of its link."""

    pk: UUID
    transcript_id: UUID
    delay: float


def is_alive(pk: UUID) -> bool:
    """Whether the link still shows anything. Blocks on the database."""
    return CaptionLink.objects.alive().filter(pk=pk).exists()


def read_start(transcript_id: UUID) -> int:
    """The number after which the text begins that a caption can show. Blocks on the database."""
    newest = Segment.objects.filter(transcript_id=transcript_id).newest_first().values_list("seq", flat=True)
    return min(newest[:SEGMENTS], default=1) - 1


def last_text(link: CaptionLink) -> tuple[str, str]:
    """Text and language of the newest passage that is old enough to be shown. Blocks on the database."""
    due = timezone.now() - timedelta(seconds=link.delay_seconds)
    commits = Event.objects.filter(transcript_id=link.transcript_id, kind=EventKind.COMMIT, at__lte=due)
    payload = commits.order_by("-seq").values_list("payload", flat=True).first() or {}
    return str(payload.get("text", "")), str(payload.get("language", ""))


class Picture:
    """What a caption shows, built from messages in their order. Pure."""

    def __init__(self) -> None:
        self.settled = self.open = self.language = ""
        self.ended = False
        self._end = 0

    def take(self, message: Mapping[str, Any]) -> None:
        """Apply one message of the transcript's socket; what is no text changes nothing."""
        data = message["data"]
        if message["type"] == "commit":
            self._settle(data)
        elif message["type"] == "partial" and data["start_ms"] >= self._end - 1:
            self.open = data["text"]
        elif message["type"] == "state":
            self.ended = data["state"] in FINAL
            self.open = "" if self.ended else self.open

    def _settle(self, data: Mapping[str, Any]) -> None:
        self._end = max(self._end, data["end_ms"])
        self.settled = f"{self.settled} {data['text']}".strip()
        if len(self.settled) > SHOWN:
            self.settled = self.settled[-SHOWN:].partition(" ")[2] or self.settled[-SHOWN:]
        self.language = data.get("language") or self.language
        self.open = ""

    def encoded(self) -> str:
        """The message for browsers."""
        return events.caption(self.settled, self.open, self.language, ended=self.ended)


class CaptionFeed:
    """The delayed captions of one link in this process. Open it, and stop it when the last watcher left."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.watchers: set[Outbox] = set()
        #: Nothing comes from here any more.
        self.over = False
        self._picture = Picture()
        self._held: deque[tuple[float, Mapping[str, Any]]] = deque()
        self._live = False
        self._bell = asyncio.Event()
        self._inbox = Outbox(self._take, self._lost)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin to follow the transcript. Raises Gone."""
        after = await in_thread(read_start, self.link.transcript_id)
        self._source = await station().watch_transcript(self.link.transcript_id, self._inbox)
        works = {"follow": self._follow(after), "show": self._show(), "check": self._check()}
        self._tasks = [asyncio.create_task(work, name=f"live.captions.{name}") for name, work in works.items()]

    async def follow(self, outbox: Outbox, after: int) -> None:
        """Send the present picture, then each new one. ``after`` has no meaning for captions."""
        if len(self.watchers) > MAX_WATCHERS:
            outbox.shut(CROWDED)
            return
        outbox.push(self._picture.encoded())
        outbox.push(events.caught_up(0))

    def pause(self, outbox: Outbox) -> None:
        """A picture may come at any time: nothing to pause."""

    def shut(self, code: int) -> None:
        """Close every watcher's socket; this feed is over."""
        self.over = True
        for outbox in tuple(self.watchers):
            outbox.shut(code)

    async def stop(self) -> None:
        """Nothing of it runs any more on return."""
        self.over = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            await station().leave(self._source, self._inbox)
        await self._inbox.stop()

    async def _follow(self, after: int) -> None:
        try:
            await self._source.follow(self._inbox, after)
        except Exception as error:  # noqa: BLE001 - whatever it was, the browsers come back and try it again
            logger.warning("captions of %s could not be followed: %r", self.link.transcript_id, error)
            self._inbox.shut(NOT_FOUND)

    async def _take(self, text: str) -> None:
        message = json.loads(text)
        if message["type"] == "caught_up":
            self._live = True
        elif message["type"] in ("commit", "state") or (message["type"] == "partial" and len(self._held) < MAX_HELD):
            self._held.append((time.monotonic() + self._wait(message), message))
            self._bell.set()

    def _wait(self, message: Mapping[str, Any]) -> float:
        """Seconds that a message is held back: what happened before this feed began has waited already."""
        if self._live:
            return self.link.delay
        age = (timezone.now() - datetime.fromisoformat(message["at"])).total_seconds()
        return min(max(self.link.delay - age, 0.0), self.link.delay)

    async def _lost(self, code: int) -> None:
        self.shut(code)

    async def _show(self) -> None:
        while True:
            self._bell.clear()
            if not self._held:
                await self._bell.wait()
            due = self._held[0][0] - time.monotonic()
            if due > 0:
                await asyncio.sleep(due)
            while self._held and self._held[0][0] <= time.monotonic():
                self._picture.take(self._held.popleft()[1])
            encoded = self._picture.encoded()
            for outbox in self.watchers:
                outbox.offer(encoded)

    async def _check(self) -> None:
        """End with the link: taken back by a person, expired, or deleted with its transcript."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                alive = await in_thread(is_alive, self.link.pk)
            except DatabaseError as error:
                logger.warning("a caption link could not be read, asking again: %r", error)
                continue
            if not alive:
                self.shut(NOT_FOUND)


class CaptionDesk:
    """Belongs to one event loop; get it with `desk()`."""

    def __init__(self) -> None:
        self._feeds: dict[UUID, CaptionFeed] = {}
        self._lock = asyncio.Lock()

    async def enter(self, link: Link, outbox: Outbox) -> CaptionFeed:
        """Join the captions of a link. Raises Gone. Pair with `leave`."""
        async with self._lock:
            feed = self._feeds.get(link.pk)
            if feed is None or feed.over:
                feed = CaptionFeed(link)
                await self._open(feed)
            feed.watchers.add(outbox)
            return feed

    async def _open(self, feed: CaptionFeed) -> None:
        try:
            await feed.open()
        except (Gone, DatabaseError, asyncio.CancelledError):
            await feed.stop()
            raise
        self._feeds[feed.link.pk] = feed

    async def leave(self, feed: CaptionFeed, outbox: Outbox) -> None:
        """Stop watching; the last one out ends the feed. Harmless the second time."""
        async with self._lock:
            feed.watchers.discard(outbox)
            if feed.watchers:
                return
            if self._feeds.get(feed.link.pk) is feed:
                del self._feeds[feed.link.pk]
            await feed.stop()


_desks: WeakKeyDictionary[asyncio.AbstractEventLoop, CaptionDesk] = WeakKeyDictionary()


def desk() -> CaptionDesk:
    """The caption desk of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _desks:
        _desks[loop] = CaptionDesk()
    return _desks[loop]
