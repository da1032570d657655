"""Finding watched terms in words. Pure.

A term is one or more words; a word that ends in ``*`` stands for every word that begins so. Words are compared without
case, without punctuation around them and in one Unicode form, so ``“Straße,”`` is ``STRASSE``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Words of context on each side of a hit.
CONTEXT = 10
#: Most words of a term, so most that must be kept of a segment for a phrase that goes on in the next one.
MOST_WORDS = 12
#: Words kept of what came before: a whole phrase but one word, and the context in front of it.
TAIL = MOST_WORDS - 1 + CONTEXT


@dataclass(frozen=True, slots=True)
class Word:
    """A heard word and its time on the transcript's clock in ms."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Match:
    """A term that was said: where it begins (ms), in which words, and up to CONTEXT words around it."""

    term: str
    start_ms: int
    before: str
    said: str
    after: str


def normalise(text: str) -> str:
    """How words are compared: NFKC, case folded, no punctuation at the ends; may be empty."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    start, end = 0, len(folded)
    while start < end and not folded[start].isalnum():
        start += 1
    while end > start and not (folded[end - 1].isalnum() or unicodedata.combining(folded[end - 1])):
        end -= 1
    return folded[start:end]


def parse(term: str) -> tuple[tuple[str, bool], ...]:
    """The words of a term: each normalised, and whether it stands for any ending. Empty ones are left out."""
    words = [(normalise(word), word.endswith("*")) for word in term.split()]
    return tuple((text, is_prefix) for text, is_prefix in words if text)


def find(terms: Sequence[str], tail: Sequence[Word], words: Sequence[Word]) -> Iterator[Match]:
    """Each term's first match that ends in ``words``, which follow on ``tail``; a term matches once at most."""
    heard = [*tail, *words]
    plain = [normalise(word.text) for word in heard]
    spoken = [place for place, text in enumerate(plain) if text]  # a dash between words does not break a phrase
    for term in dict.fromkeys(terms):
        parts = parse(term)
        found = _place(parts, plain, spoken, len(tail)) if parts else None
        if found is not None:
            yield _match(term, heard, *found)


def _place(
    parts: Sequence[tuple[str, bool]], plain: Sequence[str], spoken: Sequence[int], new: int
) -> tuple[int, int] | None:
    """First and last place of the phrase, if it is there and ends at ``new`` or later."""
    for at in range(len(spoken) - len(parts) + 1):
        places = spoken[at : at + len(parts)]
        if places[-1] >= new and all(_fits(plain[place], part) for place, part in zip(places, parts, strict=True)):
            return places[0], places[-1]
    return None


def _fits(word: str, part: tuple[str, bool]) -> bool:
    text, is_prefix = part
    return word.startswith(text) if is_prefix else word == text


def _match(term: str, heard: Sequence[Word], first: int, last: int) -> Match:
    def join(words: Sequence[Word]) -> str:
        return " ".join(word.text for word in words)

    before, after = heard[max(0, first - CONTEXT) : first], heard[last + 1 : last + 1 + CONTEXT]
    return Match(term, heard[first].start_ms, join(before), join(heard[first : last + 1]), join(after))


def words_of(payload: dict[str, object]) -> list[Word]:
    """The words of a commit's payload; a text without word times is spread over its segment by place."""
    timed = payload.get("words") or []
    if isinstance(timed, list) and timed:
        return [Word(str(word[0]), int(word[1]), int(word[2])) for word in timed if len(word) < 5]
    start, texts = int(str(payload["start_ms"])), str(payload.get("text") or "").split()
    step = (int(str(payload["end_ms"])) - start) / max(1, len(texts))
    return [Word(text, start + round(at * step), start + round((at + 1) * step)) for at, text in enumerate(texts)]
