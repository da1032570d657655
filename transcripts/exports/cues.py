"""Subtitle cues from words: short, readable, in time, broken where speech breaks. The one cue builder of all formats.

Pure. The limits are those of users_ask.md C17, which broadcasters share. Cues are chosen for a whole stretch of speech
at once (shortest path over all allowed cues), so that a good end here does not leave an orphan there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from transcripts.exports.document import Document, Gap
from transcripts.exports.tokens import Token, clean, fitting, needs_space, timed, width

#: Columns of a line, lines of a cue, and how long a cue stays.
LINE_COLUMNS = 42
CUE_LINES = 2
MIN_MS = 1_000
MAX_MS = 7_000
#: Columns that a viewer can read in a second.
READING_SPEED = 17
#: A pause that no cue stays across.
LONG_PAUSE_MS = 2_000

SENTENCE_END = ".?!…。！？؟।"
CLAUSE_END = ",;:–—、，；：،"
CLOSING = "\"'”’»)]）」』】"

# Prices of the choices, in points; only their relations matter.
PRICE_OF_A_CUE = 10.0
PRICE_OF_A_CLAUSE_BREAK = 5.0
PRICE_OF_A_PAUSE_BREAK = 4.0
PRICE_OF_A_BREAK = 18.0
PRICE_OF_AN_INNER_SENTENCE = 8.0
PRICE_OF_AN_ORPHAN = 60.0
PRICE_OF_A_SHORT_CUE = 12.0
MS_OF_MISSING_TIME_PER_POINT = 50.0
MS_OF_INNER_PAUSE_PER_POINT = 60.0
SHORT_COLUMNS = 12
SHORT_WORD_COLUMNS = 8
NOTABLE_PAUSE_MS = 350


@dataclass(frozen=True, slots=True)
class Cue:
    """One or two lines shown during ``[start_ms, end_ms)``. ``is_gap``: it says that audio is missing."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str = ""
    is_gap: bool = False


def build(document: Document, *, name_speakers: bool = False, columns: int = LINE_COLUMNS) -> list[Cue]:
    """Cues of a document in order of time, not overlapping, each longer than nothing.

    Every word of the text is in exactly one speech cue, in order; one that is longer than a line is cut. A line holds
    at most ``columns``, a cue two lines and 7 s; it stays at least 1 s and long enough to read at 17 columns a second
    where the next words leave the time. No cue reaches into a gap; gaps of a second and more have a cue of their own.
    ``name_speakers`` writes the name before the first words of each speaker.
    """
    gaps = sorted((gap for gap in document.gaps if gap.end_ms > gap.start_ms), key=lambda gap: gap.start_ms)
    tokens = [part for token in _tokens(document, name_speakers) for part in _parts(token, columns)]
    cues = _spoken(tokens, gaps, columns)
    return _with_gaps(cues, gaps)


def _tokens(document: Document, name_speakers: bool) -> list[Token]:
    """All pieces of the document with starts that never go back."""
    tokens: list[Token] = []
    text = speaker = ""
    for line in document.segments:
        pieces = timed(line, needs_space(text, clean(line.text)))
        if name_speakers and pieces and line.speaker and line.speaker != speaker:
            first = pieces[0]
            tokens.append(Token(f"{clean(line.speaker)}:", first.start_ms, first.start_ms, True, line.speaker))
            pieces[0] = first._replace(spaced=True)
        for piece in pieces:
            floor = max(piece.start_ms, tokens[-1].start_ms if tokens else 0)
            tokens.append(piece._replace(start_ms=floor, end_ms=max(floor, piece.end_ms)))
        if pieces:
            text, speaker = pieces[-1].text, line.speaker
    return tokens


def _parts(token: Token, columns: int) -> list[Token]:
    """A piece that is longer than a line in parts that are not, each with its share of the time."""
    if width(token.text) <= columns:
        return [token]
    parts = fitting(token.text, columns)
    edges = [token.start_ms + (token.end_ms - token.start_ms) * place // len(parts) for place in range(len(parts) + 1)]
    return [
        token._replace(text=text, start_ms=edges[place], end_ms=edges[place + 1], spaced=token.spaced and not place)
        for place, text in enumerate(parts)
    ]


def _spoken(tokens: Sequence[Token], gaps: Sequence[Gap], line: int) -> list[Cue]:
    cues: list[Cue] = []
    for block, limit in _blocks(tokens, gaps):
        plan = _plan(block, limit, line)
        for place, (first, last) in enumerate(plan):
            words = block[first : last + 1]
            until = block[plan[place + 1][0]].start_ms if place + 1 < len(plan) else limit
            cues.append(_cue(words, cues[-1].end_ms if cues else 0, until, line))
    return cues


def _blocks(tokens: Sequence[Token], gaps: Sequence[Gap]) -> Iterator[tuple[Sequence[Token], int]]:
    """Stretches that cues may not leave (one speaker, no gap, no long pause), each with the time it may stay until."""
    starts = [gap.start_ms for gap in gaps]
    first = 0
    for place, token in enumerate(tokens):
        behind = bisect_right(starts, token.start_ms)
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        gap_follows = behind < len(gaps) and (following is None or gaps[behind].start_ms < following.start_ms)
        if (
            following is None
            or gap_follows
            or following.speaker != token.speaker
            or following.start_ms - token.end_ms >= LONG_PAUSE_MS
        ):
            limit = following.start_ms if following else token.end_ms + MAX_MS
            yield tokens[first : place + 1], gaps[behind].start_ms if gap_follows else limit
            first = place + 1


def _plan(block: Sequence[Token], limit: int, line: int) -> list[tuple[int, int]]:
    """The cheapest way to cut a block into cues, as (first, last) places. Shortest path, left to right."""
    size = len(block)
    starts = [token.start_ms for token in block] + [limit]
    columns = list(accumulate((width(token.text) + token.spaced for token in block), initial=0))
    reach = _reach(block, columns, line)
    tails = [_price_of_break(block, place) for place in range(size)]
    inner = list(accumulate((_price_inside(block, place) for place in range(size)), initial=0.0))
    best, came = [0.0] + [float("inf")] * size, [0] * (size + 1)
    low = 0
    for last in range(size):
        while reach[low] < last:
            low += 1
        end, until, tail = block[last].end_ms, starts[last + 1], tails[last]
        for first in range(last, low - 1, -1):
            start = starts[first]
            if end - start > MAX_MS and first < last:
                break
            held = columns[last + 1] - columns[first] - block[first].spaced
            price = best[first] + PRICE_OF_A_CUE + tail + inner[last + 1] - inner[first + 1]
            missing = max(MIN_MS, held * 1000 // READING_SPEED) - min(until - start, MAX_MS)
            if missing > 0:
                price += missing / MS_OF_MISSING_TIME_PER_POINT
            if held <= SHORT_COLUMNS and size > 1:
                price += PRICE_OF_AN_ORPHAN if first == last else PRICE_OF_A_SHORT_CUE
            if price < best[last + 1]:
                best[last + 1], came[last + 1] = price, first
    plan, after = [], size
    while after:
        plan.append((came[after], after - 1))
        after = came[after]
    return plan[::-1]


def _reach(block: Sequence[Token], columns: Sequence[int], line: int) -> list[int]:
    """For each first place, the last place that two lines still hold."""
    size, line_end, last = len(block), [], 0
    for first in range(size):
        last = max(first, last)
        while last + 1 < size and columns[last + 2] - columns[first] - block[first].spaced <= line:
            last += 1
        line_end.append(last)
    return [line_end[end + 1] if end + 1 < size else end for end in line_end]


def _pause_after(block: Sequence[Token], place: int) -> int:
    return block[place + 1].start_ms - block[place].end_ms if place + 1 < len(block) else 0


def _ends_with(text: str, marks: str) -> bool:
    return text.rstrip(CLOSING)[-1:] in marks if text.rstrip(CLOSING) else False


def _price_of_break(block: Sequence[Token], place: int) -> float:
    """What it costs to end a cue after this piece."""
    text = block[place].text
    if place + 1 == len(block) or _ends_with(text, SENTENCE_END):
        return 0.0
    if _pause_after(block, place) >= NOTABLE_PAUSE_MS:
        return PRICE_OF_A_PAUSE_BREAK
    return PRICE_OF_A_CLAUSE_BREAK if _ends_with(text, CLAUSE_END) else PRICE_OF_A_BREAK


def _price_inside(block: Sequence[Token], place: int) -> float:
    """What it costs to have the break before this piece inside a cue. Counted from the second piece of a cue on."""
    if not place:
        return 0.0
    pause = _pause_after(block, place - 1)
    price = pause / MS_OF_INNER_PAUSE_PER_POINT if pause >= NOTABLE_PAUSE_MS else 0.0
    return price + (PRICE_OF_AN_INNER_SENTENCE if _ends_with(block[place - 1].text, SENTENCE_END) else 0.0)


def _cue(words: Sequence[Token], floor: int, limit: int, line: int) -> Cue:
    """The cue of some pieces: starts with the first, stays until it can be read, leaves before ``limit``."""
    start = max(words[0].start_ms, floor)
    need = max(MIN_MS, sum(width(word.text) + word.spaced for word in words) * 1000 // READING_SPEED)
    end = min(max(words[-1].end_ms, start + need), start + MAX_MS, limit)
    return Cue(start, max(end, start + 1), _lines(words, line), words[0].speaker)


def _text(words: Sequence[Token]) -> str:
    return "".join(f" {word.text}" if word.spaced and place else word.text for place, word in enumerate(words))


def _lines(words: Sequence[Token], line: int) -> tuple[str, ...]:
    """One line if they fit, else the two that read best."""
    whole = _text(words)
    if width(whole) <= line or len(words) == 1:
        return (whole,)
    ways = [(words[:cut], words[cut:]) for cut in range(1, len(words))]
    top, bottom = min(ways, key=lambda way: _price_of_lines(way[0], way[1], line))
    return _text(top), _text(bottom)


def _price_of_lines(top: Sequence[Token], bottom: Sequence[Token], columns: int) -> float:
    upper, lower = width(_text(top)), width(_text(bottom))
    price = 0.3 * abs(upper - lower) + (1.0 if upper > lower else 0.0)
    price += 1000.0 * sum(width(_text(line)) > columns and len(line) > 1 for line in (top, bottom))
    price += 50.0 * sum(len(line) == 1 and width(line[0].text) <= SHORT_WORD_COLUMNS for line in (top, bottom))
    if _ends_with(top[-1].text, SENTENCE_END):
        return price - 9.0
    return price - (5.0 if _ends_with(top[-1].text, CLAUSE_END) else 0.0)


def gap_text(gap: Gap) -> str:
    """What readers see in place of audio that nobody could hear."""
    seconds = (gap.end_ms - gap.start_ms + 500) // 1000
    return f"[audio missing for {seconds} s]" if seconds else "[audio missing]"


def _with_gaps(cues: Sequence[Cue], gaps: Sequence[Gap]) -> list[Cue]:
    """Add a cue for each gap that is long enough to read about and where no speech stands."""
    starts = [cue.start_ms for cue in cues]
    added = []
    for gap in gaps:
        place = bisect_right(starts, gap.start_ms)
        start = max(gap.start_ms, cues[place - 1].end_ms if place else 0)
        until = min(gap.end_ms, starts[place] if place < len(cues) else gap.end_ms)
        if until - start >= MIN_MS:
            added.append(Cue(start, min(until, start + MAX_MS), (gap_text(gap),), is_gap=True))
    merged: list[Cue] = []
    for cue in sorted([*cues, *added], key=lambda cue: cue.start_ms):
        if not (merged and cue.is_gap and cue.start_ms < merged[-1].end_ms):
            merged.append(cue)
    return merged
