"""A phrase that repeats far beyond chance, which speech recognisers fall into: within a passage and across many.

Pure, and the same for every language: letters and digits are compared one by one, without case, spaces and
punctuation, so it does not matter whether a script writes words apart.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transcripts.exports.tokens import UNSPACED

#: Longest phrase that is looked for, in characters, and least repetitions of one.
LONGEST_PHRASE, LEAST_REPEATS = 300, 3
#: Least weight of all the repetitions together: three of a phrase of 12 letters, eighteen of one of two letters.
LEAST_WEIGHT = 36.0
#: A character of a script without spaces says about as much as so many letters.
WIDE_WEIGHT = 2.5

Numbers = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Loop:
    """``times`` repetitions of ``phrase`` from character ``first`` up to ``last`` of the letters."""

    first: int
    last: int
    times: int
    phrase: str


def letters(text: str) -> str:
    """What is compared: letters, digits and combining marks, folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum() or unicodedata.category(char).startswith("M"))


def weight(text: str) -> float:
    """How much letters say: one each, characters of scripts without spaces more."""
    wide = len(UNSPACED.findall(text))
    return len(text) + wide * (WIDE_WEIGHT - 1)


def loops(text: str) -> list[Loop]:
    """The loops of ``text`` (`letters` of it), the first one first; none lies within another."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    found: list[Loop] = []
    for period in range(1, min(LONGEST_PHRASE, codes.size // LEAST_REPEATS) + 1):
        found.extend(_of_period(text, codes, period))
    return _outermost(found)


def _of_period(text: str, codes: Numbers, period: int) -> list[Loop]:
    """Runs in which every character is the one ``period`` before it, long and heavy enough."""
    same = np.concatenate(([False], codes[period:] == codes[:-period], [False]))
    edges = np.flatnonzero(same[1:] != same[:-1])
    least = period * (LEAST_REPEATS - 1)
    runs = edges.reshape(-1, 2)
    return [
        Loop(int(begin), int(end) + period, (int(end) - int(begin)) // period + 1, text[begin : begin + period])
        for begin, end in runs[runs[:, 1] - runs[:, 0] >= least]
        if weight(text[begin : end + period]) >= LEAST_WEIGHT
    ]


def _outermost(found: Sequence[Loop]) -> list[Loop]:
    """A run of a short phrase is one of its multiples too; the shortest phrase of the longest run stays."""
    kept: list[Loop] = []
    for loop in sorted(found, key=lambda loop: (loop.first, -loop.last, len(loop.phrase))):
        if not kept or loop.first >= kept[-1].last:
            kept.append(loop)
    return kept
