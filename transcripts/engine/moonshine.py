"""The real recogniser as the server sees it: a child process behind a socket, started once, restarted when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack

from transcripts.engine.alignment import HeardWord
from transcripts.engine.errors import RecognizerFailed
from transcripts.engine.process import HEADER, pack
from transcripts.engine.recognizer import Failed, FinalHeard, Heard, PartialHeard, StreamOptions

log = logging.getLogger(__name__)

REPOSITORY = Path(__file__).resolve().parents[2]

#: Loading the model takes about 2 s; a busy small machine may need many times that.
START_TIMEOUT = 60.0

#: Wait before the process is started again after it died, in seconds.
RESTART_DELAY = 0.5


class MoonshineStream:
    """One stream of the recogniser process."""

    def __init__(self, owner: MoonshineRecognizer, number: int, heard: Callable[[Heard], None]) -> None:
        self.number = number
        self.heard = heard
        self.dead = False
        self._owner = owner
        self._fed = 0
        self._done = 0
        self._progressed = asyncio.Event()

    @property
    def backlog(self) -> int:
        """See ``Stream``."""
        return self._fed - self._done

    def feed(self, pcm: bytes) -> None:
        """See ``Stream``."""
        self._fed += len(pcm) // 2
        self._owner.send(["feed", self.number, pcm])

    def commit(self) -> None:
        """See ``Stream``."""
        self._owner.send(["commit", self.number])

    async def drained(self, backlog: int) -> None:
        """See ``Stream``."""
        while not self.dead and self.backlog > backlog:
            self._progressed.clear()
            await self._progressed.wait()

    def close(self) -> None:
        """See ``Stream``."""
        self.dead = True
        self._progressed.set()
        self._owner.forget(self.number)

    def progress(self, done: int) -> None:
        """The process has worked off everything before sample ``done``."""
        self._done = done
        self._progressed.set()

    def fail(self, message: str) -> None:
        """The process died."""
        self.dead = True
        self._progressed.set()
        self.heard(Failed(message))


class MoonshineRecognizer:
    """English speech by Moonshine in a child process. ``model`` and ``vad`` are the prepared folder and file."""

    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(self, model: Path, vad: Path) -> None:
        self._arguments = [str(model), str(vad)]
        self._streams: dict[int, MoonshineStream] = {}
        self._numbers = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._running = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Starts the process and waits until the model is loaded; raises ``RecognizerFailed``."""
        reader = await self._spawn()
        try:
            async with asyncio.timeout(START_TIMEOUT):
                ready = await _receive(reader)
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            await self._stop()
            raise RecognizerFailed(
                "The speech recogniser did not start. Run `manage.py prepare_engine` and look at its message."
            ) from error
        assert ready[0] == "ready"
        self._running.set()
        self._task = asyncio.get_running_loop().create_task(self._attend(reader))

    async def ready(self) -> None:
        """See ``Recognizer``."""
        await self._running.wait()

    def open(self, options: StreamOptions, heard: Callable[[Heard], None]) -> MoonshineStream:
        """See ``Recognizer``. While the process is down the stream fails at once."""
        self._numbers += 1
        stream = MoonshineStream(self, self._numbers, heard)
        if self._writer is None:
            asyncio.get_running_loop().call_soon(stream.fail, "The speech recogniser is restarting.")
            return stream
        self._streams[stream.number] = stream
        vad = list(options.vad) if options.vad else None
        self.send(["open", stream.number, options.first_partial, options.partial_interval, vad])
        return stream

    async def close(self) -> None:
        """See ``Recognizer``."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._stop()

    def send(self, message: list[object]) -> None:
        """Sends a command; silently lost while the process is down (its streams were told)."""
        if self._writer is not None:
            self._writer.write(pack(message))

    def forget(self, number: int) -> None:
        """Drops a closed stream."""
        if self._streams.pop(number, None) is not None:
            self.send(["close", number])

    async def _spawn(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "transcripts.engine.process", str(theirs.fileno()), *self._arguments]
            try:
                self._process = await asyncio.to_thread(_popen, command, theirs.fileno())
                reader, self._writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
            except BaseException:
                ours.close()
                raise
        return reader

    async def _attend(self, reader: asyncio.StreamReader) -> None:
        while True:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                while True:
                    self._dispatch(await _receive(reader))
            if self._closing:
                return
            self._running.clear()
            await self._stop()
            log.error("The speech recogniser died with code %s; starting it again.", self._code)
            for stream in list(self._streams.values()):
                stream.fail("The speech recogniser stopped unexpectedly.")
            self._streams.clear()
            reader = await self._restart()

    async def _restart(self) -> asyncio.StreamReader:
        while True:
            await asyncio.sleep(RESTART_DELAY)
            if (reader := await self._begun_again()) is not None:
                self._running.set()
                return reader
            await self._stop()

    async def _begun_again(self) -> asyncio.StreamReader | None:
        """A process that has loaded its model; None when it could not be started, died of it or takes too long."""
        writer = None
        try:
            async with asyncio.timeout(START_TIMEOUT):
                reader = await self._spawn()
                # Nothing is sent to it until it listens.
                writer, self._writer = self._writer, None
                await _receive(reader)
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            log.error("The speech recogniser could not be started again: %r", error)
            return None
        finally:
            self._writer = writer
        return reader

    def _dispatch(self, message: list[Any]) -> None:
        kind, number, *rest = message
        stream = self._streams.get(number)
        if stream is None:
            return
        if kind == "progress":
            stream.progress(rest[0])
        elif kind == "partial":
            stream.heard(PartialHeard(rest[0]))
        elif kind == "final":
            words = tuple(HeardWord(*word) for word in rest[2])
            stream.heard(FinalHeard(rest[0], rest[1], words))

    async def _stop(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._process is not None:
            self._code = await asyncio.to_thread(_reap, self._process)
            self._process = None

    _code: int | None = None


def _popen(command: list[str], descriptor: int) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, pass_fds=[descriptor], stdin=subprocess.DEVNULL, env=environment
    )


def _reap(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


async def _receive(reader: asyncio.StreamReader) -> list[Any]:
    (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
    message: list[Any] = msgpack.unpackb(await reader.readexactly(length))
    return message
