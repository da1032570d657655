"""Which commit does a final answer? The protocol has no ids, only order and word times.

Pure. The rule of the house: when in doubt a final is not an answer. An unanswered commit runs into its deadline and is
replayed, which is exact; a wrongly answered one loses or doubles text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from transcripts.media.pcm import SAMPLE_RATE, seconds_to_samples
from transcripts.realtime.messages import WireWord
from transcripts.realtime.options import SessionOptions

#: Word times wobble: a word may seem to lie so far beyond the commit that it belongs to (samples).
WOBBLE = SAMPLE_RATE // 10


class Levels(Protocol):
    """Where voice was heard, on the transcript's clock (see pauses.PauseDetector)."""

    def voice_in(self, start: int, end: int) -> int: ...

    def first_pause(self, start: int, end: int, length: int) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit that was sent. ``position`` counts the connection's samples, ``end`` the transcript's."""

    position: int
    end: int
    #: When its answer is overdue (monotonic seconds).
    deadline: float


@dataclass(frozen=True, slots=True)
class Span:
    """First and last word of a final by their middles, and the last one's end, in connection samples."""

    first: int
    last: int
    end: int


def span_of(words: Sequence[WireWord] | None) -> Span | None:
    """The reach of a final's words; None without words. Spacing counts for nothing: it may stretch over a pause."""
    spoken = [word for word in words or () if word.kind != "spacing" and word.text.strip()]
    if not spoken:
        return None
    first, last = spoken[0], spoken[-1]
    return Span(_middle(first), _middle(last), round(last.end * SAMPLE_RATE))


def _middle(word: WireWord) -> int:
    return round((word.start + word.end) / 2 * SAMPLE_RATE)


def answered_count(outstanding: deque[Commit], span: Span | None) -> int | None:
    """How many outstanding commits, from the oldest, a final answers; None when an earlier answer was swallowed.

    Without words it is the oldest. With words it is the commit that the last of them reaches into. If the words begin
    before the commit ahead of that one, the provider ignored that one and answered both at once.
    """
    if span is None or not outstanding:
        return 1
    index = 0
    while index + 1 < len(outstanding) and span.last > outstanding[index].position + WOBBLE:
        index += 1
    if index and span.first >= outstanding[index - 1].position - WOBBLE:
        return None
    return index + 1


def vad_pause(options: SessionOptions) -> int | None:
    """Samples of silence after which the provider commits, on the short side; None when it is not asked to."""
    if options.commit_strategy == "manual":
        return None
    threshold = options.vad_silence_threshold_secs
    return seconds_to_samples(0.8 * (1.5 if threshold is None else threshold))


def share_a_word(text: str, guess: str) -> bool:
    """Whether a final can be what a guess became; where nothing was guessed, nothing vouches for it."""
    return bool(set(guess.lower().split()) & set(text.lower().split()))
