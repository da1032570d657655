"""What one socket still has to be sent: bounded in bytes and in age, with room for only the newest partial. No models.

`push` never waits, so one slow browser delays nobody; past a bound its socket is closed with 4408 and the browser
comes back with the last number that it has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable

from django.conf import settings

from transcripts.live import counts

logger = logging.getLogger(__name__)

#: Longest wait for a server that cannot write the close to a stuck socket; its pings end the connection then.
CLOSE_SECONDS = 10.0
#: Close code of a socket that does not keep up.
TOO_SLOW = 4408
#: Close code after a failure of ours (Daphne's websockets take no code below 3000 but 1000).
BROKEN = 4500


class Closed(Exception):
    """The outbox was shut: its socket is closed or about to be."""


class Outbox:
    """One per socket. ``send`` writes a text frame and may wait; ``close`` closes the socket with a code.

    Its bounds are STTWEB_VIEWER_BYTES (counted in characters) and STTWEB_VIEWER_SECONDS.
    """

    def __init__(self, send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]]) -> None:
        self._send, self._close = send, close
        self._most = settings.STTWEB_VIEWER_BYTES
        self._waiting: deque[str] = deque()
        self._size = 0
        self._newest: str | None = None
        self._ready = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._sending_since: float | None = None
        self._closing: asyncio.Task[None] | None = None
        self._writer = asyncio.create_task(self._write(), name="live.outbox")

    @property
    def is_shut(self) -> bool:
        """Nothing is taken any more."""
        return self._closing is not None

    @property
    def is_empty(self) -> bool:
        """Nothing waits and nothing is on its way."""
        return not self._waiting and self._newest is None and self._sending_since is None

    def push(self, text: str) -> None:
        """Send ``text`` after everything pushed before; shuts the outbox when it no longer fits."""
        if self.is_shut:
            return
        self._waiting.append(text)
        self._size += len(text)
        if self._size > self._most and len(self._waiting) > 1:
            self.shut(TOO_SLOW)
            return
        if self._size > self._most // 2:
            self._room.clear()
        self._ready.set()

    def offer(self, text: str) -> None:
        """Send ``text`` when nothing else waits; a newer one replaces it."""
        if self._newest is not None:
            counts.partials_replaced.add()
        self._newest = text
        self._ready.set()

    async def room(self) -> None:
        """Wait until at most half of the bound is used. Raises Closed."""
        await self._room.wait()
        if self.is_shut:
            raise Closed

    def is_stuck(self) -> bool:
        """One message has been on its way for too long."""
        since = self._sending_since
        return since is not None and time.monotonic() - since > settings.STTWEB_VIEWER_SECONDS

    def shut(self, code: int) -> None:
        """Drop what waits and close the socket with ``code``; later calls do nothing."""
        if self.is_shut:
            return
        counts.sockets_closed.add(str(code))
        self._clear()
        self._writer.cancel()
        self._closing = asyncio.create_task(self._finish(code), name="live.outbox.close")

    async def stop(self) -> None:
        """The socket is gone: end the writer. Returns when nothing of this outbox runs any more."""
        self._clear()
        tasks = [task for task in (self._writer, self._closing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _clear(self) -> None:
        self._waiting.clear()
        self._size, self._newest = 0, None
        self._room.set()

    async def _finish(self, code: int) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._close(code)
        except Exception as error:  # noqa: BLE001 - the socket is given up either way
            logger.info("a socket could not be closed with %d: %r", code, error)

    async def _write(self) -> None:
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                await self._send_all()
        except Exception as error:  # noqa: BLE001 - servers raise each their own errors when a browser went away
            logger.debug("a socket took no more: %r", error)
            self.shut(BROKEN)

    async def _send_all(self) -> None:
        while True:
            kind = "log" if self._waiting else "partial"
            if (text := self._next()) is None:
                return
            self._sending_since = time.monotonic()
            await self._send(text)
            self._sending_since = None
            counts.deliveries.add(kind)

    def _next(self) -> str | None:
        if self._waiting:
            text = self._waiting.popleft()
            self._size -= len(text)
            if self._size <= self._most // 2:
                self._room.set()
            return text
        newest, self._newest = self._newest, None
        return newest
