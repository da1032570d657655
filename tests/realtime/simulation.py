"""Stream against simulated servers in simulated time: no sockets, no sleeping, every run repeatable."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.realtime.simserver import Behaviour, SimSession
from tests.realtime.tape import said
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.realtime import errors
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.errors import Fault
from transcripts.realtime.links import Close, Open, Send
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.results import Committed, Finished, Gap, Interrupted, StreamEvent
from transcripts.realtime.stream import Stream
from transcripts.realtime.tuning import Tuning

#: A session's behaviour by its number (from 1), or a fault when it cannot be opened.
Script = Callable[[int], Behaviour | Fault]


@dataclass
class Simulation:
    """Runs one stream to its end. ``chunks`` come as fast as accepted, or in real time when the tuning is live."""

    options: SessionOptions
    tuning: Tuning
    script: Script
    chunks: Iterable[Chunk]
    start: int = 0
    previous_text: str = ""
    breaker: Breaker = field(default_factory=Breaker)
    seed: int = 1
    limit_s: float = 100_000.0
    #: Called with (simulation, now) before each step.
    meddle: Callable[[Simulation, float], None] | None = None

    def __post_init__(self) -> None:
        self.stream = Stream(
            self.options,
            self.tuning,
            start=self.start,
            previous_text=self.previous_text,
            breaker=self.breaker,
            rng=random.Random(self.seed),
        )
        self.now = 1000.0
        self.began = self.now
        self.sessions: dict[int, SimSession] = {}
        self.live: dict[int, SimSession] = {}
        self.closed_at: dict[int, float] = {}
        self.sent_at: list[tuple[float, int, bytes]] = []
        self.opened_at: list[float] = []
        self.events: list[StreamEvent] = []
        self.told_at: list[tuple[float, StreamEvent]] = []
        self._pending = list(self.chunks)
        self._pending.reverse()

    def run(self) -> list[StreamEvent]:
        steps = 0
        while not (self.stream.finished or self.stream.error is not None):
            steps += 1
            assert self.now - self.began < self.limit_s, "the stream does not end"
            assert steps < 200_000, "the stream spins"
            if self.meddle is not None:
                self.meddle(self, self.now)
            self._deliver()
            self._feed()
            self.stream.tick(self.now)
            busy = self._act()
            self._take()
            if not busy:
                self._advance()
        self._act()
        self._take()
        return self.events

    # One step.

    def _act(self) -> bool:
        busy = False
        while (action := self.stream.poll(self.now)) is not None:
            busy = True
            match action:
                case Open(number):
                    self._open(number)
                case Send(number, frame):
                    self.sent_at.append((self.now, number, frame))
                    if number in self.live:
                        self.live[number].feed(frame, self.now)
                case Close(number):
                    self.live.pop(number, None)
                    self.closed_at[number] = self.now
            self._take()
        return busy

    def _open(self, number: int) -> None:
        self.opened_at.append(self.now)
        how = self.script(number)
        if isinstance(how, Fault):
            self.stream.failed(number, how, self.now)
            return
        self.sessions[number] = self.live[number] = SimSession(how, self.now)
        self.stream.opened(number, self.now)

    def _deliver(self) -> None:
        for number, session in list(self.live.items()):
            session.tick(self.now)
            while session.out and session.out[0][0] <= self.now and number in self.live:
                message = session.out.pop(0)[1]
                if isinstance(message, str):
                    self.stream.received(number, message, self.now)
                else:
                    del self.live[number]
                    self.stream.closed(number, message[0], message[1], self.now)

    def _feed(self) -> None:
        while self._pending and self.stream.accepts and self._due() <= self.now:
            self.stream.feed(self._pending.pop(), self.now)
        if not self._pending:
            self.stream.end(self.now) if not self.stream._sender.ended else None

    def _due(self) -> float:
        return self.began + self._pending[-1].end / SAMPLE_RATE if self.tuning.live else self.now

    def _take(self) -> None:
        while (event := self.stream.next_event()) is not None:
            self.events.append(event)
            self.told_at.append((self.now, event))

    def _advance(self) -> None:
        times = [self.stream.wake_at(self.now)]
        for session in self.live.values():
            times += [item[0] for item in session.out[:1]]
            times.append(session.idle_at)
            if session.how.limit_s is not None:
                times.append(session.opened + session.how.limit_s)
        if self._pending and (self.stream.accepts or self.tuning.live):
            times.append(self._due())
        self.now = max(self.now + 1e-6, min(times))

    # What came of it.

    @property
    def committed(self) -> list[Committed]:
        return [event for event in self.events if isinstance(event, Committed)]

    @property
    def gaps(self) -> list[Gap]:
        return [event for event in self.events if isinstance(event, Gap)]

    @property
    def interruptions(self) -> list[Interrupted]:
        return [event for event in self.events if isinstance(event, Interrupted)]

    @property
    def heard(self) -> list[int]:
        """Block numbers in the order they were told."""
        return [block for event in self.committed for block in said(event.text)]

    @property
    def finished(self) -> Finished:
        last = self.events[-1]
        assert isinstance(last, Finished), (last, self.stream.error and self.stream.error.code)
        return last

    def check_abutting(self) -> None:
        """Committed pieces and gaps tile the time from ``start`` to the end."""
        reached = self.start
        for event in self.events:
            if isinstance(event, Committed | Gap):
                assert event.start == reached, event
                assert event.end >= event.start
                reached = event.end
        assert reached == self.finished.end


def faithful(number: int) -> Behaviour:
    return Behaviour()


def unreachable(number: int) -> Fault:
    return errors.unreachable("OSError: refused")
