"""Plain text for reading: paragraphs, with the gaps shown; times and a header when asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from transcripts.exports.clock import brief
from transcripts.exports.cues import SENTENCE_END, gap_text
from transcripts.exports.document import Document, Gap, Line
from transcripts.exports.tokens import clean, join

#: A new paragraph begins after a pause this long, or at the end of a sentence once it holds this many characters.
PARAGRAPH_PAUSE_MS = 3_000
PARAGRAPH_CHARACTERS = 600
#: Stands after text that the provider never confirmed.
UNCONFIRMED = "[not confirmed]"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines that belong together, as running text, and who says them (empty: nobody is named)."""

    lines: tuple[Line, ...]
    speaker: str
    text: str


def render(document: Document, *, times: bool = False, header: bool = False, speakers: bool = True) -> str:
    """The document as paragraphs, one line each, a blank line between them.

    ``times`` puts ``[HH:MM:SS]`` before each; ``header`` begins with the title, the source and the notes; ``speakers``
    names them where they change.
    """
    blocks = list(_header(document)) if header else []
    before = ""
    for part in paragraphs(document):
        if isinstance(part, Gap):
            start, text = part.start_ms, gap_text(part)
        else:
            named = speakers and part.speaker and part.speaker != before
            start, text = part.lines[0].start_ms, f"{part.speaker}: {part.text}" if named else part.text
            before = part.speaker
        blocks.append(f"[{brief(start)}] {text}" if times else text)
    return "\n\n".join(blocks) + "\n" if blocks else ""


def paragraphs(document: Document) -> Iterator[Paragraph | Gap]:
    """Paragraphs and gaps in order of time."""
    for part in _parts(document):
        if isinstance(part, Gap):
            yield part
        else:
            yield Paragraph(tuple(part), clean(part[0].speaker), join([_said(line) for line in part]))


def facts(document: Document) -> list[str]:
    """Title, source, and when and how it was made, each on one line."""
    told = [document.title, document.source, f"{document.created_at} · {document.engine} · {document.language}"]
    return [clean(fact).rstrip(" ·") for fact in told if clean(fact)]


def _header(document: Document) -> Iterator[str]:
    yield "\n".join(facts(document))
    if document.notes:
        yield "\n".join(map(clean, document.notes))


def _said(line: Line) -> str:
    text = clean(line.text)
    return f"{text} {UNCONFIRMED}" if line.unconfirmed else text


def _parts(document: Document) -> Iterator[list[Line] | Gap]:
    """Paragraphs and gaps in order of time."""
    gaps = sorted(document.gaps, key=lambda gap: gap.start_ms)
    paragraph: list[Line] = []
    for line in document.segments:
        if not clean(line.text):
            continue
        gap_before = bool(gaps) and gaps[0].start_ms <= line.start_ms
        if paragraph and (gap_before or _begins(line, paragraph)):
            yield paragraph
            paragraph = []
        while gaps and gaps[0].start_ms <= line.start_ms:
            yield gaps.pop(0)
        paragraph.append(line)
    if paragraph:
        yield paragraph
    yield from gaps


def _begins(line: Line, paragraph: list[Line]) -> bool:
    """Whether a line begins a new paragraph."""
    before = paragraph[-1]
    if line.speaker != before.speaker or _pause(before, line) >= PARAGRAPH_PAUSE_MS:
        return True
    long = sum(len(one.text) for one in paragraph) >= PARAGRAPH_CHARACTERS
    return long and before.text.rstrip()[-1:] in SENTENCE_END


def _pause(before: Line, after: Line) -> int:
    """Milliseconds of silence between two lines, by their words where they have some."""
    end = before.words[-1].end_ms if before.words else before.end_ms
    start = after.words[0].start_ms if after.words else after.start_ms
    return start - end
