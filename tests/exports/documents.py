"""Documents to export in tests: made from sentences with plausible word times, or drawn at random."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from transcripts.exports.document import Document, Gap, Line, Word

#: A sentence of real speech (US federal work, public domain) and one of LJ Speech (public domain).
KENNEDY = "And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
PRINTING = (
    "Printing, in the only sense with which we are at present concerned, differs from most if not from all the arts "
    "and crafts represented in the Exhibition."
)


def spoken(text: str, start_ms: int = 0, speed: int = 14, **fields: object) -> Line:
    """A line said at ``speed`` characters a second, with short pauses after punctuation."""
    words, at = [], start_ms
    for word in text.split():
        end = at + max(60, len(word) * 1000 // speed)
        words.append(Word(word, at, end, 0.9))
        at = end + (450 if word[-1] in ".?!" else 150 if word[-1] in ",;:" else 20)
    return Line(start_ms, at, text, tuple(words), **fields)  # type: ignore[arg-type]


def document(*lines: Line, gaps: Iterable[Gap] = (), **fields: object) -> Document:
    """A finished document of these lines."""
    facts: dict[str, object] = {
        "title": "Evening news",
        "source": "https://media.example.org/evening.mp3",
        "language": "en",
        "engine": "Embedded (offline)",
        "created_at": "2026-11-22T08:00:00+00:00",
        "state": "completed",
        "duration_ms": max((line.end_ms for line in lines), default=0),
    }
    return Document(**{**facts, **fields}, segments=lines, gaps=tuple(gaps))  # type: ignore[arg-type]


def _alphabet() -> st.SearchStrategy[str]:
    letters = st.characters(categories=["L", "M", "N", "P", "S"], exclude_characters="\u2060")
    return st.one_of(st.sampled_from("abcdefghij.,?!-<>&{}:1"), letters)


words_of_speech = st.text(_alphabet(), min_size=1, max_size=14)


@st.composite
def lines_in_time(draw: st.DrawFn) -> Document:
    """Lines in order of time with pauses, gaps and speakers between them, and word times from good to absurd."""
    lines, gaps, at = [], [], draw(st.integers(0, 3_600_000))
    for _ in range(draw(st.integers(0, 6))):
        texts = draw(st.lists(words_of_speech, min_size=0, max_size=25))
        length = sum(map(len, texts)) * draw(st.integers(20, 200)) + 200
        words = draw(st.one_of(st.just(()), _words(texts, at, length)))
        lines.append(Line(at, at + length, " ".join(texts), words, draw(st.sampled_from(["", "", "Ana", "Ben"]))))
        at += length
        match draw(st.sampled_from(["none", "pause", "gap"])):
            case "pause":
                at += draw(st.integers(0, 5_000))
            case "gap":
                end = at + draw(st.integers(1, 20_000))
                gaps.append(Gap(at, end, "source_dropped"))
                at = end
    return document(*lines, gaps=gaps)


@st.composite
def _words(draw: st.DrawFn, texts: list[str], start: int, length: int) -> tuple[Word, ...]:
    """Word times shared out over the line, each moved by up to a second, some words misheard."""
    words, at = [], start
    for text in texts:
        share = length // max(1, len(texts))
        shift = draw(st.integers(-1_000, 1_000)) if draw(st.booleans()) else 0
        heard = text if draw(st.integers(0, 9)) else "misheard"
        words.append(Word(heard, at + shift, at + share + draw(st.integers(-200, 200))))
        at += share
    return tuple(words)
