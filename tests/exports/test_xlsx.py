"""Spreadsheets: text is text whatever it begins with, times and confidences are numbers (EXPORT-002)."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from tests.exports.documents import KENNEDY, document, lines_in_time, spoken
from tests.exports.test_formats import HOSTILE
from transcripts.exports import Options, preview, render
from transcripts.exports.document import Document, Gap, Line

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
FORMULAS = ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", '=HYPERLINK("http://x")', "%0"]


def cells(content: bytes) -> list[list[ElementTree.Element]]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = {name: ElementTree.fromstring(package.read(name)) for name in package.namelist()}
    return [list(row) for row in parts["xl/worksheets/sheet1.xml"].iter(f"{S}row")]


def shown(cell: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in cell.iter() if part.tag in (f"{S}t", f"{S}v"))


def test_a_row_has_times_texts_and_numbers() -> None:
    first = spoken(KENNEDY, 90_000, speaker="Ana", confidence=0.875, language="en")
    made = document(first, spoken("Late.", 7_200_000, unconfirmed=True), gaps=[Gap(1000, 2000, "source_dropped")])
    head, gap, one, two = cells(render("xlsx", made))
    assert [shown(cell) for cell in head] == ["start", "end", "speaker", "text", "confidence", "confirmed", "language"]
    assert float(shown(one[0])) * 86_400_000 == pytest.approx(90_000, abs=0.01)
    assert float(shown(two[0])) * 24 == pytest.approx(2)
    assert [shown(cell) for cell in one[2:]] == ["Ana", KENNEDY, "0.875", "yes", "en"]
    assert [cell.get("t") for cell in one] == [None, None, "inlineStr", "inlineStr", None, "inlineStr", "inlineStr"]
    assert shown(gap[3]).startswith("[audio missing")
    assert shown(two[5]) == "no"
    assert shown(cells(render("xlsx", made, Options(speakers=False)))[2][2]) == ""


@pytest.mark.parametrize("text", FORMULAS)
def test_what_looks_like_a_formula_is_a_text_and_nothing_else(text: str) -> None:
    (_, row) = cells(render("xlsx", document(Line(0, 1000, text, speaker=text, language=text))))
    for cell in (row[2], row[3], row[6]):
        assert cell.get("t") == "inlineStr"
        assert [part.tag for part in cell.iter()] == [f"{S}c", f"{S}is", f"{S}t"]
        assert shown(cell) == " ".join(text.split())


@settings(max_examples=40, deadline=None)
@given(lines_in_time())
def test_no_cell_of_any_document_is_a_formula(made: Document) -> None:
    rows = cells(render("xlsx", made))
    assert not [cell for row in rows for cell in row if cell.find(f"{S}f") is not None]
    said = [" ".join(line.text.split()) for line in made.segments if line.text.strip()]
    texts = [shown(row[3]) for row in rows[1:] if "[audio" not in shown(row[3])]
    assert texts == [text for text in said if text]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_speech_is_well_formed(text: str) -> None:
    assert len(cells(render("xlsx", document(Line(0, 1000, f"x {text}", speaker=text))))) == 2


def test_what_a_spreadsheet_would_decode_and_what_is_too_long_for_it() -> None:
    (_, one, two) = cells(render("xlsx", document(Line(0, 9, "a_x0041_b"), Line(10, 99, "y" * 40_000))))
    assert shown(one[3]) == "a_x005F_x0041_b"
    assert len(shown(two[3])) == 32_767


def test_its_preview_is_that_of_the_table() -> None:
    made = document(*(spoken("One of these.", 20_000 * place) for place in range(9)))
    assert preview("xlsx", made) == preview("csv", made)
