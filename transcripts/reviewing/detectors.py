"""Places that a person should look at, found without knowing the language. They flag and never delete.

Pure. A transcript is judged by its own measure: words are unsure against the median of its own words, places quiet
against its own speech, because engines and recordings differ.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.peaks import PAIR_BYTES, PEAK_SAMPLES, Pairs
from transcripts.reviewing.loops import Loop, letters, loops, weight

#: Steps of the histogram of confidences.
STEPS = 200
#: Confidences thought of before the first word, ten times each: no beginning is judged by two or three words.
PRIOR, PRIOR_TIMES = (0.6, 0.9), 10
#: A word is low under this share of the middle one. A passage is by its mean, under this share of the middle, and where
#: the words of a transcript lie close together so many times their spread under it.
LOW_WORD, LOW_MEAN, SPREADS = 0.6, 0.7, 2
#: So many low words in a row are worth a look; a passage's mean counts from so many words on.
LOW_RUN, LEAST_WORDS = 3, 3

PEAK_MS = PEAK_SAMPLES * 1000 // SAMPLE_RATE
#: Quiet is under this share of the loudest hundredth of the recording. One that is not even this loud there is too
#: quiet for steps of eight bits: nothing is silent in it but zeros.
QUIET_SHARE, LEAST_LOUD = 0.04, 8
#: Word times may be off by so much; a passage is silent when so many of its words are, or so many in a row.
WORD_SLACK_MS, SILENT_SHARE, SILENT_RUN = 100, 0.6, 4
#: Who speaks too softly to be seen fills the quiet with words; text that nobody spoke fills less of it than this, as
#: far as this around it.
FILLED_SHARE, AROUND_MS = 0.5, 10_000

#: Letters a second that nobody speaks, for passages that say at least so much.
FASTEST, LEAST_FAST = 38.0, 20.0

#: The same words so many times, each alone in a pause of so long before and behind, and their least and most weight.
REFRAINS, REFRAIN_PAUSE_MS, REFRAIN_LEAST, REFRAIN_MOST = 4, 3000, 8.0, 80.0


@dataclass(frozen=True, slots=True)
class Heard:
    """A passage as it was committed. ``words``: ``[text, start_ms, end_ms, confidence or null]``, see Segment."""

    index: int
    start_ms: int
    end_ms: int
    text: str
    words: Sequence[Sequence[Any]] = ()
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to look: ``kind`` is a name of FlagKind, ``score`` 0..1, ``segment`` None between passages."""

    kind: str
    segment: int | None
    start_ms: int
    end_ms: int
    score: float
    details: Mapping[str, Any] = field(default_factory=dict)


# --- Confidence ----------------------------------------------------------------------------------------------------


def sure_words(passage: Heard) -> list[Sequence[Any]]:
    """The words that have a confidence (audio events have none of their own)."""
    return [word for word in passage.words if len(word) == 4 and word[3] is not None]


def counted(confidences: Sequence[int], passages: Sequence[Heard]) -> list[int]:
    """The histogram ``confidences`` (``STEPS`` counts, or nothing yet) with the words of ``passages``."""
    counts = list(confidences) or [0] * STEPS
    for passage in passages:
        for word in sure_words(passage):
            counts[min(STEPS - 1, max(0, int(word[3] * STEPS)))] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Typical:
    """The middle and the lower quartile of a transcript's word confidences: what low means in it."""

    middle: float
    quartile: float

    @property
    def low_word(self) -> float:
        """A word under this is low."""
        return LOW_WORD * self.middle

    @property
    def low_mean(self) -> float:
        """A passage with a mean under this is low."""
        return max(LOW_MEAN * self.middle, self.middle - SPREADS * max(0.02, self.middle - self.quartile))


def typical_of(confidences: Sequence[int]) -> Typical:
    """What a histogram's words are like, the prior's among them."""
    counts = list(confidences) or [0] * STEPS
    for confidence in PRIOR:
        counts[int(confidence * STEPS)] += PRIOR_TIMES
    sums = list(accumulate(counts))
    middle, quartile = ((bisect_right(sums, sums[-1] // part) + 0.5) / STEPS for part in (2, 4))
    return Typical(middle, quartile)


def is_low(word: Sequence[Any], typical: Typical) -> bool:
    """Whether a word is unsure beside the others of its transcript."""
    return len(word) == 4 and word[3] is not None and word[3] < typical.low_word


def unsure(passage: Heard, typical: Typical) -> Iterator[Finding]:
    """Low confidence: a run of low words, or a low mean. One finding for a passage, at its beginning."""
    words = sure_words(passage)
    if not words:
        return
    mean = sum(word[3] for word in words) / len(words)
    run = _longest_run([is_low(word, typical) for word in passage.words])
    low_mean = len(words) >= LEAST_WORDS and mean < typical.low_mean
    if run >= LOW_RUN or low_mean:
        low = sum(is_low(word, typical) for word in words)
        score = min(1.0, max(low / len(words), 1 - mean / typical.middle))
        details = {"low": low, "words": len(words), "mean": round(mean, 3), "typical": round(typical.middle, 3)}
        yield Finding("confidence", passage.index, passage.start_ms, passage.end_ms, round(score, 3), details)


def _longest_run(marks: Sequence[bool]) -> int:
    return max((sum(1 for _ in run) for mark, run in groupby(marks) if mark), default=0)


# --- What the session itself knows ----------------------------------------------------------------------------------


def unconfirmed(passage: Heard) -> Iterator[Finding]:
    """Text that the provider never confirmed."""
    if passage.unconfirmed:
        yield Finding("unconfirmed", passage.index, passage.start_ms, passage.end_ms, 1.0)


def gap(start_ms: int, end_ms: int, reason: str) -> Finding:
    """Audio that nobody could hear; ten seconds of it count in full."""
    score = min(1.0, max(0.1, (end_ms - start_ms) / 10_000))
    return Finding("gap", None, start_ms, end_ms, round(score, 3), {"reason": reason})


# --- Sound -----------------------------------------------------------------------------------------------------------


class Loudness:
    """How loud a recording is, from its kept waveform (``media.peaks``); steps of 0 (nothing) to 128 (full)."""

    def __init__(self, data: bytes) -> None:
        pairs: Pairs = np.frombuffer(data[: len(data) - len(data) % PAIR_BYTES], np.int8).reshape(-1, 2)
        self._steps = np.abs(pairs.astype(np.int16)).max(axis=1) if pairs.size else np.zeros(0, np.int16)
        loud = float(np.percentile(self._steps, 99)) if self._steps.size else 0.0
        #: At most this loud is quiet; 0 for a recording that is too quiet to tell.
        self.quiet = max(1, int(loud * QUIET_SHARE)) if loud >= LEAST_LOUD else 0

    @property
    def end_ms(self) -> int:
        """The waveform reaches to here."""
        return self._steps.size * PEAK_MS

    def is_silent(self, start_ms: int, end_ms: int) -> bool:
        """Nothing but quiet in ``[start_ms, end_ms)``; False where the waveform does not reach."""
        part = self._part(start_ms, end_ms)
        return bool(part.size) and end_ms <= self.end_ms + PEAK_MS and int(part.max()) <= self.quiet

    def is_nothing(self, start_ms: int, end_ms: int) -> bool:
        """Not even noise."""
        return not self._part(start_ms, end_ms).any()

    def quiet_ms(self, start_ms: int, end_ms: int) -> int:
        """How much of ``[start_ms, end_ms)`` is quiet."""
        return int((self._part(start_ms, end_ms) <= self.quiet).sum()) * PEAK_MS

    def _part(self, start_ms: int, end_ms: int) -> npt.NDArray[np.int16]:
        return self._steps[max(0, start_ms) // PEAK_MS : max(0, -(-end_ms // PEAK_MS))]


def silent(passage: Heard, loudness: Loudness, around: Sequence[Heard] = ()) -> Iterator[Finding]:
    """Words where the recording is quiet. ``around``: the passages of the transcript near it, itself among them."""
    spans = [(word[1], word[2]) for word in passage.words if len(word) == 4] or [(passage.start_ms, passage.end_ms)]
    marks = [loudness.is_silent(start - WORD_SLACK_MS, end + WORD_SLACK_MS) for start, end in spans]
    share = sum(marks) / len(marks)
    if (share >= SILENT_SHARE or _longest_run(marks) >= SILENT_RUN) and not _is_soft(spans, marks, loudness, around):
        details = {"words": len(marks), "silent": sum(marks)}
        yield Finding("silence", passage.index, passage.start_ms, passage.end_ms, round(max(0.5, share), 3), details)


def _is_soft(
    spans: Sequence[tuple[int, int]], marks: Sequence[bool], loudness: Loudness, around: Sequence[Heard]
) -> bool:
    """Whether the quiet words are rather somebody's who speaks softly: there is some noise, and they fill it."""
    quiet = list(compress(spans, marks))
    if all(loudness.is_nothing(start, end) for start, end in quiet):
        return False
    first, last = quiet[0][0] - AROUND_MS, quiet[-1][1] + AROUND_MS
    others = ((max(first, one.start_ms), min(last, one.end_ms)) for one in around)
    filled = sum(loudness.quiet_ms(start, end) for start, end in others if start < end)
    return filled >= FILLED_SHARE * loudness.quiet_ms(first, last)


# --- Text ------------------------------------------------------------------------------------------------------------


def hurried(passage: Heard) -> Iterator[Finding]:
    """More letters a second than anyone speaks."""
    said, seconds = weight(letters(passage.text)), max(1, passage.end_ms - passage.start_ms) / 1000
    if said >= LEAST_FAST and said / seconds > FASTEST:
        details = {"per_second": round(said / seconds)}
        score = min(1.0, said / seconds / (2 * FASTEST))
        yield Finding("rate", passage.index, passage.start_ms, passage.end_ms, round(score, 3), details)


def looping(passages: Sequence[Heard]) -> Iterator[Finding]:
    """A phrase said over and over, within a passage or across many that follow each other."""
    texts = [letters(passage.text) for passage in passages]
    edges = [0, *accumulate(len(text) for text in texts)]
    for loop in loops("".join(texts)):
        begin, end = _at_edges(loop, edges)
        first, last = passages[bisect_right(edges, begin) - 1], passages[bisect_right(edges, end - 1) - 1]
        score = min(1.0, 0.4 + loop.times / 20)
        yield Finding("loop", first.index, first.start_ms, last.end_ms, round(score, 3), {"times": loop.times})


def _at_edges(loop: Loop, edges: Sequence[int]) -> tuple[int, int]:
    """Where a loop begins and ends: a few letters that fit by chance do not reach into the passages beside it."""
    period = len(loop.phrase)
    starts = [edge for edge in edges if loop.first <= edge < loop.first + period]
    ends = [edge for edge in edges if loop.last - period < edge <= loop.last]
    return min(starts, default=loop.first), max(ends, default=loop.last)


def refrains(passages: Sequence[Heard]) -> Iterator[Finding]:
    """The same short words again and again, each time alone in a long pause: what engines make of breath and hum."""
    alone: dict[str, list[Heard]] = {}
    for place, passage in enumerate(passages):
        said = letters(passage.text)
        if REFRAIN_LEAST <= weight(said) <= REFRAIN_MOST and _is_alone(passages, place):
            alone.setdefault(said, []).append(passage)
    for same in alone.values():
        if len(same) >= REFRAINS:
            for passage in same:
                score = min(1.0, 0.3 + len(same) / 20)
                yield Finding(
                    "refrain", passage.index, passage.start_ms, passage.end_ms, round(score, 3), {"times": len(same)}
                )


def _is_alone(passages: Sequence[Heard], place: int) -> bool:
    """Between two long pauses; what comes behind the last one is not known yet."""
    if not 0 < place < len(passages) - 1:
        return False
    before, here, after = passages[place - 1 : place + 2]
    return here.start_ms - before.end_ms >= REFRAIN_PAUSE_MS <= after.start_ms - here.end_ms


# --- All of them -----------------------------------------------------------------------------------------------------


def find(
    passages: Sequence[Heard], *, before: Sequence[Heard] = (), typical: Typical, loudness: Loudness | None = None
) -> list[Finding]:
    """Everything that the detectors find in ``passages``; ``before`` are those spoken before them, which were searched
    already and are read again for what spans both."""
    found: list[Finding] = []
    together = [*before, *passages]
    for passage in passages:
        found.extend(unconfirmed(passage))
        found.extend(unsure(passage, typical))
        found.extend(hurried(passage))
        if loudness is not None:
            found.extend(silent(passage, loudness, together))
    over_and_over = list(looping(together))
    again = (one for one in refrains(together) if not any(_within(one, loop) for loop in over_and_over))
    return [*found, *over_and_over, *again]


def _within(one: Finding, other: Finding) -> bool:
    return other.start_ms <= one.start_ms < other.end_ms
