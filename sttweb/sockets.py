"""Sending over a browser's socket on Daphne: waits for slow readers, and costs little for quick ones.

Daphne's own send puts every frame into a buffer without bound and returns at once, so that nobody ever learns that a
browser stopped reading. Here a send waits while the buffer is full. A frame for many viewers is made once, and goes to
the kernel without a round through the reactor when nothing waits before it (bench/fanout.py).
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

#: Frames kept: those that viewers of the busiest transcripts are being sent at the moment.
FRAMES = 64


@lru_cache(maxsize=FRAMES)
def text_frame(text: str) -> bytes:
    """A whole, unmasked text message (RFC 6455, 5.2)."""
    data = text.encode()
    size = len(data)
    if size < 126:
        return bytes((0x81, size)) + data
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + data
    return b"\x81\x7f" + size.to_bytes(8, "big") + data


class Pace:
    """Stands as the (push) producer of a socket's transport, which says when its buffer is full or drained."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._flowing = asyncio.Event()
        self._flowing.set()
        transport.unregisterProducer()
        transport.registerProducer(self, True)

    def send(self, text: str) -> None:
        """Put a text message on its way."""
        transport, frame = self._transport, text_frame(text)
        if transport.offset == len(transport.dataBuffer) and not transport._tempDataLen:
            sent = transport.writeSomeData(frame)
            # Anything but a number is the end of the connection, which the reactor finds by itself.
            frame = frame[sent:] if isinstance(sent, int) and sent >= 0 else frame
        if frame:
            transport.write(frame)

    async def room(self) -> None:
        """Wait until the buffer takes more, or is gone."""
        await self._flowing.wait()

    def pauseProducing(self) -> None:
        """Called when the buffer is full."""
        self._flowing.clear()

    def resumeProducing(self) -> None:
        """Called when the buffer has drained."""
        self._flowing.set()
        if self._transport.disconnecting:
            # Twisted closes nothing while somebody might still produce.
            self._transport.unregisterProducer()

    def stopProducing(self) -> None:
        """Called when the connection is gone."""
        self._flowing.set()
