"""Text cut into the smallest pieces that a cue may be broken between, each with the time it is said at.

Pure. Pieces are words where a script writes spaces, and single characters (with their marks and punctuation) where it
does not. Times come from the word times; where the text was corrected since, they are interpolated between the words
that are still there, and without any words they are shared out by length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise, takewhile
from typing import NamedTuple

from transcripts.exports.document import Line, Word

#: A character of a script written without spaces: Thai, Lao, Burmese, Khmer, kana, Han and its extensions.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
#: Small kana, the long-vowel and iteration marks never begin a line; Thai and Lao leading vowels never end one.
NEVER_FIRST = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶー々ゝゞヽヾ")
NEVER_LAST = frozenset("เแโใไເແໂໃໄ")
ZERO_WIDTH_JOINER = "\u200d"
#: Beyond this many comparisons a rewritten stretch gets its times by length alone.
MATCH_LIMIT = 40_000


class Token(NamedTuple):
    """A piece of text said in ``[start_ms, end_ms)``; ``spaced``: a space stands before it in running text."""

    text: str
    start_ms: int
    end_ms: int
    spaced: bool
    speaker: str = ""


def clean(text: str) -> str:
    """The text on one line: runs of white space become one space, control characters and lone surrogates go."""
    text = " ".join(text.split())
    if text.isascii() and text.isprintable():
        return text
    return "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cs"}).strip()


def width(text: str) -> int:
    """Columns that the text takes: wide characters count two, combining and invisible ones none."""
    if text.isascii():
        return len(text)
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fitting(text: str, columns: int) -> list[str]:
    """A piece in parts of at most ``columns`` columns, cut between whole characters as people see them."""
    parts, held = [""], 0
    for seen in _seen(text):
        wide = width(seen)
        if parts[-1] and held + wide > columns:
            parts.append("")
            held = 0
        parts[-1] += seen
        held += wide
    return parts


def _seen(text: str) -> Iterator[str]:
    """Characters with their marks and what is joined to them."""
    first = 0
    for place, (before, char) in enumerate(pairwise(text), 1):
        if not (_columns(char) == 0 or before == ZERO_WIDTH_JOINER or "\U0001f3fb" <= char <= "\U0001f3ff"):
            yield text[first:place]
            first = place
    yield text[first:]


def split(text: str) -> list[tuple[str, bool]]:
    """Pieces with whether a space stands before each; joined again they are `clean` of the text."""
    pieces: list[tuple[str, bool]] = []
    for chunk in clean(text).split(" "):
        parts = _clusters(chunk) if UNSPACED.search(chunk) else [chunk]
        pieces.extend((part, place == 0) for place, part in enumerate(parts) if part)
    return pieces


def _clusters(chunk: str) -> list[str]:
    parts = [chunk[0]]
    for before, after in pairwise(chunk):
        if _may_break(before, after):
            parts.append(after)
        else:
            parts[-1] += after
    return parts


def _is_unspaced(char: str) -> bool:
    return UNSPACED.match(char) is not None


def _may_break(before: str, after: str) -> bool:
    """Between two characters without a space, only scripts that write none may break, and not around their marks."""
    if not (_is_unspaced(before) or _is_unspaced(after)):
        return False
    if after in NEVER_FIRST or before in NEVER_LAST or unicodedata.category(before) in {"Ps", "Pi", "Cf"}:
        return False
    return unicodedata.category(after) not in {"Mn", "Mc", "Me", "Cf", "Pe", "Pf", "Po"}


def needs_space(before: str, after: str) -> bool:
    """Whether a space belongs between two texts that follow each other."""
    return bool(before and after) and not (
        (_is_unspaced(before[-1]) and _is_unspaced(after[0])) or before[-1] in "。！？、"
    )


def join(texts: Sequence[str]) -> str:
    """Texts that follow each other as running text."""
    whole = ""
    for text in texts:
        whole += f" {text}" if needs_space(whole, text) else text
    return whole


def timed(line: Line, spaced: bool = True) -> list[Token]:
    """The pieces of a line with times inside the line's own, never going back.

    ``spaced`` says whether a space stands before the first one.
    """
    pieces = split(line.text)
    if not pieces:
        return []
    end_ms = max(line.start_ms, line.end_ms)
    anchors = _anchors(pieces, line.words, line.start_ms, end_ms)
    starts = _starts(pieces, anchors, line.start_ms, end_ms)
    tokens = []
    for place, (text, gap) in enumerate(pieces):
        until = starts[place + 1]
        # A word's own end counts only when the next one is its true neighbour; else there may be new words between.
        own = place in anchors and (place + 1 in anchors or place + 1 == len(pieces))
        stop = min(max(anchors[place][1], starts[place]), until) if own else until
        tokens.append(Token(text, starts[place], stop, gap if place else spaced, line.speaker))
    return tokens


def _timed_keys(words: Sequence[Word]) -> list[tuple[str, int, int]]:
    """Pieces of the words as (key, start, end); a word of several pieces shares its time out by length."""
    keyed = []
    for word in words:
        parts = split(word.text)
        sizes = [max(1, width(part)) for part, _ in parts]
        done, total, length = 0, sum(sizes), word.end_ms - word.start_ms
        for (part, _), size in zip(parts, sizes, strict=True):
            start = word.start_ms + length * done // total
            done += size
            keyed.append((_key(part), start, word.start_ms + length * done // total))
    return keyed


def _key(text: str) -> str:
    """What two spellings of one word have in common: letters and digits without case."""
    return "".join(char for char in text.casefold() if char.isalnum()) or text


def _anchors(
    pieces: Sequence[tuple[str, bool]], words: Sequence[Word], start_ms: int, end_ms: int
) -> dict[int, tuple[int, int]]:
    """Piece number -> (start, end) for the pieces whose word is known, starts strictly rising within the line."""
    said = _timed_keys(words)
    anchors: dict[int, tuple[int, int]] = {}
    last = start_ms - 1
    for piece, word in _same(["" if not said else _key(text) for text, _ in pieces], [key for key, _, _ in said]):
        start = max(said[word][1], start_ms)
        if last < start < end_ms:
            anchors[piece] = (start, min(max(said[word][2], start), end_ms))
            last = start
    return anchors


def _same(text: list[str], said: list[str]) -> list[tuple[int, int]]:
    """Pairs of places that hold the same word in both lists, in order."""
    if not said:
        return []
    head = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(text, said, strict=False))))
    pairs = [(place, place) for place in range(head)]
    text, said = text[head:], said[head:]
    if text and said and len(text) * len(said) <= MATCH_LIMIT:
        for block in SequenceMatcher(None, text, said, autojunk=False).get_matching_blocks():
            pairs += [(head + block.a + step, head + block.b + step) for step in range(block.size)]
    return pairs


def _starts(
    pieces: Sequence[tuple[str, bool]], anchors: dict[int, tuple[int, int]], start_ms: int, end_ms: int
) -> list[int]:
    """Start of every piece and, last, the end of the line: linear in width between the known starts."""
    places = [0]
    for text, _ in pieces:
        places.append(places[-1] + width(text) + 1)
    knots = {0: start_ms, **{place: start for place, (start, _) in anchors.items()}}
    knots[len(pieces)] = end_ms
    starts = [start_ms] * len(places)
    for (first, low), (after, high) in pairwise(sorted(knots.items())):
        span = places[after] - places[first]
        for place in range(first, after):
            starts[place] = low + (high - low) * (places[place] - places[first]) // span
    starts[-1] = end_ms
    return starts
