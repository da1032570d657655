"""Who watches what in this process: opens a feed with its first watcher, closes it with the last, polls for all.

The poll is one query every two seconds for everything watched here, whatever the layer does: with it a lost doorbell
costs two seconds and a dead layer costs no event (security_reliability.md B8).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error as DatabaseError

from transcripts.live import counts, publish
from transcripts.live.attendance import Teller
from transcripts.live.board import BoardFeed
from transcripts.live.editors import read_editors
from transcripts.live.hub import Hub, Listener
from transcripts.live.outbox import TOO_SLOW, Outbox
from transcripts.live.publish import RIGHTS_GROUP, team_group, transcript_group
from transcripts.live.reader import TranscriptFeed
from transcripts.live.threads import in_thread
from transcripts.models import FINAL, Transcript

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
#: How soon after a change people are told who watches.
ANNOUNCE_SECONDS = 1.0
#: Every how many polls also what had ended is looked at (somebody may have retried or deleted it).
ENDED_EVERY = 15
#: Close code when there is nothing (for this person) to see.
NOT_FOUND = 4404

Feed = TranscriptFeed | BoardFeed


class Head(NamedTuple):
    """Where a transcript stands."""

    last_seq: int
    ended: bool


class Gone(Exception):
    """The transcript does not exist (any more)."""


def read_heads(ids: Iterable[UUID]) -> dict[UUID, Head]:
    """Where these transcripts stand; deleted ones are missing. Blocks on the database."""
    rows = Transcript.objects.filter(pk__in=list(ids)).values_list("pk", "last_seq", "state")
    return {pk: Head(last_seq, state in FINAL) for pk, last_seq, state in rows}


def read_unfinished(teams: Iterable[UUID]) -> dict[UUID, dict[str, int]]:
    """Per team, its transcripts that have not ended, with their last numbers. Blocks on the database."""
    heads: dict[UUID, dict[str, int]] = {team: {} for team in teams}
    rows = Transcript.objects.filter(team_id__in=list(heads)).exclude(state__in=FINAL)
    for team, pk, last_seq in rows.values_list("team_id", "pk", "last_seq"):
        heads[team][str(pk)] = last_seq
    return heads


class Station:
    """Belongs to one event loop; get it with `station()`."""

    def __init__(self) -> None:
        self._hub = Hub()
        self._feeds: dict[str, Feed] = {}
        self._ended: set[UUID] = set()
        self._teller = Teller()
        self._lock = asyncio.Lock()
        self._poller: asyncio.Task[None] | None = None
        self._announcer: asyncio.Task[None] | None = None

    async def watch_transcript(self, transcript_id: UUID, outbox: Outbox) -> TranscriptFeed:
        """Join the feed of a transcript. Raises Gone. Pair with `leave`."""
        group = transcript_group(transcript_id)
        async with self._lock:
            feed = self._feeds.get(group)
            if feed is None:
                head = (await in_thread(read_heads, [transcript_id])).get(transcript_id)
                if head is None:
                    raise Gone
                editors = await in_thread(read_editors, transcript_id)
                feed = await self._open(group, TranscriptFeed(transcript_id, head.last_seq))
                assert isinstance(feed, TranscriptFeed)
                feed.editors.learn(editors)
            assert isinstance(feed, TranscriptFeed)
            feed.watchers.add(outbox)
            return feed

    async def watch_board(self, team_id: UUID, outbox: Outbox) -> BoardFeed:
        """Join the board of a team. Pair with `leave`."""
        group = team_group(team_id)
        async with self._lock:
            feed = self._feeds.get(group) or await self._open(group, BoardFeed(team_id))
            assert isinstance(feed, BoardFeed)
            feed.watchers.add(outbox)
            return feed

    async def heed_rights(self, listener: Listener) -> None:
        """Hear whose rights may have changed: messages with ``person``. Pair with `ignore_rights`."""
        await self._hub.join(RIGHTS_GROUP, listener)

    async def ignore_rights(self, listener: Listener) -> None:
        """Stop hearing of rights. Harmless the second time."""
        await self._hub.leave(RIGHTS_GROUP, listener)

    async def leave(self, feed: Feed, outbox: Outbox) -> None:
        """Stop watching; the last one out ends the feed. Harmless the second time."""
        feed.pause(outbox)
        if isinstance(feed, TranscriptFeed):
            feed.presence.leave(outbox)
        async with self._lock:
            feed.watchers.discard(outbox)
            if not feed.watchers:
                await self._close(feed)

    async def _open(self, group: str, feed: Feed) -> Feed:
        self._feeds[group] = feed
        try:
            await self._hub.join(group, feed.hear)
        except asyncio.CancelledError:
            await self._close(feed)  # the only browser left while the door was being opened
            raise
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll(), name="live.poll")
            # A task of its own: a layer that answers late must not delay the poll, which makes up for it.
            self._announcer = asyncio.create_task(self._announce(), name="live.presence")
        return feed

    async def _close(self, feed: Feed) -> None:
        group = _group(feed)
        if self._feeds.get(group) is not feed:
            return
        del self._feeds[group]
        await self._hub.leave(group, feed.hear)
        await feed.stop()
        if not self._feeds:
            await self._rest()

    async def _rest(self) -> None:
        tasks = [task for task in (self._poller, self._announcer) if task is not None]
        self._poller = self._announcer = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _announce(self) -> None:
        """Tell browsers and the other processes who watches, soon after it changes."""
        while True:
            await asyncio.sleep(ANNOUNCE_SECONDS)
            for feed in [feed for feed in self._feeds.values() if isinstance(feed, TranscriptFeed)]:
                feed.tell_presence()
                if feed.presence.is_due():
                    await publish.send_presence(feed.transcript_id, feed.presence.announcement())

    async def _poll(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            turn += 1
            self._close_stuck()
            try:
                await self._poll_transcripts(everything=turn % ENDED_EVERY == 0)
                await self._poll_boards()
                await self._teller.tell(self._counts())
            except DatabaseError as error:
                logger.warning("the poll could not read, it tries again: %r", error)

    def _close_stuck(self) -> None:
        for feed in self._feeds.values():
            for outbox in tuple(feed.watchers):
                if outbox.is_stuck():
                    outbox.shut(TOO_SLOW)

    async def _poll_transcripts(self, *, everything: bool) -> None:
        feeds = {feed.transcript_id: feed for feed in self._feeds.values() if isinstance(feed, TranscriptFeed)}
        wanted = [pk for pk in feeds if everything or pk not in self._ended]
        if not wanted:
            return
        heads = await in_thread(read_heads, wanted)
        self._ended = (self._ended & feeds.keys()) - heads.keys()
        for pk in wanted:
            head = heads.get(pk)
            if head is None:
                feeds[pk].shut(NOT_FOUND)
                continue
            if feeds[pk].ring(head.last_seq):
                counts.doorbells.add("missed")
            if head.ended:
                self._ended.add(pk)

    def _counts(self) -> dict[UUID, int]:
        feeds = [feed for feed in self._feeds.values() if isinstance(feed, TranscriptFeed)]
        return {feed.transcript_id: len(feed.watchers) for feed in feeds}

    async def _poll_boards(self) -> None:
        boards = {feed.team_id: feed for feed in self._feeds.values() if isinstance(feed, BoardFeed)}
        if boards:
            for team, heads in (await in_thread(read_unfinished, boards)).items():
                boards[team].compare(heads)


def _group(feed: Feed) -> str:
    return transcript_group(feed.transcript_id) if isinstance(feed, TranscriptFeed) else team_group(feed.team_id)


_stations: WeakKeyDictionary[asyncio.AbstractEventLoop, Station] = WeakKeyDictionary()


def station() -> Station:
    """The station of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _stations:
        _stations[loop] = Station()
    return _stations[loop]
