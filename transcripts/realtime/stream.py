"""One transcript's audio through as many provider sessions as it takes, as a state machine without I/O.

Pure. The shell feeds audio, socket events and time, and takes actions (open, send, close) and stream events. Every
sample since the last committed end is kept and heard again on the next session, so an answer is either had or asked for
again. Positions are samples on the transcript's clock, times monotonic seconds.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from transcripts.media.pcm import SAMPLE_RATE, Chunk, seconds_to_samples
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.buffer import ReplayBuffer
from transcripts.realtime.errors import ErrorClass, Fault, ProviderError
from transcripts.realtime.ledger import Ledger
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.pauses import PauseDetector
from transcripts.realtime.policy import GRID
from transcripts.realtime.protocol import Answer, Connection, Failed, Heard, LinkEvent, Note, Ready
from transcripts.realtime.recovery import Recovery
from transcripts.realtime.results import Connected, Finished, Interrupted, StreamEvent
from transcripts.realtime.rotation import Rotation
from transcripts.realtime.sending import Sender
from transcripts.realtime.tuning import Tuning

#: A first chunk may begin so much before ``start`` and still be taken for a pre-roll.
_MAX_PREROLL = 10 * SAMPLE_RATE
#: A border with so much silence before it needs no pre-roll.
_CLEAN = SAMPLE_RATE // 5


@dataclass(frozen=True, slots=True)
class Open:
    """Open a socket for link number ``link``."""

    link: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text frame on a link."""

    link: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close a link's socket with 1000, waiting a bounded time; what it still says is not wanted."""

    link: int


Action = Open | Send | Close


@dataclass(slots=True)
class Link:
    """A provider connection and its number within the stream (from 1)."""

    number: int
    connection: Connection


class Stream:
    """Feed audio, frames and time; take actions and events.

    At most two links: ``_head`` is the one whose answers count next, ``_next`` its successor in a rotation, first
    standing by and then, once ``_switched``, sent to while the head's last answers come in.
    """

    def __init__(
        self,
        options: SessionOptions,
        tuning: Tuning,
        *,
        start: int,
        previous_text: str,
        breaker: Breaker,
        rng: random.Random,
    ) -> None:
        self._options = options
        self._tuning = tuning
        self._breaker = breaker
        self._ledger = Ledger(start, previous_text)
        self._buffer = ReplayBuffer(start)
        self._levels = PauseDetector(start)
        self._sender = Sender(options, tuning, self._buffer, self._levels, self._overflowed)
        self._recovery = Recovery(tuning, breaker, rng)
        self._rotation = Rotation(tuning, breaker)
        self._bound = seconds_to_samples(tuning.replay_buffer_s)
        self._preroll = seconds_to_samples(tuning.preroll_s) if options.include_timestamps else 0
        self._clean_border = True
        self._head: Link | None = None
        self._next: Link | None = None
        self._switched = False
        self._numbers = 0
        self._retry_at = 0.0
        self._told_paused = False
        self._fed = False
        self._chunk_halved = False
        self._stop_at: float | None = None
        self._linger_until: float | None = None
        self._paused_at: float | None = None
        self._billed = 0
        self._actions: deque[Action] = deque()
        self._events: deque[StreamEvent] = self._ledger.events
        #: Why the stream cannot go on.
        self.error: ProviderError | None = None
        #: Everything was answered; the last event is Finished.
        self.finished = False

    # Audio.

    @property
    def done(self) -> int:
        """End of what is settled: the place to resume from."""
        return self._ledger.done

    @property
    def accepts(self) -> bool:
        """Whether more audio is wanted. A live source is never made to wait."""
        if self._tuning.live or self._sender.ended:
            return True
        ahead = self._buffer.end - self._sender.cursor
        return ahead < seconds_to_samples(self._tuning.read_ahead_s) and self._buffer.end - self.done < self._bound

    def feed(self, chunk: Chunk, now: float) -> None:
        """Take audio. A start beyond the last end is a gap of the source; a first chunk may bring a pre-roll."""
        if self._sender.ended or not chunk.samples:
            return
        if not self._fed:
            self._fed = True
            self._take_preroll(chunk.start)
        before = self._buffer.end
        missing = self._buffer.append(chunk)
        if missing:
            self._ledger.gap(before, before + missing, "source_dropped")
        fresh = self._buffer.end - before - missing
        if fresh:
            self._levels.feed(self._buffer.end - fresh, chunk.data[(chunk.samples - fresh) * 2 : chunk.samples * 2])
        self._sender.fed_at = now
        if self._tuning.live and self._buffer.end - self._buffer.start > self._bound:
            self._buffer.release((self._buffer.end - self._bound) // GRID * GRID)

    def _take_preroll(self, start: int) -> None:
        if self._preroll and self.done - _MAX_PREROLL <= start < self.done:
            self._buffer.end = start
            self._sender.restart(self.done, start)
            if self._head is not None:
                self._aim(self._head)

    def _overflowed(self, start: int, end: int) -> None:
        self._ledger.gap(start, end, "buffer_overflow")

    def end(self, now: float) -> None:
        """No more audio will come: flush, commit, collect the answers, close."""
        self._sender.ended = True
        self._sender.fed_at = now

    def stop(self, now: float) -> None:
        """Like ``end``, on a person's word: an outage is not waited out."""
        self.end(now)
        unsent = (self._buffer.end - self.done) / SAMPLE_RATE
        self._stop_at = now + 2 * self._tuning.drain_s + unsent

    def request_commit(self) -> None:
        """Commit as soon as there is enough to commit."""
        self._sender.requested = True

    # Sockets and time.

    def opened(self, number: int, now: float) -> None:
        """The socket of a link is open."""
        if (link := self._link(number)) is not None:
            link.connection.opened(now)

    def received(self, number: int, text: str | bytes, now: float) -> None:
        """A text frame came on a link."""
        if (link := self._link(number)) is not None:
            link.connection.feed(text, now)
            self._drain(now)

    def closed(self, number: int, code: int | None, reason: str, now: float) -> None:
        """The socket of a link is closed."""
        if (link := self._link(number)) is not None:
            link.connection.closed(code, reason)
            self._drain(now)

    def failed(self, number: int, fault: Fault, now: float) -> None:
        """A link could not be opened, or broke in the shell's hands."""
        if (link := self._link(number)) is not None:
            link.connection.fail(fault)
            self._drain(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self._paused(now):
            return
        for link in self._links():
            link.connection.tick(now)
        self._drain(now)
        if self._stop_at is not None and now >= self._stop_at and not self.finished:
            self._ledger.give_up(self._buffer.end)
            self._complete()
        self._finish(now)

    def _paused(self, now: float) -> bool:
        """Answers are not read while the consumer is behind, so their deadlines stand still."""
        if self.congested:
            self._paused_at = now if self._paused_at is None else self._paused_at
            return True
        if self._paused_at is not None:
            for link in self._links():
                link.connection.postpone(now - self._paused_at)
            self._paused_at = None
        return False

    # Actions and events.

    def poll(self, now: float) -> Action | None:
        """The next thing for the shell to do, or None until ``wake_at`` or the next input."""
        if self._actions:
            return self._actions.popleft()
        if self.finished or self.error is not None:
            return None
        if self._head is None:
            return self._reopen(now)
        if self._next is None and not self._sender.done and self._rotation.due(self._head.connection, now):
            self._next = self._new_link()
            return Open(self._next.number)
        return self._send(now)

    def wake_at(self, now: float) -> float:
        """When to call ``tick`` and ``poll`` again at the latest."""
        if self.congested:
            return self._sender.wake_at
        times = [self._sender.wake_at, *(link.connection.due() for link in self._links())]
        times.append(self._retry_at if self._head is None else self._rotation.wake_at(self._head.connection, now))
        times += [at for at in (self._stop_at, self._linger_until) if at is not None]
        return min(times)

    @property
    def congested(self) -> bool:
        """The consumer is behind: nothing should be read, and nothing but keep-alives is sent."""
        return len(self._events) >= self._tuning.max_events

    def next_event(self) -> StreamEvent | None:
        """Take the oldest event."""
        return self._events.popleft() if self._events else None

    def _reopen(self, now: float) -> Action | None:
        if now < self._retry_at or self._sender.done:
            return None
        wait = self._breaker.wait(now)
        if wait > 0.0:
            self._retry_at = now + wait
            if not self._told_paused:
                self._told_paused = True
                told = "Connections to the speech service rest after several failures."
                self._events.append(Interrupted("provider_resting", told, 0, wait))
            return None
        self._told_paused = False
        self._head = self._new_link()
        return Open(self._head.number)

    def _new_link(self) -> Link:
        self._numbers += 1
        link = Link(
            self._numbers,
            Connection(
                self._options,
                self._tuning,
                self._levels,
                origin=self._sender.cursor,
                trim=self._ledger.trim,
                previous_text=self._ledger.context,
            ),
        )
        self._aim(link)
        return link

    def _aim(self, link: Link) -> None:
        link.connection.aim(self._sender.cursor, max(self._ledger.trim, self._sender.begin), self._ledger.context)

    def _send(self, now: float) -> Action | None:
        self._switch_over(now)
        link = self._next if self._switched and self._next is not None else self._head
        assert link is not None
        self._sender.wake_at = float("inf")
        if not link.connection.failed:
            frame = self._sender.next_frame(link.connection, now, paused=self.congested)
            if frame is not None:
                return Send(link.number, frame)
        for other in self._links():
            if other is not link and other.connection.ready and not other.connection.failed:
                frame = self._sender.keep_alive(other.connection, now)
                if frame is not None:
                    return Send(other.number, frame)
        return None

    def _switch_over(self, now: float) -> None:
        """Make before break: the next session takes over at a border, once it is ready."""
        if self._head is None or self._next is None or self._switched or not self._next.connection.ready:
            return
        self._sender.hurry = True
        if self._sender.cursor > self._sender.begin:
            self._sender.requested = self._sender.requested or self._rotation.forced(self._head.connection, now)
            return
        self._sender.hurry = False
        self._switched = True
        self._aim(self._next)
        self._drain(now)

    # What came back.

    def _links(self) -> list[Link]:
        return [link for link in (self._head, self._next) if link is not None]

    def _link(self, number: int) -> Link | None:
        return next((link for link in self._links() if link.number == number), None)

    def _drain(self, now: float) -> None:
        while self._head is not None:
            head = self._head
            for event in head.connection.events():
                self._apply(head, event, now)
                if self._head is not head:
                    return
            if not (self._switched and self._next is not None and not head.connection.outstanding):
                break
            self._retire(head)
            self._head, self._next, self._switched = self._next, None, False
        if self._next is not None and not self._switched:
            for event in self._next.connection.events():
                self._apply_standby(self._next, event, now)

    def _apply(self, link: Link, event: LinkEvent, now: float) -> None:
        match event:
            case Ready():
                self._connected(link, event)
            case Heard(text):
                self._ledger.partial(text, self._sender.cursor)
            case Answer():
                self._answered(event)
            case Note():
                self._ledger.note(event)
            case Failed(fault):
                self._lost(link, fault, now)

    def _apply_standby(self, link: Link, event: LinkEvent, now: float) -> None:
        if isinstance(event, Failed):
            self._next = None
            self._retire(link)
            self._rotation.failed(now)
        elif isinstance(event, Ready | Note):
            self._apply(link, event, now)

    def _connected(self, link: Link, ready: Ready) -> None:
        self._events.append(Connected(link.number, ready.session_id, ready.config, self._sender.cursor))

    def _answered(self, answer: Answer) -> None:
        if not answer.own:
            self._sender.server_committed(answer.end)
        moved = self._ledger.answer(answer)
        self._clean_border = answer.own and self._levels.pause_at(self.done) >= _CLEAN
        keep = self.done - self._preroll
        self._buffer.release(keep)
        self._levels.release(keep - SAMPLE_RATE)
        if moved:
            self._recovery.progressed()

    # Ends.

    def _retire(self, link: Link) -> None:
        self._billed += link.connection.clock.sent
        self._actions.append(Close(link.number))

    def _lost(self, link: Link, fault: Fault, now: float) -> None:
        connection = link.connection
        if self._sender.done and not connection.outstanding and self._next is None:
            # Whatever is said after the last answer changes nothing.
            self._complete()
            return
        fault = self._learn(connection, fault, now)
        session_s = None if connection.ready_at is None else now - connection.ready_at
        retry = self._recovery.failed(
            fault, now, session_s=session_s, progress=connection.answers > 0, may_end=self._may_end()
        )
        if retry is None:
            self._close_all()
            self.error = fault.error()
            return
        self._fall_back(link, now + retry.delay)
        self._events.append(Interrupted(fault.code, fault.message, retry.attempt, self._retry_at - now))

    def _may_end(self) -> bool:
        return not self._tuning.live or self._sender.ended

    def _learn(self, connection: Connection, fault: Fault, now: float) -> Fault:
        if fault.klass is ErrorClass.SLOW_DOWN:
            self._sender.pace.slow_to_real_time()
        elif fault.code == "session_time_limit_exceeded":
            self._rotation.learn(connection, now)
        elif fault.code == "untimed_replay":
            self._preroll = 0
        elif fault.code == "chunk_size_exceeded":
            return self._smaller_chunks(fault)
        elif fault.code == "answer_missing" and connection.outstanding:
            allowed = 1 if self._stop_at is not None else self._tuning.max_replays
            if self._recovery.stuck(self.done) > allowed:
                self._ledger.give_up(connection.outstanding[0].end)
        return fault

    def _smaller_chunks(self, fault: Fault) -> Fault:
        if self._chunk_halved:
            return Fault(fault.code, ErrorClass.FATAL_JOB, fault.message, "", fault.provider_text)
        self._chunk_halved = True
        self._sender.frame = max(GRID, self._sender.frame // 2 // GRID * GRID)
        return fault

    def _fall_back(self, link: Link, retry_at: float) -> None:
        """Hear everything since the committed end again: on the standby if there is one, else on a new session."""
        standby = self._next if self._next is not None and not self._switched else None
        if standby is not None and standby.connection.ready:
            self._retire(link)
            self._head, self._next, self._retry_at = standby, None, 0.0
        else:
            self._close_all()
            self._retry_at = retry_at
        self._sender.hurry = False
        self._sender.restart(self.done, self._replay_start())
        if self._head is not None:
            self._aim(self._head)

    def _replay_start(self) -> int:
        start = self.done - self._preroll
        if self._clean_border or not self._preroll or self._buffer.run_end(start) < self.done:
            return self.done
        return start

    def _close_all(self) -> None:
        for link in self._links():
            self._retire(link)
        self._head = self._next = None
        self._switched = False

    def _finish(self, now: float) -> None:
        if self.finished or self.error is not None or not self._sender.done:
            return
        if any(link.connection.outstanding for link in self._links()):
            self._linger_until = None
        elif self._head is None:
            self._complete()
        elif self._linger_until is None:
            self._linger_until = now + self._tuning.linger_s
        elif now >= self._linger_until:
            self._complete()

    def _complete(self) -> None:
        self._ledger.give_up(self._buffer.end)
        self._close_all()
        self.finished = True
        self._events.append(Finished(self.done, self._billed))
