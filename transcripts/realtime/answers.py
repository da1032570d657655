"""Commits that wait for their answers on one connection, and what the finals that come make of them.

Pure. Sorted out here: twins in either order, doubled and tripled finals, phantom finals, swallowed answers, automatic
commits of the provider, echo partials. Positions are samples of the connection unless said otherwise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.realtime import errors
from transcripts.realtime.clock import ClockMap
from transcripts.realtime.errors import Fault
from transcripts.realtime.linkevents import Answer, Failed, Heard, LinkEvent, Note
from transcripts.realtime.matching import WOBBLE, Commit, Levels, Span, answered_count, share_a_word, span_of, vad_pause
from transcripts.realtime.messages import Final
from transcripts.realtime.notes import Notes
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.rebase import joined, rebase_extra, rebase_words
from transcripts.realtime.tuning import Tuning
from transcripts.realtime.twins import Reply, TwinMatcher

#: Two empty finals within so many seconds may be one, doubled.
_DOUBLE_S = 2.0
#: A commit of which it is open whether it was answered counts as answered if nothing else comes for so long.
_HOLD_S = 2.0
#: A last word may seem to end so much too early (samples).
_LAST_WORD = SAMPLE_RATE // 4
#: So much voice behind the last word makes a final doubtful as the answer to all that was committed; less does where
#: the provider is known to commit by itself (samples).
_UNHEARD = SAMPLE_RATE
#: Audio under which no service is known to commit by itself, voice detection apart (samples).
_AUTO_COMMIT = SAMPLE_RATE * 34
_EMPTY_VOICE = SAMPLE_RATE // 10
_VAD_UNHEARD = SAMPLE_RATE // 25


class AnswerBook:
    """The account of one connection. ``trim`` is the transcript sample before which words are not wanted.

    ``doubts`` makes it fail the connection over an answer that may not be what it seems, to hear the audio again; the
    stream turns it off when that did not help.
    """

    def __init__(
        self,
        options: SessionOptions,
        tuning: Tuning,
        levels: Levels,
        clock: ClockMap,
        *,
        doubts: bool,
        server_commits: bool,
    ) -> None:
        self._tuning, self._levels, self._clock, self._doubts = tuning, levels, clock, doubts
        self._wants_words = options.include_timestamps
        self.trim = 0
        #: Real audio from before ``trim`` is sent first, to be heard but not told again.
        self.preroll = self._held_empty = False
        self.outstanding, self.events = deque[Commit](), deque[LinkEvent]()
        #: Answers so far, and when the last one came.
        self.count = 0
        #: Anything was understood, be it a guess.
        self.spoke = False
        #: An answer is missing or doubtful: nothing more is made of what comes.
        self.failed = False
        self.answered_at = float("-inf")
        #: The provider's counter of uncommitted audio started between these two positions.
        self.base_low = self.base_high = 0
        #: The provider commits by itself: always under VAD, and once it was seen to.
        self.server_commits = server_commits or options.commit_strategy != "manual"
        self._vad_pause = vad_pause(options)
        self._twins = TwinMatcher(timed=options.expects_timed, patience_s=tuning.twin_s)
        #: Everything up to here was answered.
        self.answered = 0
        # Words up to here were heard, and text without times was had up to there.
        self._heard = self._covered = 0
        self._untimed_text: str | None = None
        self._last_text: str | None = None
        self._empty_at = self._held_until = float("-inf")
        self._partial_at: int | None = None
        self._partial = ""
        self._echo: str | None = None
        self._notes = Notes()

    # In.

    def committed(self, end: int, now: float) -> None:
        """A commit was sent that covers the audio up to transcript sample ``end``."""
        position = self._clock.sent
        span = (position - self.answered) / SAMPLE_RATE
        deadline = now + self._tuning.drain_s + span * self._tuning.answer_share
        self.outstanding.append(Commit(position, end, deadline))
        self.base_low = self.base_high = position

    def partial(self, text: str) -> None:
        """A partial came. After a final the service repeats its text once as a partial, which says nothing."""
        echo, self._echo = self._echo, None
        if text == echo:
            return
        if text.strip():
            self.spoke = True
            self._partial = text
            self._partial_at = self._clock.sent if self._partial_at is None else self._partial_at
        self.events.append(Heard(text))

    def final(self, final: Final, now: float) -> None:
        """A final came, plain or timed."""
        self._echo = final.text or self._echo
        replies = self._twins.feed(final, now, len(self.outstanding))
        for index, reply in enumerate(replies):
            if self._is_beside_the_point(reply, replies[index + 1 :]):
                self.events.append(Note("phantom_final", {"text": reply.final.text}))
            else:
                self._reply(reply, now)

    def note(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Something about a segment or the session came."""
        text = payload.get("text")
        early = isinstance(text, str) and self._twins.holds(text)
        note = self._notes.about(kind, rebase_extra(payload, self._clock), early=early)
        if note is not None:
            self.events.append(note)

    def tick(self, now: float) -> None:
        """Let time pass: fallbacks and deadlines."""
        for reply in self._twins.expire(now):
            self._reply(reply, now)
        if self._holding and now >= self._held_until and self._twins.due is None:
            self._release()
        if self.outstanding and now >= self.outstanding[0].deadline:
            self._fail(errors.answer_missing())

    def due(self) -> float:
        """When ``tick`` has something to do."""
        times = [self.outstanding[0].deadline] if self.outstanding else []
        if self._twins.due is not None:
            times.append(self._twins.due)
        elif self._holding:
            times.append(self._held_until)
        return min(times, default=float("inf"))

    def postpone(self, seconds: float) -> None:
        """Nothing was read for so long: every deadline moves."""
        self.outstanding = deque(replace(item, deadline=item.deadline + seconds) for item in self.outstanding)

    # One reply.

    def _reply(self, reply: Reply, now: float) -> None:
        if self.failed:
            return
        final, span = reply.final, span_of(reply.final.words)
        if self._is_repeat(final, span):
            self.events.append(Note("duplicate_final", {"text": final.text}))
            return
        if self._is_phantom(reply, span):
            self.events.append(Note("phantom_final", {"text": final.text}))
            return
        if self._doubts and (doubt := self._doubt(reply, span)) is not None:
            self._fail(doubt)
            return
        if not self._resolve_hold(span):
            self._fail(errors.answer_missing())
        elif not self.outstanding:
            self._server_commit(final, span)
        elif not final.text and (until := self._doubtful_until(reply.waiting, now)) is not None:
            self._held_until, self._held_empty = until, True
        elif span is not None and self._leaves_voice(span):
            # This may be a commit of the provider's own that was on the way when we committed.
            self._held_until, self._held_empty = now + _HOLD_S, False
            self._server_commit(final, span)
        else:
            self._own_answer(final, span, now)

    def _is_beside_the_point(self, reply: Reply, later: list[Reply]) -> bool:
        """A final without word times is no answer when the next one, with times, is about the same commit."""
        if reply.final.words is not None or not self._wants_words or not later or not self.outstanding:
            return False
        span = span_of(later[0].final.words)
        return span is not None and span.first < self.outstanding[0].position and len(later) >= len(self.outstanding)

    def _is_repeat(self, final: Final, span: Span | None) -> bool:
        if final.text and final.words is not None:
            late_twin = final.text == self._untimed_text
            return span is not None and span.last < (max(self._heard, self._covered) if late_twin else self._heard)
        return not self.outstanding and final.text == self._last_text

    def _is_phantom(self, reply: Reply, span: Span | None) -> bool:
        """A final out of nowhere: no commit waited, and the service had nothing, or no reason, to commit by itself."""
        if not reply.final.text or self.outstanding or reply.waiting:
            return False
        since = self._clock.to_transcript(self.base_low)
        if self._clock.to_transcript(self._clock.sent) == since:
            return span is None or span.first >= self.base_low
        early = self._clock.sent - self.base_low < _AUTO_COMMIT
        return self._wants_words and reply.final.words is None and not self.server_commits and early

    def _doubt(self, reply: Reply, span: Span | None) -> Fault | None:
        """Why this may not be what it seems."""
        untimed = self._wants_words and bool(reply.final.text) and reply.final.words is None
        one = reply.waiting == 1 and not self.server_commits and share_a_word(reply.final.text, self._partial)
        if untimed and not (one and (self.count or not self.preroll)):
            return errors.answer_untimed()
        if span is not None and self._partial_at is not None and span.first > self._partial_at + WOBBLE:
            return errors.answer_doubtful()
        return None

    def _resolve_hold(self, span: Span | None) -> bool:
        """Another final while it was open whether the oldest commit had been answered: this may be its answer.

        False when some answer is missing, and it may be the one that was taken to be had.
        """
        if not self._holding:
            return True
        self._held_until = float("-inf")
        if span is None:
            # Two empty finals are about two commits, unless the service makes commits that we do not know of.
            answered = self._held_empty and not self.server_commits
        else:
            answered = span.first >= self.outstanding[0].position
            if answered and answered_count(deque(list(self.outstanding)[1:]), span) is None:
                return False
        if answered:
            self._release()
        return True

    @property
    def _holding(self) -> bool:
        return self._held_until != float("-inf")

    def _release(self) -> None:
        """Nothing else was said about the oldest commit: it had been answered."""
        self._held_until = float("-inf")
        commit = self.outstanding.popleft()
        self.answered = commit.position
        self._tell(Final(""), commit.end, own=True)

    def _doubtful_until(self, waiting: int, now: float) -> float | None:
        """Until when an empty final cannot be trusted to answer the oldest commit; None when it can.

        Right after another empty one it may be that one, doubled. Where there was voice, it may answer a later commit
        of silence, this one's answer being lost, or a commit that a final of the provider's own was taken for.
        """
        if now < self._empty_at + _DOUBLE_S:
            return now + _HOLD_S
        since = self._clock.to_transcript(max(self.answered, self._heard + _LAST_WORD if self._heard else 0))
        voice = self._levels.voice_in(since, self.outstanding[0].end)
        if waiting > 1 and voice >= _EMPTY_VOICE:
            return float("inf")
        return now + _HOLD_S if self.server_commits and voice >= _VAD_UNHEARD else None

    def _leaves_voice(self, span: Span) -> bool:
        unheard = _VAD_UNHEARD if self.server_commits else _UNHEARD
        since = self._clock.to_transcript(span.end + _LAST_WORD)
        return self._levels.voice_in(since, self.outstanding[0].end) >= unheard

    def _own_answer(self, final: Final, span: Span | None, now: float) -> None:
        count = answered_count(self.outstanding, span)
        if count is None:
            self._fail(errors.answer_missing())
            return
        commit = self.outstanding[0]
        for _ in range(count):
            commit = self.outstanding.popleft()
        self.answered = commit.position
        if final.text and final.words is None:
            self._covered, self._untimed_text = commit.position, final.text
        self.answered_at = now
        self._empty_at = now if not final.text else float("-inf")
        self._tell(final, commit.end, own=True)

    def _server_commit(self, final: Final, span: Span | None) -> None:
        """A final that no commit of ours asked for: automatic, VAD, or out of nowhere."""
        sent, since = self._clock.to_transcript(self._clock.sent), self._clock.to_transcript(self.base_low)
        self.server_commits = True
        end = since
        if span is not None:
            end = self._clock.to_transcript(span.end)
        elif final.text and self._vad_pause is not None:
            # Without word times: it was at the first pause that is long enough for the provider, or we cannot know.
            end = self._levels.first_pause(since, sent, self._vad_pause) or since
        if not self.outstanding:
            self.base_high = self._clock.sent
            self.base_low = max(self.base_low, span.end if span else 0)
        if final.text:
            self._tell(final, end, own=False)

    # Out.

    def _tell(self, final: Final, end: int, *, own: bool) -> None:
        self.count += 1
        self.spoke = True
        self._last_text = final.text
        self._partial_at, self._partial = None, ""
        self._doubts = self._doubts or bool(final.words)
        words, characters = rebase_words(final.words or (), self._clock, characters=self._tuning.keep_characters)
        kept = [word for word in words if (word.start + word.end) // 2 >= self.trim]
        text = final.text if len(kept) == len(words) else joined(kept)
        if (span := span_of(final.words)) is not None:
            self._heard = max(self._heard, span.end)
        raw = dict(final.extra)
        if characters:
            raw["characters"] = characters[len(words) - len(kept) :]
        self.events.append(Answer(text, end, own, tuple(kept), final.language, raw))
        self.events.extend(self._notes.told(final.text, end))

    def _fail(self, fault: Fault) -> None:
        self.failed = True
        self.events.append(Failed(fault))
