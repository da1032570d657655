"""Text that a person changed, put back on the clock of the words that were heard.

Pure. A words list is what ``Segment.words`` holds: ``[text, start_ms, end_ms, confidence or null]`` and for audio
events a fifth item. Words that are still there keep their times and confidence; what is new lies between them and has
none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transcripts.exports.document import Line, Word
from transcripts.exports.tokens import clean, join, split, timed

Words = list[list[Any]]


class CannotSplit(ValueError):
    """There is no text, or no time, on one side of the cut."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What a segment says, and when: ``[start_ms, end_ms)`` on the transcript's clock."""

    start_ms: int
    end_ms: int
    text: str
    words: Words
    speaker: str = ""

    def saying(self, text: str) -> Passage:
        """The same passage with another text."""
        text = clean(text)
        return Passage(self.start_ms, self.end_ms, text, realign(self, text), self.speaker)

    def spoken_by(self, speaker: str) -> Passage:
        """The same passage of another speaker."""
        return Passage(self.start_ms, self.end_ms, self.text, self.words, speaker)


def realign(passage: Passage, text: str) -> Words:
    """``text`` as words with times inside the passage, by the times of the words that it had."""
    had = {(word[1], _key(word[0])): word for word in passage.words}
    line = Line(passage.start_ms, passage.end_ms, text, tuple(Word(*word[:3]) for word in passage.words))
    words = []
    for token in timed(line):
        word = had.get((token.start_ms, _key(token.text)), [None, 0, 0, None])
        words.append([token.text, token.start_ms, token.end_ms, *word[3:]])
    return words


def _key(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum()) or text


def cut(passage: Passage, at: int) -> tuple[Passage, Passage]:
    """Two passages: up to the word that holds character ``at - 1`` of the text, and from the next one on.

    Raises CannotSplit.
    """
    pieces = split(passage.text)
    count = len(split(passage.text[:at])) if at > 0 else 0
    words = realign(passage, passage.text)
    if not 0 < count < len(pieces) or len(words) != len(pieces):
        raise CannotSplit("There must be words on both sides of the cut.")
    middle = words[count][1]
    if not passage.start_ms < middle < passage.end_ms:
        raise CannotSplit("The two parts must lie at different times.")
    left = Passage(passage.start_ms, middle, _written(pieces[:count]), words[:count], passage.speaker)
    left.words[-1][2] = min(left.words[-1][2], middle)
    return left, Passage(middle, passage.end_ms, _written(pieces[count:]), words[count:], passage.speaker)


def _written(pieces: Sequence[tuple[str, bool]]) -> str:
    return clean("".join(f" {text}" if spaced else text for text, spaced in pieces))


def joined(first: Passage, second: Passage) -> Passage:
    """Two neighbours as one passage, with the first one's speaker."""
    words = [list(word) for word in (*first.words, *second.words)]
    text = join([first.text, second.text])
    return Passage(first.start_ms, max(first.end_ms, second.end_ms), text, words, first.speaker)
