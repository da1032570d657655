"""Items of the reader to PCM: one decoder for each run of media between discontinuities and holes.

A decoder that is fed across a hole would close it in silence. Ending it at the hole, draining it and beginning the next
one later on the clock puts every word where it was said.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Protocol

from transcripts.media.errors import DecodeError
from transcripts.media.pcm import Chunk, seconds_to_samples

from .items import Bytes, Ended, Item, Missing, Stalled

#: Runs in a row that the decoder refuses before the stream counts as no sound.
MAX_BAD_RUNS = 3


class DecodeStream(Protocol):
    """``decode.decode_stream`` with limits and program filled in."""

    def __call__(self, source: AsyncIterator[bytes], *, start: int) -> AsyncGenerator[Chunk]: ...


async def hls_chunks(
    items: AsyncIterator[Item], decode: DecodeStream, *, start: int = 0, on_item: Callable[[Item], None] | None = None
) -> AsyncGenerator[Chunk]:
    """PCM of the whole stream on one clock, from sample ``start`` on; a hole is a step of the next chunk's ``start``.

    ``on_item`` hears of ``Missing``, ``Stalled``, ``Discontinuity`` and ``Ended`` as they come in. Raises what the
    reader raises, and ``DecodeError`` when ``MAX_BAD_RUNS`` runs in a row are refused.
    """
    runs = _Runs(items, on_item)
    position, bad = start, 0
    try:
        while await runs.begin():
            position += seconds_to_samples(runs.take_missing())
            begin = position
            try:
                async with aclosing(decode(runs.media(), start=begin)) as chunks:
                    async for chunk in chunks:
                        position, bad = chunk.end, 0
                        yield chunk
            except DecodeError:
                bad += 1
                if bad == MAX_BAD_RUNS or runs.ended:
                    raise
                position = max(position, begin + seconds_to_samples(runs.seconds))
    finally:
        await runs.close()


class _Runs:
    """Cuts the items into runs of media for one decoder each. ``seconds`` is how much of a run was handed out."""

    def __init__(self, items: AsyncIterator[Item], on_item: Callable[[Item], None] | None) -> None:
        self.seconds = 0.0
        self.ended = False
        self._items = items
        self._on_item = on_item
        self._missing = 0.0
        self._next: Bytes | None = None
        self._section = b""
        self._pulling: asyncio.Task[Item | None] | None = None

    async def begin(self) -> bool:
        """Wait for media; False when there is none any more."""
        while self._next is None and not self.ended:
            self._cut(await self._pull())
        self.seconds = 0.0
        return self._next is not None

    async def media(self) -> AsyncGenerator[bytes]:
        """Bytes for one decoder. One that takes over in the middle of a run gets the initialisation section first."""
        if self._section:
            yield self._section
        while self._next is not None:
            item, self._next = self._next, None
            self.seconds += item.seconds
            if item.section:
                self._section = item.data
            yield item.data
            following = await self._pull()
            while isinstance(following, Stalled):
                following = await self._pull()
            self._cut(following)

    def take_missing(self) -> float:
        """Seconds of the holes before the run that begins."""
        seconds, self._missing = self._missing, 0.0
        return seconds

    async def close(self) -> None:
        """Stop waiting for the next item."""
        if self._pulling is not None:
            self._pulling.cancel()
            await asyncio.gather(self._pulling, return_exceptions=True)

    def _cut(self, item: Item | None) -> None:
        """Take in the item that begins, continues or ends a run."""
        if isinstance(item, Bytes):
            self._next = item
        elif item is None or isinstance(item, Ended):
            self.ended = True
        elif not isinstance(item, Stalled):
            self._section = b""
            self._missing += item.seconds if isinstance(item, Missing) else 0.0

    async def _pull(self) -> Item | None:
        """The next item. A decoder that ends cancels whoever feeds it; the item on its way must survive that."""
        if self._pulling is None:
            self._pulling = asyncio.create_task(self._one())
        try:
            item = await asyncio.shield(self._pulling)
        finally:
            if self._pulling.done():
                self._pulling = None
        if self._on_item is not None and item is not None and not isinstance(item, Bytes):
            self._on_item(item)
        return item

    async def _one(self) -> Item | None:
        return await anext(self._items, None)
