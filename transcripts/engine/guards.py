"""What keeps greedy decoding honest: a cap, a stop for loops, a hidden tail, a good place to cut. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SAMPLE_RATE = 16_000

#: No one says more than this many tokens a second; a longer output is a hallucination.
TOKENS_PER_SECOND, TOKENS_EXTRA = 6.5, 8

#: A phrase of up to three tokens must repeat five times to count as a loop ("no, no, no" is speech), longer ones three.
SHORT_PHRASE, SHORT_REPEATS, LONG_REPEATS, LONGEST_PHRASE = 3, 5, 3, 24

#: Words at the end of a partial that usually change in the next one.
UNSTABLE_WORDS = 2


def token_cap(samples: int) -> int:
    """Most tokens that ``samples`` of audio may give."""
    return int(samples / SAMPLE_RATE * TOKENS_PER_SECOND) + TOKENS_EXTRA


def loop_start(tokens: Sequence[int]) -> int | None:
    """Length to cut ``tokens`` to when they end in a repeating phrase (one occurrence is kept), else None."""
    for length in range(1, min(LONGEST_PHRASE, len(tokens) // LONG_REPEATS) + 1):
        repeats = SHORT_REPEATS if length <= SHORT_PHRASE else LONG_REPEATS
        if len(tokens) < length * repeats:
            continue
        phrase = list(tokens[-length:])
        if all(list(tokens[-length * n - length : -length * n]) == phrase for n in range(1, repeats)):
            return len(tokens) - length * (repeats - 1)
    return None


def stable_prefix(previous: Sequence[str], words: Sequence[str]) -> list[str]:
    """The part of a partial worth showing: all but the last two words, more where two decodings in a row agree."""
    agree = 0
    while agree < min(len(previous), len(words)) and previous[agree] == words[agree]:
        agree += 1
    return list(words[: max(agree, len(words) - UNSTABLE_WORDS)])


def quietest(probabilities: Sequence[float], first: int) -> int:
    """Index of the lowest speech probability from ``first`` on: where a forced cut hurts least."""
    return min(range(first, len(probabilities)), key=probabilities.__getitem__)
