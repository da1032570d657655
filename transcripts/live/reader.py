"""One reader per transcript and process: rows of the log are read and encoded once, and handed to every viewer here.

A viewer first gets the rows it lacks, at its own speed, then joins the others at the reader's cursor; no await lies
between "nothing is missing" and joining, so no row falls in between. Doorbells say when to read; the station's poll
covers doorbells that were lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error as DatabaseError

from transcripts.live import counts, events, publish
from transcripts.live.editors import Editing, Editors
from transcripts.live.outbox import Closed, Outbox
from transcripts.live.presence import Presence
from transcripts.live.threads import in_thread
from transcripts.models import Event

logger = logging.getLogger(__name__)

#: Rows read at once.
PAGE = 200
#: Encoded rows kept in memory, so that a browser that comes back after a moment costs no read.
TAIL = 100
#: What was said of the source is passed on for so long; while it holds, it is said again sooner.
SOURCE_SECONDS = 15.0
#: Characters handed to all viewers before their writers get a turn.
BURST = 32 * 1024


class Row(NamedTuple):
    """An event as it goes out: its number, the encoded message, and when it was written."""

    seq: int
    text: str
    #: When it was written, in seconds since 1970 by the writer's clock.
    at: float


def read_rows(transcript_id: UUID, after: int, limit: int = PAGE) -> list[Row]:
    """The next events after a number, encoded. Blocks on the database."""
    rows = Event.objects.filter(transcript_id=transcript_id, seq__gt=after).order_by("seq")
    values = rows.values_list("kind", "seq", "at", "payload")[:limit]
    return [Row(seq, events.stored(kind, seq, at, payload), at.timestamp()) for kind, seq, at, payload in values]


class TranscriptFeed:
    """The shared reader of one transcript. ``cursor`` is the last number that all its viewers have or were sent."""

    def __init__(self, transcript_id: UUID, cursor: int) -> None:
        self.transcript_id = transcript_id
        self.cursor = cursor
        #: Everyone who watches, replaying or following.
        self.watchers: set[Outbox] = set()
        self._following: set[Outbox] = set()
        self.presence: Presence[Outbox] = Presence()
        self._tail: deque[Row] = deque(maxlen=TAIL)
        self._partial: str | None = None
        #: Who types where.
        self.editors = Editors()
        #: How the source is doing, while that is not simply well, and when it was said.
        self._source: tuple[float, str] | None = None
        #: The partial waits for the rows before it.
        self._held = False
        self._bell = asyncio.Event()
        self._reading = asyncio.Lock()
        self._task = asyncio.create_task(self._run(), name=f"live.reader {transcript_id}")

    async def follow(self, outbox: Outbox, after: int) -> None:
        """Send the rows after ``after``, then ``caught_up``, then everything new. Raises Closed and DatabaseError."""
        if after > self.cursor:
            await self._advance()
        position = min(after, self.cursor)
        if after and position < self.cursor:
            counts.replays.add()
        while position < self.cursor:
            for seq, text, _ in await self._rows_after(position):
                await outbox.room()
                outbox.push(text)
                position = seq
                if after:
                    counts.replayed_rows.add()
        outbox.push(events.caught_up(position))
        if self._source is not None and time.monotonic() - self._source[0] < SOURCE_SECONDS:
            outbox.push(self._source[1])
        for text in self.editors.present():
            outbox.push(text)
        if self._partial is not None:
            outbox.offer(self._partial)
        self._following.add(outbox)

    def pause(self, outbox: Outbox) -> None:
        """Send nothing to ``outbox`` until it follows again."""
        self._following.discard(outbox)

    async def _rows_after(self, position: int) -> list[Row]:
        """The next rows up to the cursor: from memory when they are there, else from the database."""
        if self._tail and self._tail[0].seq <= position + 1:
            return [row for row in self._tail if row.seq > position]
        rows = await in_thread(read_rows, self.transcript_id, position)
        if not rows:
            raise Closed  # the transcript was deleted meanwhile
        return [row for row in rows if row.seq <= self.cursor]

    def hear(self, message: Mapping[str, Any]) -> None:
        """A message of the layer: a doorbell, a partial, how the source is doing, who types where or who watches
        elsewhere. What a newer version of this program says besides is passed over."""
        if message.get("type") == "source":
            self._tell_source(str(message["text"]), passing=bool(message.get("passing")))
        elif message.get("type") == "alert":
            for outbox in self._following:
                outbox.push(str(message["text"]))
        elif message.get("type") == "editing":
            self._tell_editing(Editing(int(message["segment"]), float(message["seconds"]), str(message["text"])))
        elif message.get("type") == "partial":
            self._partial = str(message["text"])
            # One that overtook the row that is being read would show the next words before the last ones.
            self._held = self._bell.is_set() or self._reading.locked()
            if not self._held:
                self._offer_partial()
        elif message.get("type") == "presence":
            self.presence.hear(message)
            self.tell_presence()
        elif message.get("type") == publish.GROWN and self.ring(int(message["seq"])):
            counts.doorbells.add("heard")

    def _tell_source(self, text: str, *, passing: bool) -> None:
        self._source = (time.monotonic(), text) if passing else None
        for outbox in self._following:
            outbox.push(text)

    def _tell_editing(self, editing: Editing) -> None:
        self.editors.hear(editing)
        for outbox in self._following:
            outbox.push(editing.text)

    def ring(self, last_seq: int) -> bool:
        """The log reaches ``last_seq``; read on if that is news, and say whether nobody had told."""
        news = last_seq > self.cursor and not self._bell.is_set() and not self._reading.locked()
        if last_seq > self.cursor:
            self._bell.set()
        return news

    def tell_presence(self) -> None:
        """Tell those who asked, and do not know it yet, who watches."""
        encoded = events.presence(*self.presence.names())
        for outbox in self.presence.untold(encoded):
            outbox.push(encoded)

    def shut(self, code: int) -> None:
        """Close every watcher's socket."""
        for outbox in tuple(self.watchers):
            outbox.shut(code)

    async def stop(self) -> None:
        """End the reader; nothing of it runs any more on return."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self._advance()
            except DatabaseError as error:
                logger.warning("log of %s could not be read, the poll tries again: %r", self.transcript_id, error)
            if self._held:
                self._held = False
                self._offer_partial()

    async def _advance(self) -> None:
        """Read to the end of the log, sending each row to all followers."""
        async with self._reading:
            full = True
            while full:
                rows = await in_thread(read_rows, self.transcript_id, self.cursor)
                full = len(rows) == PAGE
                await self._hand_out(rows)

    async def _hand_out(self, rows: list[Row]) -> None:
        burst = 0
        for row in rows:
            self._tail.append(row)
            self.cursor = row.seq
            for outbox in self._following:
                outbox.push(row.text)
            if self._following:
                counts.lag.note(max(0.0, time.time() - row.at))
            burst += len(row.text)
            if burst > BURST:
                burst = 0
                await asyncio.sleep(0)

    def _offer_partial(self) -> None:
        if self._partial is not None:
            for outbox in self._following:
                outbox.offer(self._partial)
