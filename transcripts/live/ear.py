"""A watcher that is no browser's socket: what a transcript says, one text after the other, for whoever awaits it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from transcripts.live.outbox import Closed, Outbox
from transcripts.live.station import Gone, station


class Ear:
    """Takes one text at a time from its outbox, whose bounds hold: who does not listen is shut out."""

    def __init__(self) -> None:
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._taken = asyncio.Event()
        self.outbox = Outbox(self._send, self._close)

    async def _send(self, text: str) -> None:
        self._taken.clear()
        self._texts.put_nowait(text)
        await self._taken.wait()

    async def _close(self, _code: int) -> None:
        self.end()

    def end(self) -> None:
        """Nothing more comes."""
        self._texts.put_nowait(None)

    async def hear(self, seconds: float) -> str | None:
        """The next text, or None when there was none for so long. Raises Closed."""
        try:
            async with asyncio.timeout(seconds):
                text = await self._texts.get()
        except TimeoutError:
            return None
        if text is None:
            raise Closed
        self._taken.set()
        return text


@asynccontextmanager
async def listening(transcript_id: UUID, after: int) -> AsyncIterator[Ear]:
    """Hear the events of a transcript after a number, then what comes. Raises Gone."""
    ear = Ear()
    try:
        feed = await station().watch_transcript(transcript_id, ear.outbox)
    except Gone:
        await ear.outbox.stop()
        raise
    following = asyncio.create_task(feed.follow(ear.outbox, after), name="live.ear")
    # What ends badly (deleted, no database) ends the hearing; the caller comes back with its last number.
    following.add_done_callback(lambda task: ear.end() if task.cancelled() or task.exception() else None)
    try:
        yield ear
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await ear.outbox.stop()
        await station().leave(feed, ear.outbox)
