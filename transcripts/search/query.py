"""What people type into the search box, as terms; and where those terms stand in a text. Pure.

Words that all have to be there, ``"words in a row"`` (in straight or curly quotes), ``begin*`` for a beginning,
``-without`` for what must not be there. Nothing else has a meaning, so every text is a valid query: what is handed to a
database holds only letters, digits and marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

MAX_CHARACTERS = 200
MAX_TERMS = 16
#: A beginning shorter than this would match a large part of any language; it counts as a whole word.
MIN_PREFIX = 3
#: Characters of a snippet, and how many of them stand before the first match.
SNIPPET = 180
BEFORE = 60

#: The accents that both databases leave out of account: those of Latin letters.
_ACCENTS = re.compile("([a-z])[\u0300-\u036f]+")
_PART = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')

#: Quotes of several languages, as phones and word processors put them in unasked.
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"'))
#: Letters and digits, and one by one what may be a mark within a word.
_PIECE = re.compile(r"[^\W_]+|[^\w\x00-\x7f]")

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other; the last one may be only a beginning."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """``wanted`` must all be there, none of ``unwanted`` may be. Without ``wanted`` there is nothing to search for."""

    text: str
    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wanted)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text: ``ranges`` are the matches in it, in order; ``before`` and ``after``: the text goes on."""

    text: str
    ranges: tuple[Range, ...] = ()
    before: bool = False
    after: bool = False

    def parts(self) -> Iterator[tuple[str, bool]]:
        """The text in pieces, each with whether it is a match."""
        edges = sorted({0, len(self.text), *(edge for found in self.ranges for edge in found)})
        starts = {start for start, _ in self.ranges}
        for start, end in pairwise(edges):
            yield self.text[start:end], start in starts


def parse(text: str) -> Query:
    """The query that a person typed, cut at MAX_CHARACTERS and MAX_TERMS. A query of refusals alone asks for them."""
    text = " ".join(text.replace("\x00", " ").split())[:MAX_CHARACTERS]
    wanted: list[Term] = []
    unwanted: list[Term] = []
    for minus, phrase, word in _PART.findall(text.translate(_QUOTES)):
        term = _term(phrase or word, word.endswith("*"))
        if term is not None and len(wanted) + len(unwanted) < MAX_TERMS:
            (unwanted if minus else wanted).append(term)
    if not wanted:
        wanted, unwanted = unwanted, []
    return Query(text, tuple(wanted), tuple(unwanted))


def widened(query: Query) -> Query | None:
    """The same query with its last word as a beginning, or None if that is no other query."""
    last = query.wanted[-1] if query.wanted else None
    if last is None or query.unwanted or '"' in query.text.translate(_QUOTES) or last.prefix:
        return None
    wider = parse(f"{query.text}*")
    return wider if wider.wanted and wider.wanted[-1].prefix else None


def _term(text: str, prefix: bool) -> Term | None:
    words = tuple(text[start:end].lower() for _, start, end in tokens(text))
    return Term(words, prefix and len(words[-1]) >= MIN_PREFIX) if words else None


def fold(text: str) -> str:
    """Small letters, the Latin ones without accents, composed. PostgreSQL does the same (models/searchindex.py)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub(r"\1", unicodedata.normalize("NFD", text.lower())))


def tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of a text, folded, each with its place ``[start, end)`` in the text."""
    start = end = -1
    for piece in _PIECE.finditer(text):
        low, high = piece.span()
        if not text[low].isalnum() and unicodedata.category(text[low])[0] not in "LNM":
            continue
        if low != end:
            if end > 0:
                yield fold(text[start:end]), start, end
            start = low
        end = high
    if end > 0:
        yield fold(text[start:end]), start, end


def fts5(query: Query) -> str:
    """The query in the language of SQLite's FTS5, for the column ``words``."""
    wanted = " AND ".join(map(_fts5_term, query.wanted))
    unwanted = " OR ".join(map(_fts5_term, query.unwanted))
    return f"words : (({wanted}) NOT ({unwanted}))" if unwanted else f"words : ({wanted})"


def _fts5_term(term: Term) -> str:
    # Unfolded: FTS5 folds by its own tables, as it did with the text.
    return f'"{" ".join(term.words)}"{" *" if term.prefix else ""}'


def tsquery(query: Query) -> str:
    """The query in the language of PostgreSQL's ``to_tsquery``."""
    return " & ".join([*map(_tsquery_term, query.wanted), *(f"!{_tsquery_term(term)}" for term in query.unwanted)])


def _tsquery_term(term: Term) -> str:
    quoted = [f"'{fold(word)}'" for word in term.words]
    return f"({' <-> '.join(quoted)}{':*' if term.prefix else ''})"


def matches(query: Query, text: str) -> list[Range]:
    """Where the wanted terms stand in a text, in order, none overlapping another."""
    words = list(tokens(text))
    found = [place for term in query.wanted for place in _places(term, words)]
    kept: list[Range] = []
    for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def holds(query: Query, text: str) -> bool:
    """All wanted terms stand in the text."""
    words = list(tokens(text))
    return all(any(True for _ in _places(term, words)) for term in query.wanted)


def _places(term: Term, words: list[tuple[str, int, int]]) -> Iterator[Range]:
    size, sought = len(term.words), tuple(map(fold, term.words))
    for first in range(len(words) - size + 1):
        run = words[first : first + size]
        *whole, last = (word for word, _, _ in run)
        fits = last.startswith(sought[-1]) if term.prefix else last == sought[-1]
        if fits and tuple(whole) == sought[:-1]:
            yield run[0][1], run[-1][2]


def snippet(query: Query, text: str) -> Snippet:
    """The piece of a text around its first match, cut between words."""
    ranges = matches(query, text)
    if len(text) <= SNIPPET:
        return Snippet(text, tuple(ranges))
    first = ranges[0][0] if ranges else 0
    start = _cut(text, max(0, min(first - BEFORE, len(text) - SNIPPET)), first)
    end = max(text.rfind(" ", start, start + SNIPPET), ranges[0][1] if ranges else start + 1)
    end = len(text) if len(text) - start <= SNIPPET else end
    inside = tuple((low - start, high - start) for low, high in ranges if low >= start and high <= end)
    return Snippet(text[start:end], inside, start > 0, end < len(text))


def _cut(text: str, start: int, limit: int) -> int:
    """The first beginning of a word from ``start`` on, not after ``limit``."""
    if start == 0:
        return 0
    space = text.find(" ", start - 1, limit)
    return space + 1 if space >= 0 else start
