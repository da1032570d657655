"""The recogniser of the tests: reads the position-coded audio of ``tape`` and answers with the blocks it heard.

It understands exactly, at once and without a model, and sits behind the same interface as the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from transcripts.engine.alignment import HeardWord
from transcripts.engine.recognizer import FinalHeard, Heard, PartialHeard, StreamOptions
from transcripts.engine.tape import BLOCK, GROUP, GROUPS, MIDDLE, block_name, read_digits, sample_group

SAMPLE_RATE = 16_000

#: Blocks that a partial shows.
SHOWN = 20

#: What the reader says about its own certainty.
LOGPROB = -0.01


@dataclass(slots=True)
class Fragment:
    """A gapless piece of one block: ``[start, end)`` on the stream's clock. ``anchor`` is where the block begins."""

    start: int
    end: int
    group: int
    anchor: int | None
    digits: dict[int, int] = field(default_factory=dict)

    def joins(self, start: int, group: int) -> bool:
        """Whether a run of ``group`` that begins at ``start`` continues this piece."""
        if group != self.group + 1 or start != self.end:
            return False
        return self.anchor is None or start == self.anchor + group * GROUP

    def word(self) -> HeardWord | None:
        """The block, if its middle was heard and its number is sure."""
        if self.anchor is None or not self.start <= self.anchor + MIDDLE < self.end:
            return None
        number = read_digits(self.digits)
        if number is None:
            return None
        return HeardWord(block_name(number), self.start, min(self.end, self.anchor + BLOCK), LOGPROB)


class TapeReader:
    """Reads one stream of tape. Pure: samples in, words out."""

    def __init__(self) -> None:
        self.position = 0
        self.words: list[HeardWord] = []
        self.silence = 0
        self._value = 0
        self._run = 0
        self._fragment: Fragment | None = None

    def feed(self, pcm: bytes) -> None:
        """Adds s16le audio; ``silence`` is the number of zeros at the end so far."""
        for value, length in _runs(pcm):
            if self._run and value != self._value:
                self._end_run()
            self._value = value
            self._run += length
            self.position += length
        self.silence = self._run if self._value == 0 else 0

    def take(self) -> tuple[HeardWord, ...]:
        """A commit: the words since the last one; the block that was being heard is judged by its middle."""
        if self._run:
            self._end_run()
        self._end_fragment()
        words, self.words = tuple(self.words), []
        return words

    def _end_run(self) -> None:
        start, self._run = self.position - self._run, 0
        found = sample_group(self._value)
        if found is None:
            self._end_fragment()
            return
        digit, group = found
        if self._fragment is None or not self._fragment.joins(start, group):
            self._end_fragment()
            self._fragment = Fragment(start, start, group, None)
        elif self._fragment.anchor is None:
            self._fragment.anchor = start - group * GROUP
        self._fragment.group, self._fragment.end = group, self.position
        self._fragment.digits[group] = digit
        if group == GROUPS - 1:
            self._end_fragment()

    def _end_fragment(self) -> None:
        fragment, self._fragment = self._fragment, None
        word = fragment.word() if fragment is not None else None
        if word is not None:
            self.words.append(word)


def _runs(pcm: bytes) -> Iterator[tuple[int, int]]:
    samples = np.frombuffer(pcm, "<i2")
    if not samples.size:
        return
    edges = np.concatenate([[0], np.flatnonzero(samples[1:] != samples[:-1]) + 1, [samples.size]])
    yield from zip(samples[edges[:-1]].tolist(), np.diff(edges).tolist(), strict=True)


class ReaderStream:
    """One stream of the reader; nothing is ever behind."""

    backlog = 0

    def __init__(self, options: StreamOptions, heard: Callable[[Heard], None]) -> None:
        self._options = options
        self._heard = heard
        self._tape = TapeReader()
        self._loop = asyncio.get_running_loop()
        self._committed = 0
        self._partial_at: int | None = None
        self._speech = 0
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        """See ``Stream``."""
        vad = self._options.vad
        step = 2 * SAMPLE_RATE // 50 if vad else max(len(pcm), 1)
        for at in range(0, len(pcm), step):
            self._tape.feed(pcm[at : at + step])
            if vad is not None:
                self._speech += 0 if self._tape.silence else step // 2
                if self._speech >= vad[2] * SAMPLE_RATE and self._tape.silence >= max(vad[1], vad[3]) * SAMPLE_RATE:
                    self.commit()
        self._offer_partial()

    def commit(self) -> None:
        """See ``Stream``."""
        words = self._tape.take()
        start, self._committed = self._committed, self._tape.position
        self._partial_at, self._speech = None, 0
        self._tell(FinalHeard(start, self._committed, words))

    async def drained(self, backlog: int) -> None:
        """See ``Stream``."""

    def close(self) -> None:
        """See ``Stream``."""
        self._closed = True

    def _offer_partial(self) -> None:
        position, words = self._tape.position, self._tape.words
        since = position - (self._committed if self._partial_at is None else self._partial_at)
        wanted = self._options.first_partial if self._partial_at is None else self._options.partial_interval
        if words and since >= wanted:
            self._partial_at = position
            self._tell(PartialHeard(" ".join(word.text for word in words[-SHOWN:])))

    def _tell(self, event: Heard) -> None:
        self._loop.call_soon(self._deliver, event)

    def _deliver(self, event: Heard) -> None:
        if not self._closed:
            self._heard(event)


class ReaderRecognizer:
    """Opens reader streams; understands every language, since it understands none."""

    languages: frozenset[str] | None = None

    async def start(self) -> None:
        """Nothing to get ready."""

    async def ready(self) -> None:
        """Always."""

    def open(self, options: StreamOptions, heard: Callable[[Heard], None]) -> ReaderStream:
        """See ``Recognizer``."""
        return ReaderStream(options, heard)

    async def close(self) -> None:
        """Nothing to free."""
