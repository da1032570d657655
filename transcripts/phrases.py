"""Sentences of the layers that know no language, said in the reader's.

Rows, events and errors carry English: workers have no reader. Whoever shows one says it here; what is not known, such
as the words of a service, stays as it is.
"""

from __future__ import annotations

import re
from functools import cache

from django.utils.translation import get_language, gettext

from transcripts.sentences import NAMES, PATTERNS, SENTENCES


def say(sentence: str) -> str:
    """The sentence in the language that is active; empty stays empty."""
    if not sentence or _is_english():
        return sentence
    if sentence in SENTENCES or sentence in NAMES:
        return gettext(sentence)
    for shape, pattern in _shapes():
        if found := shape.fullmatch(sentence):
            return gettext(pattern) % found.groupdict()
    return sentence


def say_all(*sentences: str) -> str:
    """Several one after another, as one text."""
    return " ".join(filter(None, map(say, sentences)))


def table() -> dict[str, str]:
    """All whole sentences for the scripts, which hear English over the socket; empty where English is read."""
    return {} if _is_english() else {sentence: gettext(sentence) for sentence in SENTENCES}


def _is_english() -> bool:
    return (get_language() or "en").startswith("en")


@cache
def _shapes() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(_shape(pattern), re.DOTALL), pattern) for pattern in PATTERNS]


def _shape(pattern: str) -> str:
    pieces = re.split(r"%\((\w+)\)s", pattern)
    named = [f"(?P<{piece}>.+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)]
    return "".join(named)
