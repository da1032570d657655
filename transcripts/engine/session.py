"""One connection of the engine's server: reads audio, keeps the protocol's rules, answers in order."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from transcripts.engine import wire
from transcripts.engine.answers import answer
from transcripts.engine.audio import SAMPLE_RATE, AudioDecoder
from transcripts.engine.faults import ConnectionFaults, Rule
from transcripts.engine.meter import Meter
from transcripts.engine.outbox import Outbox
from transcripts.engine.parameters import Parameters
from transcripts.engine.profile import Profile
from transcripts.engine.recognizer import FinalHeard, Heard, PartialHeard, Recognizer, StreamOptions

#: How long the peer may take to answer our close frame.
CLOSE_TIMEOUT = 1.0

#: Audio may come this far ahead of the allowed pace (a replay after a reconnect) before pacing faults strike.
BURST = 5.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How the server ends a session: a close frame, or (``code`` None) the bare end of the TCP connection."""

    code: int | None
    reason: str = ""
    delay: float = 0.0


class Session:
    """A session after its parameters were accepted."""

    def __init__(
        self,
        connection: ServerConnection,
        parameters: Parameters,
        profile: Profile,
        recognizer: Recognizer,
        faults: ConnectionFaults,
    ) -> None:
        self._connection = connection
        self._parameters = parameters
        self._profile = profile
        self._faults = faults
        self._loop = asyncio.get_running_loop()
        self._outbox = Outbox(connection)
        self._decoder = AudioDecoder(parameters.audio_format)
        self._meter = Meter(profile.auto_commit)
        self._ending: asyncio.Future[Ending] = self._loop.create_future()
        self._draw = Random(f"{faults.plan.seed}:{faults.number}:session")  # noqa: S311
        self._commits: deque[tuple[int, float]] = deque()
        self._answers = 0
        self._chunks = 0
        self._started = self._last_audio = self._loop.time()
        self._paused = False
        self._deaf_until = 0.0
        self._stream = recognizer.open(self._options(), self._heard)

    async def run(self) -> None:
        """Serves until one side ends it."""
        config = self._parameters.config()
        self._outbox.put({"message_type": "session_started", "session_id": uuid.uuid4().hex, "config": config})
        if not self._parameters.enable_logging and self._profile.logging_warning:
            self._outbox.put({"message_type": "warning", "warning": wire.NOT_LOGGED})
        works = (self._read(), self._outbox.run(), self._watch_idle())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            waiting: set[asyncio.Future[Any]] = {self._ending, *tasks}
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if self._ending.done():
                await self._end(self._ending.result())
            for task in done:
                task.result()  # an error of ours is the server's to log, and ends the connection with 1011
        finally:
            self._stream.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _options(self) -> StreamOptions:
        first, interval = self._profile.first_partial, self._profile.partial_interval
        return StreamOptions(round(first * SAMPLE_RATE), round(interval * SAMPLE_RATE), self._parameters.vad)

    async def _read(self) -> None:
        self._strike()
        with suppress(ConnectionClosed):
            while not self._ending.done():
                frame = await self._connection.recv()
                if self._ending.done():
                    return
                self._take(wire.decode(frame))
                await self._back_pressure()

    def _take(self, message: wire.AudioChunk | wire.BadInput) -> None:
        if isinstance(message, wire.BadInput):
            self._outbox.put(wire.error("input_error", message.error))
            return
        if message.previous_text is not None and self._chunks:
            self._outbox.put(wire.error("input_error", wire.LATE_CONTEXT))
            return
        self._chunks += 1
        if message.audio or self._profile.idle_counts_empty:
            self._last_audio = self._loop.time()
        if self._decoder.seconds(message.audio) > self._profile.longest_chunk:
            self.fail("chunk_size_exceeded")
            return
        self._hear(message.audio)
        if message.commit and not self._ending.done():
            self._commit()

    def _hear(self, data: bytes) -> None:
        self._meter.received(self._decoder.seconds(data))
        pcm = self._decoder.decode(data)
        while pcm:
            room = 2 * self._meter.room()
            head, pcm = pcm[:room], pcm[room:]
            self._stream.feed(head)
            if self._meter.fed(len(head) // 2):
                self._accept_commit(unasked=True)
        self._strike()
        limit = self._profile.session_limit
        if limit is not None and self._meter.seconds >= limit:
            self.fail("session_time_limit_exceeded")

    def _commit(self) -> None:
        uncommitted = self._meter.uncommitted
        if uncommitted < self._profile.shortest_commit - 1e-6:
            self._throttle(uncommitted)
            return
        stalls = self._profile.stall_from
        if stalls is not None and uncommitted >= stalls:
            self._outbox.hold(float("inf"))
        self._accept_commit()

    def _accept_commit(self, *, unasked: bool = False) -> None:
        delay = 0.0 if unasked else self._draw.uniform(*self._profile.answer_delay)
        self._commits.append((self._meter.position, self._loop.time() + delay))
        self._meter.committed()
        self._stream.commit()

    def _throttle(self, uncommitted: float) -> None:
        text = wire.throttled(uncommitted, self._profile.shortest_commit)
        if not self._profile.throttle_closes:
            self._outbox.put(wire.error("commit_throttled", text))
            return
        self._outbox.clear()
        self._stream.close()
        self.fail("commit_throttled", text, delay=self._profile.throttle_delay)

    def _heard(self, event: Heard) -> None:
        if self._ending.done():
            return
        if isinstance(event, PartialHeard):
            self._outbox.partial(wire.partial(event.text))
        elif isinstance(event, FinalHeard):
            self._answer(event)
        else:
            self.fail("transcriber_error", event.message)

    def _answer(self, final: FinalHeard) -> None:
        due = self._loop.time()
        if self._commits and self._commits[0][0] == final.end:
            due = self._commits.popleft()[1]
        else:
            self._meter.committed_at(final.end)
        self._answers += 1
        bent = self._faults.at_commit(self._answers)
        frames = answer(final, self._parameters, self._profile, bent, self._draw)
        for index, (delay, message) in enumerate(frames):
            if index == 0:
                self._outbox.put(message, delay + due - self._loop.time())
            else:
                self._outbox.follow(message, delay)

    def fail(self, kind: str, text: str | None = None, *, delay: float = 0.05) -> None:
        """Sends an error frame and ends the session the way that kind ends it."""
        if self._ending.done():
            return
        self._outbox.clear()
        self._outbox.put(wire.error(kind, text))
        code, reason = wire.closing(kind)
        self._ending.set_result(Ending(code, reason, delay))

    async def _back_pressure(self) -> None:
        backlog = self._stream.backlog
        if self._profile.overflow is not None and backlog > self._profile.overflow * SAMPLE_RATE:
            self.fail("queue_overflow")
        bound = round(self._profile.backlog * SAMPLE_RATE)
        if backlog > bound:
            self._paused = True
            await self._stream.drained(bound)
            self._paused = False
            self._last_audio = self._loop.time()
        if self._deaf_until > self._loop.time():
            await self._play_deaf()

    async def _play_deaf(self) -> None:
        self._paused = True
        # The library would go on answering pings and close frames.
        self._connection.transport.pause_reading()
        await asyncio.sleep(self._deaf_until - self._loop.time())
        self._connection.transport.resume_reading()
        self._paused = False

    async def _watch_idle(self) -> None:
        while not self._ending.done():
            left = self._last_audio + self._profile.idle - self._loop.time()
            busy = self._paused or self._commits
            if left <= 0 and not busy:
                self._idle_out()
                return
            await asyncio.sleep(max(left, 0.05) if not busy else 0.25)

    def _idle_out(self) -> None:
        if self._profile.idle_error:
            self.fail("insufficient_audio_activity")
        else:
            self._ending.set_result(Ending(1000))

    def _strike(self) -> None:
        for rule in self._faults.at_audio(self._meter.seconds):
            self._act(rule)
        pace = self._faults.overflow()
        elapsed = self._loop.time() - self._started
        if pace and self._meter.seconds > pace.pace * elapsed + BURST and self._faults.overflowed():
            self.fail("queue_overflow")

    def _act(self, rule: Rule) -> None:
        if self._ending.done():
            return
        if rule.fault == "stall":
            self._outbox.hold(rule.seconds)
        elif rule.fault == "stop_reading":
            self._deaf_until = self._loop.time() + rule.seconds
        elif rule.fault == "phantom":
            self._outbox.put(wire.committed(rule.text or "Phantom."))
        elif rule.fault in ("drop", "hang_up"):
            self._ending.set_result(Ending(None, rule.fault))
        elif rule.fault == "close":
            self._ending.set_result(Ending(rule.code or 1011, rule.reason or ""))
        elif not rule.closes:
            self._outbox.put(wire.error(rule.type, rule.text or wire.TEXTS.get(rule.type, "Scripted error.")))
        else:
            self._scripted_error(rule)

    def _scripted_error(self, rule: Rule) -> None:
        self._outbox.clear()
        self._outbox.put(wire.error(rule.type, rule.text or wire.TEXTS.get(rule.type, "Scripted error.")))
        code, reason = wire.closing(rule.type)
        ending = Ending(rule.code or code, rule.reason if rule.reason is not None else reason, 0.05)
        self._ending.set_result(ending)

    async def _end(self, ending: Ending) -> None:
        await asyncio.sleep(ending.delay)
        if ending.code is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._connection.close(ending.code, ending.reason)
            return
        if ending.reason == "drop":
            raw = self._connection.transport.get_extra_info("socket")
            # A zero linger makes the kernel send a reset, as a dying host's peer would see it.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.transport.abort()
