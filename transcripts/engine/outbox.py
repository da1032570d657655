"""What a session still has to send: frames in order, each not before its time."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from transcripts.engine import wire
from transcripts.engine.wire import Message


@dataclass(frozen=True, slots=True)
class Item:
    """A frame and the earliest moment to send it (loop time); later items wait behind it."""

    due: float
    message: Message


class Outbox:
    """Sends frames one after another. ``hold`` lets everything wait (a stall)."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._items: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._held_until = 0.0
        self._loop = asyncio.get_running_loop()

    def put(self, message: Message, delay: float = 0.0) -> None:
        """Queues a frame ``delay`` seconds after now, or after the frame before it if that is later."""
        due = self._loop.time() + delay
        self._items.append(Item(max(due, self._items[-1].due if self._items else 0.0), message))
        self._wake.set()

    def follow(self, message: Message, delay: float) -> None:
        """Queues a frame ``delay`` seconds after the one before it."""
        last = self._items[-1].due if self._items else self._loop.time()
        self._items.append(Item(max(last, self._loop.time()) + delay, message))
        self._wake.set()

    def partial(self, message: Message) -> None:
        """Queues a partial; one that still waits is replaced, since a newer guess makes it useless."""
        if self._items and self._items[-1].message["message_type"] == message["message_type"]:
            self._items[-1] = Item(self._items[-1].due, message)
        else:
            self.put(message)

    def clear(self) -> None:
        """Drops what waits."""
        self._items.clear()

    def hold(self, seconds: float) -> None:
        """Sends nothing for ``seconds``."""
        self._held_until = self._loop.time() + seconds

    async def run(self) -> None:
        """Sends until cancelled or until the peer is gone."""
        try:
            while True:
                while not self._items:
                    self._wake.clear()
                    await self._wake.wait()
                if await self._waited():
                    continue
                await self._connection.send(wire.encode(self._items.popleft().message))
        except ConnectionClosed:
            return

    async def _waited(self) -> bool:
        wait = max(self._items[0].due, self._held_until) - self._loop.time()
        if wait <= 0:
            return False
        await asyncio.sleep(min(wait, 0.25))
        return True
