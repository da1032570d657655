"""Finding watched terms in words. Pure.

A term is one or more words; a word that ends in ``*`` stands for every word that begins so. Words are compared without
case, without punctuation around them and in one Unicode form, so ``“Straße,”`` is ``STRASSE``. A list may count any
form of its words: then accents do not matter, and words with another ending are the same word (`is_form`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Words of context on each side of a hit.
CONTEXT = 10
#: Shorter words have no other forms than themselves; most letters that an ending adds.
SHORT, LONGEST_ENDING = 4, 4
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


def without_accents(text: str) -> str:
    """A normalised word without the marks on its letters."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def is_form(word: str, base: str) -> bool:
    """Whether ``word`` may be ``base`` with another ending: at most four letters more, in place of a last vowel too.

    No dictionary of any language: now and then another word that begins so counts as well (``elect``: ``electric``).
    """
    if word == base or len(base) < SHORT:
        return word == base
    if base.endswith("y") and word.startswith(base[:-1] + "i"):
        return len(word) <= len(base) + 2  # city, cities
    stem = base[:-1] if len(base) > SHORT and base[-1] in "aeiou" else base
    return word.startswith(stem) and len(word) <= len(base) + (LONGEST_ENDING if len(base) > SHORT else 3)


def parse(term: str) -> tuple[tuple[str, bool], ...]:
    """The words of a term: each normalised, and whether it stands for any ending. Empty ones are left out."""
    words = [(normalise(word), word.endswith("*")) for word in term.split()]
    return tuple((text, is_prefix) for text, is_prefix in words if text)


def find(
    terms: Sequence[str], tail: Sequence[Word], words: Sequence[Word], *, any_form: bool = False
) -> Iterator[Match]:
    """Each term's first match that ends in ``words``, which follow on ``tail``; a term matches once at most."""
    heard = [*tail, *words]
    plain = [_plain(word.text, any_form=any_form) for word in heard]
    spoken = [place for place, text in enumerate(plain) if text]  # a dash between words does not break a phrase
    for term in dict.fromkeys(terms):
        parts = [(without_accents(text) if any_form else text, begins) for text, begins in parse(term)]
        found = _place(parts, plain, spoken, len(tail), any_form=any_form) if parts else None
        if found is not None:
            yield _match(term, heard, *found)


def _plain(text: str, *, any_form: bool) -> str:
    return without_accents(normalise(text)) if any_form else normalise(text)


def _place(
    parts: Sequence[tuple[str, bool]], plain: Sequence[str], spoken: Sequence[int], new: int, *, any_form: bool
) -> tuple[int, int] | None:
    """First and last place of the phrase, if it is there and ends at ``new`` or later."""
    for at in range(len(spoken) - len(parts) + 1):
        places = spoken[at : at + len(parts)]
        pairs = zip(places, parts, strict=True)
        if places[-1] >= new and all(_fits(plain[place], part, any_form=any_form) for place, part in pairs):
            return places[0], places[-1]
    return None


def _fits(word: str, part: tuple[str, bool], *, any_form: bool) -> bool:
    text, is_prefix = part
    if is_prefix:
        return word.startswith(text)
    return is_form(word, text) if any_form else word == text


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
