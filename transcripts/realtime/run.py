"""The tasks of one run of the realtime client: audio in, events out, and who waits for whom.

Thin asyncio shell. Four kinds of task: one reads the source, one per socket reads it, one drives (time, opening,
sending, closing), and the caller's own takes the events. Every queue between them is bounded, so a slow consumer makes
the provider wait and a slow provider the source.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Coroutine
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from transcripts.media.pcm import Chunk
from transcripts.realtime import errors
from transcripts.realtime.links import Action, Close, Open, Send
from transcripts.realtime.results import Finished, StreamEvent
from transcripts.realtime.stream import Stream
from transcripts.realtime.transport import OpenFailed, Target, close_socket, open_socket, send_frame
from transcripts.realtime.tuning import Tuning


class Run:
    """The tasks of one ``transcribe``."""

    def __init__(self, stream: Stream, target: Target, tuning: Tuning) -> None:
        self._stream = stream
        self._target = target
        self._tuning = tuning
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, ClientConnection] = {}
        self._source: asyncio.Task[None] | None = None
        self._driver: asyncio.Task[None] | None = None
        self._source_error: Exception | None = None
        #: What one of the tasks died of: nothing that is known, so it ends the run.
        self._broken: BaseException | None = None
        self._sleeper: asyncio.Future[None] | None = None
        self._told = asyncio.Event()
        self._room = asyncio.Event()
        self._calm = asyncio.Event()

    # For the caller.

    def begin(self, audio: AsyncIterable[Chunk]) -> None:
        self._driver = self._task(self._drive(), "realtime-driver")
        self._source = self._task(self._read_source(audio), "realtime-source")

    async def next_event(self) -> StreamEvent | None:
        """The next event, or None at the end. Finished is held back until the sockets are closed."""
        assert self._driver is not None
        while True:
            congested = self._stream.congested
            event = self._stream.next_event()
            if congested and not self._stream.congested:
                self._calm.set()
                self.wake()
            if isinstance(event, Finished):
                await self._closed()
            if event is not None:
                return event
            if self._driver.done():
                return None
            self._told.clear()
            await self._told.wait()

    def raise_error(self) -> None:
        """Why it ended, if it was not well."""
        assert self._driver is not None
        if not self._driver.cancelled() and (failure := self._driver.exception()) is not None:
            raise failure
        if self._stream.error is not None:
            raise self._stream.error
        if self._source_error is not None:
            raise self._source_error

    def stop(self) -> None:
        if self._source is not None and not self._source.done():
            self._source.cancel()
        self._stream.stop(self._loop.time())
        self.wake()

    async def close(self) -> None:
        """End everything: idempotent, and quiet about what is lost."""
        for task in [self._source, self._driver, *self._readers.values()]:
            if task is not None:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        left = [close_socket(socket, self._tuning.close_timeout_s) for socket in self._sockets.values()]
        await asyncio.gather(*left, return_exceptions=True)
        self._sockets.clear()

    async def _closed(self) -> None:
        assert self._driver is not None
        await asyncio.wait([self._driver])
        if self._source is not None:
            self._source.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # Driving.

    def wake(self) -> None:
        """Something changed: drive on."""
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    def _task(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = self._loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = self._broken or error
            self.wake()

    async def _drive(self) -> None:
        try:
            while True:
                if self._broken is not None:
                    raise self._broken
                now = self._loop.time()
                self._stream.tick(now)
                action = self._stream.poll(now)
                self._tell()
                if action is not None:
                    await self._do(action)
                elif self._stream.finished or self._stream.error is not None:
                    return
                else:
                    await self._sleep_until(self._stream.wake_at(now))
        finally:
            self._told.set()

    def _tell(self) -> None:
        self._told.set()
        if self._stream.accepts:
            self._room.set()

    async def _sleep_until(self, when: float) -> None:
        self._sleeper = self._loop.create_future()
        timer = None if when == float("inf") else self._loop.call_at(when, self.wake)
        try:
            await self._sleeper
        finally:
            self._sleeper = None
            if timer is not None:
                timer.cancel()

    async def _do(self, action: Action) -> None:
        match action:
            case Open(number):
                self._readers[number] = self._task(self._read_socket(number), f"realtime-socket-{number}")
            case Send(number, frame):
                await self._send(number, frame)
            case Close(number):
                self._task(self._close_link(number), f"realtime-close-{number}")

    async def _send(self, number: int, frame: bytes) -> None:
        socket = self._sockets.get(number)
        if socket is None or await send_frame(socket, frame, self._tuning.send_stall_s):
            return
        told = "The speech service takes no more audio."
        self._stream.failed(number, errors.timed_out("send_stalled", told), self._loop.time())

    async def _close_link(self, number: int) -> None:
        """Ends the reader by closing its socket, or by cancelling it if there is none yet. It stays known until then:
        one that waits for the consumer is ended by `close` alone."""
        reader, socket = self._readers.get(number), self._sockets.pop(number, None)
        if socket is not None:
            await close_socket(socket, self._tuning.close_timeout_s)
        elif reader is not None:
            reader.cancel()
        if reader is not None:
            await asyncio.wait([reader])
        self._readers.pop(number, None)

    # Reading.

    async def _read_socket(self, number: int) -> None:
        try:
            socket = await open_socket(self._target, self._tuning)
        except OpenFailed as failure:
            self._stream.failed(number, failure.fault, self._loop.time())
            self.wake()
            return
        self._sockets[number] = socket
        self._stream.opened(number, self._loop.time())
        self.wake()
        try:
            while True:
                while self._stream.congested:
                    self._calm.clear()
                    await self._calm.wait()
                message = await socket.recv()
                self._stream.received(number, message, self._loop.time())
                self.wake()
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd is not None else (1006, "")
            self._stream.closed(number, code, reason, self._loop.time())
            self.wake()

    async def _read_source(self, audio: AsyncIterable[Chunk]) -> None:
        try:
            async for chunk in audio:
                self._stream.feed(chunk, self._loop.time())
                self.wake()
                while not self._stream.accepts:
                    self._room.clear()
                    await self._room.wait()
        except Exception as failure:  # noqa: BLE001 - the caller gets it, after what was heard is settled
            self._source_error = failure
        finally:
            self._stream.end(self._loop.time())
            self.wake()
            close = getattr(audio, "aclose", None)
            if close is not None:
                await close()
