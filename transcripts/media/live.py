"""A live stream that falters and comes back: heard connection by connection, on one clock.

Each connection has a decoder of its own. What happened between the last bytes of one and the first bytes of the next
was heard by nobody: the clock goes on by the time that passed, so the next chunk starts beyond the end of the last.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from dataclasses import dataclass

from .errors import BlockedUrl, FetchError, MediaError, NotMedia
from .hls.sound import DecodeStream
from .pcm import Chunk, seconds_to_samples
from .sources import Kind, Source
from .status import Reporter, SourceState

#: Failures that another connection cannot heal.
_FINAL = frozenset({"too_long", "decoder_unavailable", "decoder_unsafe", "sandbox_failed", "disk_full"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePatience:
    """When a live source is told to stall (``stalled_s`` without a byte), given up and connected to again
    (``silence_s`` without a byte), how often that is tried (``attempts``, waiting ``first_wait_s`` and about twice as
    long each time, ``longest_wait_s`` at most; a little over 3 minutes) and how long a connection must have lasted to
    count as good again (``healthy_s``)."""

    stalled_s: float = 5.0
    silence_s: float = 20.0
    attempts: int = 12
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    healthy_s: float = 60.0

    def wait(self, attempt: int) -> float:
        """Seconds before ``attempt`` (from 1): between a half and the whole of the doubled wait, so that the
        listeners of a station that restarts do not come back in one moment."""
        whole = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt - 1, 20))
        return whole * random.uniform(0.5, 1.0)  # noqa: S311  spreading, not secrecy


class LiveSound:
    """The sound of a live source. ``first`` is its open connection, which ``stack`` closes; ``connect`` makes the
    next one, through the guard again."""

    def __init__(
        self,
        first: Source,
        stack: AsyncExitStack,
        connect: Callable[[], AbstractAsyncContextManager[Source]],
        decode: DecodeStream,
        *,
        start: int,
        patience: LivePatience,
        reporter: Reporter,
    ) -> None:
        self._source = first
        self._stack = stack
        self._connect = connect
        self._decode = decode
        self._patience = patience
        self._reporter = reporter
        self._position = start
        self._heard = False
        self._failures = 0
        self._connected_at = self._bytes_at = time.monotonic()
        self._sound_until = 0.0

    async def chunks(self) -> AsyncGenerator[Chunk]:
        """PCM as it comes. A station's stream that ends is connected to again, like one that breaks; any other that
        ends properly has ended. Raises what the first connection raises before any sound, and ``FetchError``
        (``source_gone``, retryable) when no further connection can be made."""
        while True:
            cause: MediaError | None = None
            try:
                async with aclosing(self._one_connection()) as chunks:
                    async for chunk in chunks:
                        yield chunk
                if not self._source.info.radio:
                    return
            except MediaError as error:
                if not self._heard or isinstance(error, BlockedUrl) or error.code in _FINAL:
                    raise
                cause = error
            await self._reconnect(cause)

    async def _one_connection(self) -> AsyncGenerator[Chunk]:
        begin = self._position
        if self._heard:
            begin += seconds_to_samples(time.monotonic() - self._sound_until)
        produced = False
        try:
            async with aclosing(self._decode(self._bytes(), start=begin)) as chunks:
                async for chunk in chunks:
                    self._position = chunk.end
                    self._heard = produced = True
                    if self._reporter.state is SourceState.RECONNECTING:
                        self._reporter.tell(SourceState.PLAYING)
                    yield chunk
        finally:
            if produced:
                self._sound_until = self._bytes_at

    async def _bytes(self) -> AsyncGenerator[bytes]:
        """The connection's bytes, with a look at the clock. Only waiting counts, not time in which we do not read."""
        loop = asyncio.get_running_loop()
        async with aclosing(self._source.aiter_bytes()) as body:
            while True:
                alarm = loop.call_later(self._patience.stalled_s, self._stalled)
                try:
                    piece = await anext(body, None)
                finally:
                    alarm.cancel()
                if piece is None:
                    return
                self._bytes_at = time.monotonic()
                if self._reporter.state is SourceState.STALLED:
                    self._reporter.tell(SourceState.PLAYING)
                yield piece

    def _stalled(self) -> None:
        if self._reporter.state is not SourceState.RECONNECTING:
            self._reporter.tell(SourceState.STALLED, seconds=self._patience.stalled_s)

    async def _reconnect(self, cause: MediaError | None) -> None:
        await self._stack.aclose()
        if time.monotonic() - self._connected_at >= self._patience.healthy_s:
            self._failures = 0
        attempts = self._patience.attempts
        while self._failures < attempts:
            self._failures += 1
            self._reporter.tell(SourceState.RECONNECTING, attempt=self._failures, attempts=attempts)
            await asyncio.sleep(self._patience.wait(self._failures))
            try:
                self._source = await self._stack.enter_async_context(self._connect())
                self._require_live()
            except BlockedUrl:
                raise
            except MediaError as error:
                # A station that restarts answers 404, or a page, until its studio is back.
                await self._stack.aclose()
                cause = error
            else:
                self._connected_at = time.monotonic()
                return
        step = "Start again when the station is back."
        raise FetchError(
            "source_gone", "The live source is gone and does not come back.", next_step=step, retryable=True
        ) from cause

    def _require_live(self) -> None:
        if self._source.info.kind is not Kind.LIVE:
            raise NotMedia("not_media", "The station sends something else than its stream.")
