"""One transcript's audio through as many provider sessions as it takes, as a state machine without I/O.

Pure. The shell feeds audio, frames and time, and takes actions (open, send, close) and stream events. Every sample
since the last committed end is kept and heard again on the next session, so an answer is either had or asked for again.
Positions are samples on the transcript's clock, times monotonic seconds.
"""

from __future__ import annotations

import random

from transcripts.media.pcm import SAMPLE_RATE, Chunk, seconds_to_samples
from transcripts.realtime import errors
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.errors import Fault, ProviderError
from transcripts.realtime.intake import Intake
from transcripts.realtime.ledger import Ledger
from transcripts.realtime.linkevents import Answer, Failed, Heard, LinkEvent, Note, Ready
from transcripts.realtime.links import Action, Links, Send
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.protocol import Connection
from transcripts.realtime.recovery import Recovery
from transcripts.realtime.results import Connected, Finished, Interrupted, StreamEvent
from transcripts.realtime.rotation import Rotation
from transcripts.realtime.sending import Sender
from transcripts.realtime.tuning import Tuning


class Stream:
    """Feed audio, frames and time; take actions and events."""

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
        preroll = seconds_to_samples(tuning.preroll_s) if options.include_timestamps else 0
        self._intake = Intake(tuning, self._ledger, preroll=preroll)
        self._sender = Sender(options, tuning, self._intake.buffer, self._intake.levels, self._overflowed)
        self._rotation = Rotation(tuning, breaker)
        self._recovery = Recovery(tuning, breaker, rng, self._sender, self._rotation)
        self._links = Links(self._connection)
        self._retry_at = 0.0
        self._told_resting = False
        self._stop_at: float | None = None
        self._linger_until: float | None = None
        self._paused_at: float | None = None
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
    def billed(self) -> int:
        """Samples sent so far, on all connections, silence and replays included."""
        return self._links.billed + sum(link.connection.clock.sent for link in self._links.all())

    @property
    def all_sent(self) -> bool:
        """The audio has ended and all of it was sent and committed; only answers may be missing."""
        return self._sender.done

    def last_words_in(self, now: float) -> float:
        """Seconds until the last answers are there, asked for again, or (after ``stop``) given up."""
        ends = [commit.deadline for link in self._links.all() for commit in link.connection.outstanding]
        return max((max(ends, default=now) if self._stop_at is None else self._stop_at) - now, 0.0)

    @property
    def _end(self) -> int:
        return self._intake.buffer.end

    @property
    def accepts(self) -> bool:
        """Whether more audio is wanted."""
        return self._sender.ended or self._intake.accepts(self._sender.cursor)

    def feed(self, chunk: Chunk, now: float) -> None:
        """Take audio. A start beyond the last end is a gap of the source; a first chunk may bring a pre-roll."""
        if self._sender.ended or not chunk.samples:
            return
        if self._intake.begins_early(chunk.start):
            self._replay_from(chunk.start)
        self._intake.feed(chunk)
        self._sender.fed_at = now

    def _overflowed(self, start: int, end: int) -> None:
        self._ledger.gap(start, end, "buffer_overflow")

    def end(self, now: float) -> None:
        """No more audio will come: flush, commit, collect the answers, close."""
        if not self._sender.ended:
            self._sender.ended = True
            self._sender.fed_at = now

    def stop(self, now: float) -> None:
        """Like ``end``, on a person's word: an outage is not waited out."""
        self.end(now)
        unanswered = (self._end - self.done) / SAMPLE_RATE
        self._stop_at = now + 2 * self._tuning.drain_s + unanswered * self._tuning.answer_share

    def request_commit(self) -> None:
        """Commit as soon as there is enough to commit."""
        self._sender.requested = True

    # Sockets and time.

    def opened(self, number: int, now: float) -> None:
        """The socket of a link is open."""
        if (link := self._links.find(number)) is not None:
            link.connection.opened(now)

    def received(self, number: int, text: str | bytes, now: float) -> None:
        """A text frame came on a link."""
        if (link := self._links.find(number)) is not None:
            link.connection.feed(text, now)
            self._drain(now)

    def closed(self, number: int, code: int | None, reason: str, now: float) -> None:
        """The socket of a link is closed."""
        if (link := self._links.find(number)) is not None:
            link.connection.closed(code, reason)
            self._drain(now)

    def failed(self, number: int, fault: Fault, now: float) -> None:
        """A link could not be opened, or broke in the shell's hands."""
        if (link := self._links.find(number)) is not None:
            link.connection.fail(fault)
            self._drain(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        if self._paused(now) or self.finished or self.error is not None:
            return
        for link in self._links.all():
            link.connection.tick(now)
        self._drain(now)
        if self._stop_at is not None and now >= self._stop_at:
            self._complete()
        self._finish(now)

    def _paused(self, now: float) -> bool:
        """Answers are not read while the consumer is behind, so their deadlines stand still."""
        if self.congested:
            self._paused_at = now if self._paused_at is None else self._paused_at
            return True
        if self._paused_at is not None:
            for link in self._links.all():
                link.connection.postpone(now - self._paused_at)
            self._paused_at = None
        return False

    # Actions and events.

    def poll(self, now: float) -> Action | None:
        """The next thing for the shell to do, or None until ``wake_at`` or the next input."""
        if self._links.actions:
            return self._links.actions.popleft()
        if self.finished or self.error is not None:
            return None
        head = self._links.head
        if head is None:
            return self._reopen(now)
        if self._links.successor is None and not self._sender.done and self._rotation.due(head.connection, now):
            return self._links.open_successor()
        return self._send(now)

    def wake_at(self, now: float) -> float:
        """When to call ``tick`` and ``poll`` again at the latest."""
        if self._links.head is None:
            times = [self._retry_at]
        else:
            times = [self._sender.wake_at, self._rotation.wake_at(self._links.head.connection, now)]
        if not self.congested:
            times += [link.connection.due() for link in self._links.all()]
            times += [at for at in (self._stop_at, self._linger_until) if at is not None]
        return min(times)

    @property
    def congested(self) -> bool:
        """The consumer is behind: nothing should be read, and nothing but keep-alives is sent."""
        return len(self._ledger.events) >= self._tuning.max_events

    def next_event(self) -> StreamEvent | None:
        """Take the oldest event."""
        return self._ledger.events.popleft() if self._ledger.events else None

    def _reopen(self, now: float) -> Action | None:
        if now < self._retry_at or self._sender.done:
            return None
        wait = self._breaker.wait(now)
        if wait <= 0.0:
            self._told_resting = False
            return self._links.open_head()
        self._retry_at = now + wait
        if not self._told_resting:
            self._told_resting = True
            told = "Connections to the speech service rest after several failures."
            self._ledger.events.append(Interrupted("provider_resting", told, 0, wait))
        return None

    def _connection(self) -> Connection:
        connection = Connection(
            self._options,
            self._tuning,
            self._intake.levels,
            doubts=self._recovery.doubts,
            server_commits=self._recovery.server_commits,
        )
        self._aim(connection)
        return connection

    def _aim(self, connection: Connection) -> None:
        trim = max(self._ledger.trim, self._sender.begin)
        connection.aim(self._sender.cursor, trim, self._ledger.context)

    def _send(self, now: float) -> Action | None:
        self._switch_over(now)
        link = self._links.sending
        assert link is not None
        full = self._rotation.exhausted(link.connection, now)
        frame = self._sender.next_frame(link.connection, now, paused=self.congested, full=full)
        if frame is not None:
            return Send(link.number, frame)
        for other in self._links.all():
            if other is not link and (frame := self._sender.keep_alive(other.connection, now)) is not None:
                return Send(other.number, frame)
        return None

    def _switch_over(self, now: float) -> None:
        """Make before break: the next session takes over at a border, once it is ready."""
        head, successor = self._links.head, self._links.successor
        if head is None or successor is None or self._links.switched or not successor.connection.ready:
            return
        self._sender.hurry = True
        if self._sender.cursor > self._sender.begin:
            self._sender.requested = self._sender.requested or self._rotation.forced(head.connection, now)
            return
        self._sender.hurry = False
        self._links.switched = True
        self._aim(successor.connection)
        self._drain(now)

    # What came back.

    def _drain(self, now: float) -> None:
        while (head := self._links.head) is not None:
            for event in head.connection.events():
                self._apply(head.number, event, now)
            if self._links.head is not head:
                continue
            if not self._links.switched or head.connection.outstanding:
                break
            self._links.promote()
        successor = self._links.successor
        if successor is not None and not self._links.switched:
            for event in successor.connection.events():
                self._apply_standby(successor.number, event, now)

    def _apply(self, number: int, event: LinkEvent, now: float) -> None:
        match event:
            case Ready(session_id, config):
                self._ledger.events.append(Connected(number, session_id, config, self._sender.cursor))
            case Heard(text):
                self._ledger.partial(text, self._sender.cursor)
            case Answer():
                self._answered(event)
            case Note():
                self._ledger.note(event)
            case Failed(fault):
                self._lost(fault, now)

    def _apply_standby(self, number: int, event: LinkEvent, now: float) -> None:
        if isinstance(event, Failed):
            self._links.drop_successor()
            self._rotation.failed(now)
        elif isinstance(event, Ready | Note):
            self._apply(number, event, now)

    def _answered(self, answer: Answer) -> None:
        if not answer.own:
            self._sender.server_committed(answer.end)
        moved = self._ledger.answer(answer)
        self._intake.settled(own=answer.own)
        if moved:
            self._recovery.progressed()

    # Ends.

    def _lost(self, fault: Fault, now: float) -> None:
        head = self._links.head
        assert head is not None
        if self._sender.done and self.done >= self._end:
            # Whatever is said after the last answer changes nothing.
            self._complete()
            return
        verdict = self._recovery.failed(
            fault, head.connection, self.done, now, stopping=self._stop_at is not None, live=self._tuning.live
        )
        if verdict.error is not None:
            self._links.close_all()
            self.error = verdict.error
            return
        if verdict.give_up_to is not None:
            self._ledger.give_up(verdict.give_up_to)
        if not self._recovery.doubts or self._recovery.untimed:
            self._intake.preroll = 0
        self._fall_back(now + verdict.delay)
        self._ledger.events.append(Interrupted(fault.code, fault.message, verdict.attempt, self._retry_at - now))

    def _fall_back(self, retry_at: float) -> None:
        """Hear everything since the committed end again: on the standby if there is one, else on a new session."""
        if self._links.standing_by and not self._links.switched:
            self._links.promote()
        else:
            self._links.close_all()
        self._retry_at = retry_at
        self._sender.hurry = False
        self._replay_from(self._intake.replay_start)

    def _replay_from(self, cursor: int) -> None:
        self._sender.restart(self.done, cursor)
        if self._links.head is not None:
            self._aim(self._links.head.connection)

    def _finish(self, now: float) -> None:
        if self.finished or self.error is not None or not self._sender.done:
            return
        if self._links.outstanding:
            self._linger_until = None
        elif self.done < self._end and self._links.head is not None:
            self._lost(errors.answer_missing(), now)
        elif self._links.head is None:
            self._complete()
        elif self._linger_until is None:
            self._linger_until = now + self._tuning.linger_s
        elif now >= self._linger_until:
            self._complete()

    def _complete(self) -> None:
        self._ledger.give_up(self._end)
        self._links.close_all()
        self.finished = True
        self._ledger.events.append(Finished(self.done, self._links.billed))
