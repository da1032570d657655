"""One provider session as a state machine without I/O: feed what arrives, take frames to send and events.

Pure. It knows its own connection and nothing of others: what is done about an end is stream.py's business. Input
methods never raise. Facts: protocol.md sections 1, 4, 5 and 7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from transcripts.media.pcm import SAMPLE_RATE, silence
from transcripts.realtime import errors
from transcripts.realtime.clock import ClockMap
from transcripts.realtime.errors import ErrorClass, Fault
from transcripts.realtime.matching import Commit, Levels, answered_count, leaves_voice, span_of
from transcripts.realtime.messages import (
    ErrorFrame,
    Final,
    InputAudioChunk,
    Other,
    PartialTranscript,
    ServerMessage,
    SessionStarted,
    decode,
)
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.rebase import joined, rebase_extra, rebase_words
from transcripts.realtime.results import Word
from transcripts.realtime.tuning import Tuning
from transcripts.realtime.twins import TwinMatcher


@dataclass(frozen=True, slots=True)
class Ready:
    """``session_started`` was read."""

    session_id: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """A partial of the open segment."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Final text up to transcript sample ``end``. ``own`` is False when the provider committed by itself; then ``end``
    is the end of the last word: all that the answer is known to cover."""

    text: str
    end: int
    own: bool
    words: tuple[Word, ...] = ()
    language: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """Anything else that was said. ``end`` is the segment it belongs to, or None for the session."""

    kind: str
    payload: Mapping[str, Any]
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection is over."""

    fault: Fault


LinkEvent = Ready | Heard | Answer | Note | Failed

#: Two empty finals within so many seconds may be one, doubled.
_DOUBLE_S = 2.0
#: ``input_error`` leaves the session open; the third says that we are not understood at all.
_MAX_INPUT_ERRORS = 3


class Connection:
    """One session, from the open socket to its end.

    ``origin`` is the transcript sample of the first audio, ``trim`` the one before which words were had already
    (``origin`` lies before it when a pre-roll is sent). Times are monotonic seconds.
    """

    def __init__(
        self, options: SessionOptions, tuning: Tuning, levels: Levels, *, origin: int, trim: int, previous_text: str
    ) -> None:
        self._options = options
        self._tuning = tuning
        self._levels = levels
        self._origin = origin
        self._trim = trim
        self._previous_text: str | None = previous_text or None
        self.clock = ClockMap(origin)
        self.ready = False
        self.failed = False
        self.outstanding: deque[Commit] = deque()
        self.opened_at: float | None = None
        self.ready_at: float | None = None
        self.last_sent_at = 0.0
        #: The provider commits by itself: always under VAD, and once it was seen to.
        self.server_commits = options.commit_strategy != "manual"
        self.answers = 0
        self._twins = TwinMatcher(timed=options.expects_timed, patience_s=tuning.twin_s)
        self._events: deque[LinkEvent] = deque()
        # The provider's counter of uncommitted audio started between these two positions.
        self._base_low = self._base_high = 0
        self._answered = 0
        # Words up to here were heard, and plain text was had up to there (connection samples).
        self._heard = self._covered = 0
        self._last_text: str | None = None
        self._empty_at = float("-inf")
        self._held_until: float | None = None
        self._echo: str | None = None
        self._recent: deque[tuple[str, int]] = deque(maxlen=16)
        self._notes: list[Note] = []
        self._fault: Fault | None = None
        self._input_errors = 0
        self._watch_at = 0.0
        self._message_position = 0
        self.answered_at = float("-inf")

    # What goes out.

    def audio(self, start: int, pcm: bytes, now: float, *, commit: bool = False) -> bytes:
        """A frame of real audio whose first sample is transcript sample ``start``; ``commit`` commits all up to it."""
        self.clock.add_audio(start, len(pcm) // 2)
        return self._frame(pcm, now, start + len(pcm) // 2 if commit else None)

    def padding(self, samples: int, now: float, *, commit_end: int | None = None) -> bytes:
        """A frame of silence that the transcript does not have; with ``commit_end`` it commits up to there."""
        self.clock.add_silence(samples)
        return self._frame(silence(samples), now, commit_end)

    def commit(self, end: int, now: float) -> bytes:
        """A commit of everything sent, which is the audio up to transcript sample ``end``."""
        return self._frame(b"", now, end)

    def _frame(self, pcm: bytes, now: float, commit_end: int | None) -> bytes:
        context, self._previous_text = self._previous_text, None
        if pcm:
            self.last_sent_at = now
        if commit_end is not None:
            position = self.clock.sent
            span = (position - self._answered) / SAMPLE_RATE
            deadline = now + self._tuning.drain_s + span * self._tuning.answer_share
            self.outstanding.append(Commit(position, commit_end, deadline))
            self._base_low = self._base_high = position
        return InputAudioChunk(pcm, commit_end is not None, self._options.sample_rate, context).encode()

    @property
    def uncommitted(self) -> int:
        """The most samples that the provider may count as uncommitted."""
        return self.clock.sent - self._base_low

    @property
    def fresh(self) -> int:
        """The samples that the provider counts as uncommitted at the very least: what a commit may rely on."""
        return self.clock.sent - self._base_high

    # What comes in.

    def aim(self, origin: int, trim: int, previous_text: str) -> None:
        """Before any real audio: what this session will hear first, and what was had already."""
        self._origin, self._trim = origin, trim
        if self.clock.sent == 0:
            self._previous_text = previous_text or None

    def opened(self, now: float) -> None:
        """The socket is open; that says nothing of the session yet."""
        self.opened_at = self.last_sent_at = now
        self._watch_at = now + self._tuning.silence_watch_s

    def feed(self, text: str | bytes, now: float) -> None:
        """A text frame arrived."""
        if self.failed:
            return
        self._watch_at, self._message_position = now + self._tuning.silence_watch_s, self.clock.sent
        self._read(decode(text), now)

    def closed(self, code: int | None, reason: str) -> None:
        """The socket is closed."""
        self._fail(errors.from_close(code, reason, self._fault))

    def fail(self, fault: Fault) -> None:
        """The shell found the connection broken."""
        self._fail(self._fault or fault)

    def tick(self, now: float) -> None:
        """Let time pass: fallbacks and deadlines."""
        if self.failed or self.opened_at is None:
            return
        for final in self._twins.expire(now):
            self._answer(final, now)
        if self._held_until is not None and now >= self._held_until:
            self._release_held()
        if self.outstanding and now >= self.outstanding[0].deadline:
            self._fail(errors.answer_missing())
        elif not self.ready and now >= self.opened_at + self._tuning.session_timeout_s:
            self._fail(errors.timed_out("session_timeout", "The speech service did not start the session in time."))
        elif now >= self._watch_at:
            self._watch_at = now + 1.0
            if self._unanswered_voice() >= SAMPLE_RATE:
                self._fail(errors.timed_out("provider_silent", "The speech service went silent."))

    def postpone(self, seconds: float) -> None:
        """Nothing was read for so long: every deadline moves."""
        self._watch_at += seconds
        self.outstanding = deque(replace(item, deadline=item.deadline + seconds) for item in self.outstanding)

    def due(self) -> float:
        """When ``tick`` has something to do at the latest."""
        if self.failed or self.opened_at is None:
            return float("inf")
        times = [self._watch_at]
        if self._twins.due is not None:
            times.append(self._twins.due)
        if self._held_until is not None:
            times.append(self._held_until)
        if self.outstanding:
            times.append(self.outstanding[0].deadline)
        if not self.ready:
            times.append(self.opened_at + self._tuning.session_timeout_s)
        return min(times)

    def events(self) -> list[LinkEvent]:
        """Take the events so far."""
        taken = list(self._events)
        self._events.clear()
        return taken

    # One message.

    def _read(self, message: ServerMessage, now: float) -> None:
        match message:
            case PartialTranscript(text):
                self._partial(text)
            case Final():
                self._echo = message.text or self._echo
                for final in self._twins.feed(message, now):
                    self._answer(final, now)
            case SessionStarted(session_id, config):
                if not self.ready:
                    self.ready, self.ready_at = True, now
                    self._events.append(Ready(session_id, config))
            case ErrorFrame():
                self._error(message)
            case Other(kind, payload):
                self._note(kind, payload)

    def _partial(self, text: str) -> None:
        echo, self._echo = self._echo, None
        if text != echo:
            self._events.append(Heard(text))

    def _error(self, message: ErrorFrame) -> None:
        fault = errors.from_frame(message.kind, message.text)
        if fault.klass is not ErrorClass.IGNORE:
            self._fault = fault
            self._fail(fault)
            return
        self._note(message.kind, message.payload)
        self._input_errors += 1
        if self._input_errors >= _MAX_INPUT_ERRORS:
            told = "The speech service does not understand what it is sent."
            self._fail(Fault("input_error", ErrorClass.FATAL_JOB, told, "", fault.provider_text))

    def _note(self, kind: str, payload: Mapping[str, Any]) -> None:
        payload = rebase_extra(payload, self.clock)
        text = payload.get("text")
        if not isinstance(text, str) or kind in {"unreadable", "input_error"}:
            self._events.append(Note(kind, payload))
        elif self._twins.holds(text):
            # What it is about has not been told yet; it follows right behind it.
            self._notes.append(Note(kind, payload))
        else:
            self._events.append(Note(kind, payload, self._segment_of(text)))

    def _segment_of(self, text: str) -> int | None:
        for said, end in reversed(self._recent):
            if said == text:
                return end
        return self._recent[-1][1] if self._recent else None

    # One answer.

    def _answer(self, final: Final, now: float) -> None:
        span = span_of(final.words)
        if self._is_repeat(final, span is not None and span.last < max(self._heard, self._covered)):
            self._events.append(Note("duplicate_final", {"text": final.text}))
            return
        if self._held_until is not None and self.outstanding:
            # The held empty final was genuine unless this one is about the same commit.
            if span is None or span.first >= self.outstanding[0].position:
                self._release_held()
            self._held_until = None
        if self.outstanding and self._is_ours(final, span, now):
            self._own_answer(final, now)
            self.answered_at = now
        elif not self.failed and self._held_until is None:
            self._server_commit(final)

    def _is_repeat(self, final: Final, heard: bool) -> bool:
        if final.words is not None and final.text:
            return heard
        return not self.outstanding and final.text == self._last_text

    def _is_ours(self, final: Final, span: Any, now: float) -> bool:
        if self._origin < self._trim and not self.answers and final.text and final.words is None:
            # The pre-roll cannot be told from what is new: better heard again without one.
            self._fail(Fault("untimed_replay", ErrorClass.RECONNECT, "A replay came back without word times."))
            return False
        if not final.text and now < self._empty_at + _DOUBLE_S and self._held_until is None:
            self._held_until = now + _DOUBLE_S
            return False
        if not self.server_commits or span is None:
            return True
        heard, committed = self.clock.to_transcript(span.end), self.outstanding[0].end
        return not leaves_voice(self._levels, heard, committed)

    def _own_answer(self, final: Final, now: float) -> None:
        count = answered_count(self.outstanding, span_of(final.words))
        if count is None:
            self._fail(errors.answer_missing())
            return
        commit = self.outstanding[0]
        for _ in range(count):
            commit = self.outstanding.popleft()
        self._answered = commit.position
        if final.words is None:
            self._covered = max(self._covered, commit.position)
        self._empty_at = now if not final.text else float("-inf")
        self._tell(final, commit.end, own=True)

    def _release_held(self) -> None:
        self._held_until = None
        commit = self.outstanding.popleft()
        self._answered = commit.position
        self._tell(Final(""), commit.end, own=True)

    def _server_commit(self, final: Final) -> None:
        """A final that no commit of ours asked for: automatic, VAD, or out of nowhere."""
        sent = self.clock.to_transcript(self.clock.sent)
        since = self.clock.to_transcript(self._base_low)
        span = span_of(final.words)
        nothing_sent = sent == since and not self.outstanding
        if final.text and nothing_sent and (span is None or span.first >= self._base_low):
            self._events.append(Note("phantom_final", {"text": final.text}))
            return
        self.server_commits = True
        if not self.outstanding:
            self._base_high = self.clock.sent
            self._base_low = max(self._base_low, span.end if span else 0)
        if span is not None:
            end = self.clock.to_transcript(span.end)
        else:
            # No word times: all before the last pause is a guess, and the most that may be believed.
            end = self._levels.last_voice(since, sent) or since if final.text else since
            if final.text and end >= sent:
                end = since
        if final.text:
            self._tell(final, end, own=False)

    def _tell(self, final: Final, end: int, *, own: bool) -> None:
        self.answers += 1
        self._last_text = final.text
        words, characters = rebase_words(final.words or (), self.clock)
        kept = [word for word in words if (word.start + word.end) // 2 >= self._trim]
        text = final.text if len(kept) == len(words) else joined(kept)
        span = span_of(final.words)
        if span is not None:
            self._heard = max(self._heard, span.end)
        raw = dict(final.extra)
        if characters and self._tuning.keep_characters:
            raw["characters"] = characters[len(words) - len(kept) :]
        self._recent.append((final.text, end))
        self._events.append(Answer(text, end, own, tuple(kept), final.language, raw))
        self._events.extend(Note(note.kind, note.payload, end) for note in self._notes)
        self._notes.clear()

    def _unanswered_voice(self) -> int:
        since = self.clock.to_transcript(self._message_position)
        return self._levels.voice_in(since, self.clock.to_transcript(self.clock.sent))

    def _fail(self, fault: Fault) -> None:
        if not self.failed:
            self.failed = True
            self._events.append(Failed(fault))
