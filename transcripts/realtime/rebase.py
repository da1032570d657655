"""Words of a connection on the transcript's clock.

Pure. Seconds from the connection's first sample in, samples of the transcript out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from transcripts.media.pcm import SAMPLE_RATE, samples_to_seconds
from transcripts.realtime.clock import ClockMap
from transcripts.realtime.messages import WireWord, read_words
from transcripts.realtime.results import Word

#: Per word: ``[text, start, end]`` of each character, samples.
Characters = list[list[list[Any]]]


def rebase_words(words: Sequence[WireWord], clock: ClockMap, *, characters: bool) -> tuple[list[Word], Characters]:
    """Words, and their characters if asked for, in transcript samples. No characters unless some word has them."""
    rebased = [_word(word, clock) for word in words]
    if not characters or not any(word.characters for word in words):
        return rebased, []
    return rebased, [_characters(wire, word) for wire, word in zip(words, rebased, strict=True)]


def _characters(wire: WireWord, word: Word) -> list[list[Any]]:
    """Older services send plain strings here: without times they say no more than the word does."""
    offset = word.start - round(wire.start * SAMPLE_RATE)
    try:
        return [
            [one["text"], round(one["start"] * SAMPLE_RATE) + offset, round(one["end"] * SAMPLE_RATE) + offset]
            for one in wire.characters or ()
        ]
    except (TypeError, KeyError, ValueError, OverflowError):
        return []


def _range(start: float, end: float, clock: ClockMap) -> tuple[int, int]:
    first = clock.begins_at(round(start * SAMPLE_RATE))
    return first, max(first, clock.to_transcript(round(end * SAMPLE_RATE)))


def _word(word: WireWord, clock: ClockMap) -> Word:
    start, end = _range(word.start, word.end, clock)
    confidence = None if word.logprob is None else min(1.0, math.exp(min(0.0, word.logprob)))
    return Word(word.text, start, end, word.kind, confidence, word.speaker)


def joined(words: Iterable[Word]) -> str:
    """The text of a run of tokens."""
    return "".join(word.text for word in words).strip()


def rebase_extra(payload: Mapping[str, Any], clock: ClockMap) -> Mapping[str, Any]:
    """A message that is kept as it came, but with the times of its ``words`` in seconds of the transcript."""
    words = read_words(payload.get("words"))
    if not words:
        return payload
    listed = [item for item in payload["words"] if isinstance(item, dict)]
    moved = []
    for item, word in zip(listed, words, strict=True):
        start, end = _range(word.start, word.end, clock)
        kept = {name: value for name, value in item.items() if name != "characters"}
        moved.append({**kept, "start": samples_to_seconds(start), "end": samples_to_seconds(end)})
    return {**payload, "words": moved}
