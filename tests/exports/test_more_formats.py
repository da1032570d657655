"""TTML, CSV and the word processor's document, read back by parsers that are not ours."""

from __future__ import annotations

import csv
import io
import zipfile
from xml.etree import ElementTree

import pysubs2
import pytest
from hypothesis import given, settings

from tests.exports.documents import KENNEDY, document, lines_in_time, spoken
from tests.exports.test_formats import HOSTILE, shown
from transcripts.exports import Options, preview, render
from transcripts.exports.cues import build
from transcripts.exports.document import Gap, Line
from transcripts.exports.table import MARK
from transcripts.exports.tokens import width

TT = "{http://www.w3.org/ns/ttml}"
TTM = "{http://www.w3.org/ns/ttml#metadata}"
XML = "{http://www.w3.org/XML/1998/namespace}"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def lines_of(paragraph: ElementTree.Element) -> str:
    return (paragraph.text or "") + "".join(f"\n{child.tail or ''}" for child in paragraph)


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def paragraphs(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        for name in package.namelist():
            ElementTree.fromstring(package.read(name))
        body = ElementTree.fromstring(package.read("word/document.xml"))
    return ["".join(text.text or "" for text in p.iter(f"{WORD}t")) for p in body.iter(f"{WORD}p")]


@settings(max_examples=60, deadline=None)
@given(lines_in_time())
def test_other_parsers_find_our_ttml_cues(made):
    cues, content = build(made), render("ttml", made).decode()
    found = list(ElementTree.fromstring(content).iter(f"{TT}p"))
    assert [lines_of(one) for one in found] == [shown(cue) for cue in cues]
    if cues:
        again = pysubs2.SSAFile.from_string(content, format_="ttml")
        assert [(event.start, event.end) for event in again] == [(cue.start_ms, cue.end_ms) for cue in cues]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_speech_is_the_same_cues_again_in_ttml(text):
    made = document(Line(5_000, 9_000, text, speaker=text), title=text, notes=(text,), language='en" x="')
    root = ElementTree.fromstring(render("ttml", made))
    assert [lines_of(one) for one in root.iter(f"{TT}p")] == [shown(cue) for cue in build(made)]
    assert root.get(f"{XML}lang") == 'en" x="'


def test_ttml_names_speakers_as_agents_and_can_leave_them_out():
    made = document(spoken("Hello there.", speaker="Ana & Eve"), spoken("And you?", 9_000, speaker="Ben"))
    root = ElementTree.fromstring(render("ttml", made))
    names = {agent.get(f"{XML}id"): agent[0].text for agent in root.iter(f"{TTM}agent")}
    assert [names[one.get(f"{TTM}agent")] for one in root.iter(f"{TT}p")] == ["Ana & Eve", "Ben"]
    assert b"agent" not in render("ttml", made, Options(speakers=False))


def test_a_table_has_a_row_for_each_segment_and_gap_in_order_of_time():
    made = document(
        Line(0, 900, 'He said "no", then\nleft.', (), "Ana", 0.5, True, "en"),
        Line(10_900, 12_000, "Two"),
        gaps=[Gap(900, 10_900, "source_dropped")],
    )
    first, gap, last = rows(render("csv", made))
    assert first == {
        "start": "00:00:00.000",
        "end": "00:00:00.900",
        "speaker": "Ana",
        "text": 'He said "no", then left.',
        "confidence": "0.500",
        "confirmed": "no",
        "language": "en",
    }
    assert (gap["text"], last["text"]) == ("[audio missing for 10 s]", "Two")
    assert {row["speaker"] for row in rows(render("csv", made, Options(speakers=False)))} == {""}
    assert render("csv", made).decode().startswith(MARK)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1+1", "＋1", "－1", "＠x", "\t=1", "  =1", "|cmd", "%x", "\u200b=1"]
)
def test_no_spreadsheet_takes_speech_for_a_formula(text):
    (row,) = rows(render("csv", document(Line(0, 1_000, text, speaker=text, language=text))))
    for name in ("text", "speaker", "language"):
        assert row[name][0] in "'\u200b"
        assert row[name].lstrip("'") != row[name] or row[name].startswith("\u200b")


@settings(max_examples=60, deadline=None)
@given(lines_in_time())
def test_a_table_holds_every_word_once(made):
    table = [row["text"].removeprefix("'") for row in rows(render("csv", made)) if "[audio" not in row["text"]]
    said = [" ".join(line.text.split()) for line in made.segments if line.text.strip()]
    assert table == [text for text in said if text]


def test_a_document_holds_title_facts_notes_and_paragraphs():
    first = spoken(KENNEDY, speaker="Ana")
    made = document(
        first,
        spoken("And then.", 90_000, speaker="Ana", unconfirmed=True),
        gaps=[Gap(first.end_ms, 90_000, "source_dropped")],
        notes=("Not finished.",),
    )
    title, source, about, note, one, gap, two = paragraphs(render("docx", made))
    assert (title, source, note) == ("Evening news", "https://media.example.org/evening.mp3", "Not finished.")
    assert about.startswith("2026-11-22T08:00:00")
    assert (one, two) == (f"Ana: {KENNEDY}", "And then. [not confirmed]")
    assert gap.startswith("[audio missing for")
    timed = paragraphs(render("docx", made, Options(times=True, speakers=False)))
    assert timed[-1] == "00:01:30  And then. [not confirmed]"
    assert timed[-3] == f"00:00:00  {KENNEDY}"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_speech_is_well_formed_in_a_document(text):
    found = paragraphs(render("docx", document(Line(0, 1_000, text, speaker=text), title=text)))
    assert len(found) >= 4
    assert not any("\x00" in one or "\ud800" in one for one in found)


def test_a_document_without_anything_is_one_too():
    assert paragraphs(render("docx", document(title="", source="")))[0].startswith("2026")


def test_the_same_document_is_the_same_bytes():
    assert render("docx", document(spoken(KENNEDY))) == render("docx", document(spoken(KENNEDY)))


@settings(max_examples=30, deadline=None)
@given(lines_in_time())
def test_lines_are_as_short_as_asked(made):
    for cue in build(made, columns=24):
        for line in cue.lines:
            assert cue.is_gap or width(line) <= 24 or " " not in line.strip() or width(line.split()[0]) >= 12


@pytest.mark.parametrize(("name", "mark"), [("srt", "-->"), ("vtt", "-->"), ("ttml", "<p ")])
def test_a_preview_is_the_first_five_cues(name, mark):
    made = document(*(spoken(KENNEDY, 20_000 * place) for place in range(9)), notes=("A note.",))
    start = preview(name, made)
    assert start.count(mark) == 5
    assert render(name, made).decode().startswith(start)


def test_a_preview_is_the_first_five_paragraphs_or_rows():
    made = document(*(spoken("One of these.", 20_000 * place) for place in range(9)))
    assert preview("txt", made).count("One of these.") == 5
    assert preview("docx", made).count("One of these.") == 5
    assert preview("csv", made).count("One of these.") == 5
    assert '"segments"' in preview("json", made)
    assert preview("srt", document()) == preview("txt", document()) == ""
