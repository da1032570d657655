"""One provider session as a state machine without I/O: feed what arrives, take frames to send and events.

Pure. It knows its own connection and nothing of others: what is done about an end is stream.py's business. Input
methods never raise. Facts: protocol.md sections 1, 4, 5 and 7. Times are monotonic seconds.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from transcripts.media.pcm import SAMPLE_BYTES, SAMPLE_RATE, silence
from transcripts.realtime import errors
from transcripts.realtime.answers import AnswerBook
from transcripts.realtime.clock import ClockMap
from transcripts.realtime.errors import ErrorClass, Fault
from transcripts.realtime.formats import Encoder
from transcripts.realtime.linkevents import Failed, LinkEvent, Note, Ready
from transcripts.realtime.matching import Commit, Levels
from transcripts.realtime.messages import (
    ErrorFrame,
    Final,
    InputAudioChunk,
    Other,
    PartialTranscript,
    SessionStarted,
    decode,
)
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.tuning import Tuning

#: ``input_error`` leaves the session open; the third says that we are not understood at all.
_MAX_INPUT_ERRORS = 3
#: Silence of the provider is no failure unless so much voice was sent (samples).
_WATCHED_VOICE = SAMPLE_RATE


class Connection:
    """One session, from the open socket to its end. States: opening, ``ready``, ``failed``; there is no way back."""

    def __init__(
        self,
        options: SessionOptions,
        tuning: Tuning,
        levels: Levels,
        *,
        doubts: bool = True,
        server_commits: bool = False,
    ) -> None:
        self._tuning = tuning
        self._levels = levels
        self._encoder = Encoder(options.audio_format)
        self._sample_rate = options.sample_rate
        self._previous_text: str | None = None
        self.clock = ClockMap(0)
        self._book = AnswerBook(options, tuning, levels, self.clock, doubts=doubts, server_commits=server_commits)
        self.ready = False
        #: When the socket was open and when the session was, or None.
        self.opened_at: float | None = None
        self.ready_at: float | None = None
        #: When audio, real or not, was last sent.
        self.last_sent_at = 0.0
        self._events: deque[LinkEvent] = self._book.events
        self._fault: Fault | None = None
        self._over = False
        self._input_errors = 0
        self._watch_at = float("inf")
        self._message_position = 0

    @property
    def failed(self) -> bool:
        """The connection is over, whether or not that was told yet."""
        return self._over or self._book.failed

    def aim(self, origin: int, trim: int, previous_text: str) -> None:
        """Before any real audio: the transcript sample that is sent first, and the one that counts first."""
        self._book.trim, self._book.preroll = trim, origin < trim
        if self.clock.sent == 0:
            self.clock.aim(origin)
            self._previous_text = previous_text or None

    # What goes out.

    def audio(self, start: int, pcm: bytes, now: float, *, commit: bool = False) -> bytes:
        """A frame of real audio (s16le) that begins at transcript sample ``start``; ``commit`` commits all up to its
        end."""
        samples = len(pcm) // SAMPLE_BYTES
        self.clock.add_audio(start, samples)
        return self._frame(pcm, now, start + samples if commit else None)

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
            self._book.committed(commit_end, now)
        audio = self._encoder.encode(pcm)
        return InputAudioChunk(audio, commit_end is not None, self._sample_rate, context).encode()

    @property
    def outstanding(self) -> deque[Commit]:
        """Commits without an answer, oldest first."""
        return self._book.outstanding

    @property
    def spoke(self) -> bool:
        """Whether the service understood anything yet, be it a guess."""
        return self._book.spoke

    @property
    def answered(self) -> int:
        """The connection's samples up to the last commit that was answered."""
        return self._book.answered

    @property
    def server_commits(self) -> bool:
        """Whether the provider commits by itself."""
        return self._book.server_commits

    @property
    def answered_at(self) -> float:
        """When the last commit of ours was answered."""
        return self._book.answered_at

    @property
    def uncommitted(self) -> int:
        """The most samples that the provider may count as uncommitted."""
        return self.clock.sent - self._book.base_low

    @property
    def fresh(self) -> int:
        """The samples that the provider counts as uncommitted at the very least: what a commit may rely on."""
        return self.clock.sent - self._book.base_high

    # What comes in.

    def opened(self, now: float) -> None:
        """The socket is open; that says nothing of the session yet."""
        self.opened_at = self.last_sent_at = now
        self._watch_at = now + self._tuning.silence_watch_s

    def feed(self, text: str | bytes, now: float) -> None:
        """A text frame arrived."""
        if self.failed:
            return
        self._watch_at, self._message_position = now + self._tuning.silence_watch_s, self.clock.sent
        match decode(text):
            case PartialTranscript(said):
                self._book.partial(said)
            case Final() as final:
                self._book.final(final, now)
            case SessionStarted(session_id, config):
                self._started(session_id, config, now)
            case ErrorFrame() as frame:
                self._error(frame)
            case Other(kind, payload):
                self._book.note(kind, payload)

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
        self._book.tick(now)
        if not self.ready and now >= self.opened_at + self._tuning.session_timeout_s:
            self._fail(errors.timed_out("session_timeout", "The speech service did not start the session in time."))
        elif now >= self._watch_at:
            self._watch_at = now + 1.0
            if self._unanswered_voice() >= _WATCHED_VOICE:
                self._fail(errors.timed_out("provider_silent", "The speech service went silent."))

    def postpone(self, seconds: float) -> None:
        """Nothing was read for so long: every deadline moves."""
        self._watch_at += seconds
        self._book.postpone(seconds)

    def due(self) -> float:
        """When ``tick`` has something to do at the latest."""
        if self.failed or self.opened_at is None:
            return float("inf")
        start = float("inf") if self.ready else self.opened_at + self._tuning.session_timeout_s
        return min(self._watch_at, self._book.due(), start)

    def events(self) -> list[LinkEvent]:
        """Take the events so far, up to the end of the connection."""
        taken: list[LinkEvent] = []
        while self._events:
            taken.append(self._events.popleft())
            if isinstance(taken[-1], Failed):
                self._events.clear()
        return taken

    # Details.

    def _started(self, session_id: str, config: Any, now: float) -> None:
        if not self.ready:
            self.ready, self.ready_at = True, now
            self._events.append(Ready(session_id, config))

    def _error(self, frame: ErrorFrame) -> None:
        fault = errors.from_frame(frame.kind, frame.text)
        if fault.klass is not ErrorClass.IGNORE:
            self._fault = fault
            self._fail(fault)
            return
        self._events.append(Note(frame.kind, frame.payload))
        self._input_errors += 1
        if self._input_errors >= _MAX_INPUT_ERRORS:
            told = "The speech service does not understand what it is sent."
            self._fail(Fault(fault.code, ErrorClass.FATAL_JOB, told, "", fault.provider_text))

    def _unanswered_voice(self) -> int:
        since = self.clock.to_transcript(self._message_position)
        return self._levels.voice_in(since, self.clock.to_transcript(self.clock.sent))

    def _fail(self, fault: Fault) -> None:
        if not self.failed:
            self._over = True
            self._events.append(Failed(fault))
