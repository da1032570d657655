"""A spreadsheet (Office Open XML, ECMA-376): the rows of the table, each cell with a type. Pure.

Text is text for a spreadsheet whatever it begins with: its cells are strings and never formulas, so unlike in CSV no
apostrophe is needed. Times are times and confidences numbers, so they can be reckoned with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from transcripts.exports.cues import gap_text
from transcripts.exports.document import Document, Line
from transcripts.exports.package import OFFICE, RELATION, packed, relations, types
from transcripts.exports.table import COLUMNS
from transcripts.exports.tokens import clean
from transcripts.exports.xml import escape

_SHEET = f'xmlns="{OFFICE}/spreadsheetml/2006/main"'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
#: Longest text of a cell; a program that reads more calls the whole file broken.
_CELL_CHARS = 32_767
_DAY_MS = 86_400_000
#: Numbers of the formats below.
_PLAIN, _HEAD, _TIME = 0, 1, 2
#: ``_x0041_`` in a text is an A for spreadsheets, unless its first mark is written so itself.
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")

_STYLES = f"""<styleSheet {_SHEET}><numFmts count="1"><numFmt numFmtId="164" formatCode="[h]:mm:ss.000"/></numFmts>
<fonts count="2"><font><sz val="11"/></font><font><b/><sz val="11"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="3"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/>
<xf xfId="0" numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>"""
_BOOK = f"""<workbook {_SHEET} xmlns:r="{RELATION}"><sheets><sheet name="Transcript" sheetId="1" r:id="rId1"/></sheets>
</workbook>"""
_WIDTHS = (14, 14, 16, 90, 12, 12, 12)


def render(document: Document, *, speakers: bool = True) -> bytes:
    """The document as the bytes of an .xlsx file: a heading, then a row for each segment and gap in order of time."""
    rows = [_row([_text(name, _HEAD) for name in COLUMNS])]
    rows += [_row(cells) for _, cells in sorted(_cells(document, speakers), key=lambda row: row[0])]
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>' for place, width in enumerate(_WIDTHS, 1)
    )
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    sheet = f"<worksheet {_SHEET}>{view}<cols>{widths}</cols><sheetData>{''.join(rows)}</sheetData></worksheet>"
    kinds = {"xl/workbook.xml": "sheet.main", "xl/worksheets/sheet1.xml": "worksheet", "xl/styles.xml": "styles"}
    return packed(
        {
            "[Content_Types].xml": types({name: f"{_TYPE}.{kind}+xml" for name, kind in kinds.items()}),
            "_rels/.rels": relations({"officeDocument": "xl/workbook.xml"}),
            "xl/workbook.xml": _BOOK,
            "xl/_rels/workbook.xml.rels": relations({"worksheet": "worksheets/sheet1.xml", "styles": "styles.xml"}),
            "xl/worksheets/sheet1.xml": sheet,
            "xl/styles.xml": _STYLES,
        }
    )


def _cells(document: Document, speakers: bool) -> Iterator[tuple[int, list[str]]]:
    for line in document.segments:
        if clean(line.text):
            yield line.start_ms, _of_line(line, speakers)
    for gap in document.gaps:
        yield gap.start_ms, [_time(gap.start_ms), _time(gap.end_ms), _text(""), _text(gap_text(gap))]


def _of_line(line: Line, speakers: bool) -> list[str]:
    times = [_time(line.start_ms), _time(line.end_ms)]
    said = [_text(line.speaker if speakers else ""), _text(line.text)]
    return [*times, *said, _number(line.confidence), _text("no" if line.unconfirmed else "yes"), _text(line.language)]


def _row(cells: list[str]) -> str:
    return f"<row>{''.join(cells)}</row>"


def _text(text: str, style: int = _PLAIN) -> str:
    kept = escape(_ESCAPED.sub("_x005F_", clean(text)[:_CELL_CHARS]))
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{kept}</t></is></c>'


def _time(ms: int) -> str:
    """Spreadsheets count in days."""
    return f'<c s="{_TIME}"><v>{max(0, ms) / _DAY_MS:.12f}</v></c>'


def _number(value: float | None) -> str:
    return "<c/>" if value is None else f"<c><v>{value:.3f}</v></c>"
