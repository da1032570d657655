"""Finished files, read back by other people's parsers."""

from __future__ import annotations

import io
import json
from html import unescape

import pysubs2
import pytest
import srt as other_srt
import webvtt
from hypothesis import given, settings

from tests.exports.documents import KENNEDY, document, lines_in_time, spoken
from transcripts.exports import FORMATS, Options, UnknownFormat, filename, render
from transcripts.exports.cues import build
from transcripts.exports.document import Gap, Line, Record, Word
from transcripts.exports.srt import JOINER

HOSTILE = [
    "a --> b",
    "00:00:01,000 --> 00:00:02,000",
    "1\n00:00:01,000 --> 00:00:02,000\ninjected",
    "<script>alert(1)</script>",
    "<i>not slanted</i> <v Mallory>",
    "{\\an8}{\\b1}up",
    "&lt;b&gt; & &amp;",
    "NOTE not a note",
    "STYLE",
    "one\n\ntwo\r\n\r\nthree",
    "nul\x00 and \x1b[31m",
    "half of a pair \ud800",
    "WEBVTT",
    "2026",
]


def shown(cue):
    return "\n".join(cue.lines)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_speech_is_the_same_cues_again_for_the_srt_library(text):
    made = document(spoken("Before this."), Line(5_000, 9_000, text), spoken("And after.", 12_000))
    content = render("srt", made).decode()
    found = list(other_srt.parse(content))
    assert [one.content.replace(JOINER, "") for one in found] == [shown(cue) for cue in build(made)]
    assert content.count("-->") == len(found)
    assert "<s" not in content
    assert "{\\" not in content


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_speech_is_the_same_cues_again_for_the_vtt_library(text):
    made = document(spoken("Before this."), Line(5_000, 9_000, text), spoken("And after.", 12_000), title=text)
    content = render("vtt", made).decode()
    found = webvtt.from_string(content, strict=True).captions
    assert [unescape(one.raw_text) for one in found] == [shown(cue) for cue in build(made)]
    assert content.count("-->") == len(found)
    assert "<" not in content


@settings(max_examples=100, deadline=None)
@given(lines_in_time())
def test_other_parsers_find_our_srt_cues(made):
    cues, content = build(made, name_speakers=True), render("srt", made).decode()
    found = list(other_srt.parse(content))
    times = [(round(one.start.total_seconds() * 1000), round(one.end.total_seconds() * 1000)) for one in found]
    assert times == [(cue.start_ms, cue.end_ms) for cue in cues]
    assert [one.index for one in found] == list(range(1, len(cues) + 1))
    assert [one.content.replace(JOINER, "") for one in found] == [shown(cue) for cue in cues]
    if cues:
        again = pysubs2.SSAFile.from_string(content, format_="srt")
        assert [(event.start, event.end) for event in again] == times


@settings(max_examples=100, deadline=None)
@given(lines_in_time())
def test_other_parsers_find_our_vtt_cues(made):
    cues, content = build(made), render("vtt", made).decode()
    found = webvtt.from_string(content, strict=True).captions
    assert [(one.start_in_seconds, one.end_in_seconds) for one in found] == [
        (cue.start_ms // 1000, cue.end_ms // 1000) for cue in cues
    ]
    assert [one.voice or "" for one in found] == [cue.speaker for cue in cues]
    again = pysubs2.SSAFile.from_string(content, format_="vtt")
    assert [(event.start, event.end) for event in again] == [(cue.start_ms, cue.end_ms) for cue in cues]


def test_times_past_an_hour_are_written_whole():
    made = document(spoken("Late.", 3_723_004))
    assert b"01:02:03,004 --> 01:02:04,004" in render("srt", made)
    assert b"01:02:03.004 --> 01:02:04.004" in render("vtt", made)


def test_a_speaker_name_cannot_break_out_of_its_tag():
    made = document(spoken("Hello there.", speaker="Eve> <i>\n&"))
    found = webvtt.from_string(render("vtt", made).decode(), strict=True)
    assert unescape(found[0].voice) == "Eve> <i> &"


def test_plain_text_is_paragraphs_with_the_gaps_in_their_place():
    first = spoken(KENNEDY)
    made = document(first, spoken("And then.", 90_000), gaps=[Gap(first.end_ms, 90_000, "source_dropped")])
    missing = round((90_000 - first.end_ms) / 1000)
    assert render("txt", made).decode() == f"{KENNEDY}\n\n[audio missing for {missing} s]\n\nAnd then.\n"


def test_plain_text_with_times_and_header():
    made = document(
        spoken("One."), spoken("Two.", 3_600_000), notes=("Not finished: this is the text up to 01:00:00.",)
    )
    assert render("txt", made, Options(times=True, header=True)).decode().split("\n\n") == [
        "Evening news\nhttps://media.example.org/evening.mp3\n2026-11-22T08:00:00+00:00 · Embedded (offline) · en",
        "Not finished: this is the text up to 01:00:00.",
        "[00:00:00] One.",
        "[01:00:00] Two.\n",
    ]


def test_plain_text_names_speakers_when_they_change_and_marks_what_was_not_confirmed():
    ask = spoken("Will it rain?", speaker="Ana")
    more = spoken("Today?", ask.end_ms, speaker="Ana")
    answer = spoken("It might", more.end_ms, speaker="Ben", unconfirmed=True)
    text = render("txt", document(ask, more, answer)).decode()
    assert text == "Ana: Will it rain? Today?\n\nBen: It might [not confirmed]\n"


def test_plain_text_of_nothing_is_nothing():
    assert render("txt", document()) == b""


@settings(max_examples=100, deadline=None)
@given(lines_in_time())
def test_plain_text_holds_every_word_once(made):
    words = [word for line in made.segments for word in line.text.split()]
    paragraphs = [part for part in render("txt", made).decode().split("\n\n") if not part.startswith("[audio missing")]
    found = [word for part in paragraphs for word in part.removeprefix("Ana:").removeprefix("Ben:").split()]
    assert "".join(found) == "".join(words)


def test_json_holds_everything():
    line = Line(0, 900, "Hi!", (Word("Hi!", 100, 400, 0.75, "word"),), "Ana", 0.75, True, "en")
    event = Record(1, "state", "2026-11-22T08:00:00.000+00:00", 0, {"state": "queued"})
    made = document(line, gaps=[Gap(900, 1_000, "source_dropped")], events=(event,), notes=("Not finished.",))
    data = json.loads(render("json", made))
    assert data["schema"] == "sttweb.transcript/1"
    assert data["segments"] == [
        {
            "start_ms": 0,
            "end_ms": 900,
            "text": "Hi!",
            "words": [{"text": "Hi!", "start_ms": 100, "end_ms": 400, "confidence": 0.75, "kind": "word"}],
            "speaker": "Ana",
            "confidence": 0.75,
            "unconfirmed": True,
            "language": "en",
        }
    ]
    assert data["gaps"] == [{"start_ms": 900, "end_ms": 1_000, "reason": "source_dropped"}]
    assert data["events"][0]["payload"] == {"state": "queued"}
    assert data["text"] == "Hi!"
    assert (data["title"], data["engine"], data["notes"]) == ("Evening news", "Embedded (offline)", ["Not finished."])


@pytest.mark.parametrize("text", HOSTILE)
def test_json_of_hostile_speech_is_valid_json(text):
    data = json.loads(render("json", document(Line(0, 1_000, text), title=text)))
    assert data["segments"][0]["text"] == text


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_every_format_takes_every_text(name, text):
    assert isinstance(render(name, document(Line(0, 1_000, text, speaker=text[:20]), title=text)), bytes)


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(UnknownFormat, match="txt, srt, vtt, ttml, docx, xlsx, csv, json"):
        render("exe", document())


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Evening news", "Evening news.srt"),
        ("../../etc/passwd", "etc passwd.srt"),
        ("C:\\x\\y", "C x y.srt"),
        ("..", "transcript.srt"),
        ("", "transcript.srt"),
        (".hidden", "hidden.srt"),
        ("CON", "_CON.srt"),
        ("nul.tar", "_nul.tar.srt"),
        ('a"b\r\nSet-Cookie: x', "a b Set-Cookie x.srt"),
        ("nul\x00\u202egnp.exe", "nul gnp.exe.srt"),
        ("half \ud800", "half.srt"),
        ("Übergrößen – 日本", "Übergrößen – 日本.srt"),
    ],
)
def test_a_file_is_named_after_its_title(title, name):
    assert filename(title, "srt") == name


def test_a_long_title_is_cut_between_characters():
    name = filename("日" * 300, "srt")
    assert name == "日" * 60 + ".srt"
    assert io.BytesIO(name.encode()).getbuffer().nbytes <= 255
