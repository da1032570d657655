"""CSV: a row for each segment and gap, for spreadsheets (RFC 4180). Pure."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable

from transcripts.exports.clock import stamp
from transcripts.exports.cues import gap_text
from transcripts.exports.document import Document, Line
from transcripts.exports.tokens import clean

COLUMNS = ("start", "end", "speaker", "text", "confidence", "confirmed", "language")
#: What a spreadsheet takes for the beginning of a formula, once wide forms are made narrow.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
#: Tells spreadsheets that the file is UTF-8.
MARK = "\ufeff"


def render(document: Document, *, speakers: bool = True) -> str:
    """The document as a table with a heading, in order of time; a gap is a row whose text says so."""
    file = io.StringIO(newline="")
    table = csv.writer(file, lineterminator="\r\n")
    table.writerow(COLUMNS)
    rows = [
        (line.start_ms, line.end_ms, line.speaker if speakers else "", line.text, *_marks(line))
        for line in document.segments
        if clean(line.text)
    ]
    rows += [(gap.start_ms, gap.end_ms, "", gap_text(gap), "", "", "") for gap in document.gaps]
    for start, end, *texts in sorted(rows, key=lambda row: row[0]):
        table.writerow([stamp(start, "."), stamp(end, "."), *map(cell, texts)])
    return MARK + file.getvalue()


def row(texts: Iterable[str]) -> str:
    """One line of a table for spreadsheets."""
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow([cell(text) for text in texts])
    return file.getvalue()


def _marks(line: Line) -> tuple[str, str, str]:
    sure = "" if line.confidence is None else f"{line.confidence:.3f}"
    return sure, "no" if line.unconfirmed else "yes", line.language


def cell(text: str) -> str:
    """Text that no spreadsheet runs: what could begin a formula gets an apostrophe before it."""
    text = clean(text)
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip().startswith(FORMULA) else text
