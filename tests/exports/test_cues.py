"""The cue builder: readable, in time, complete."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exports.documents import KENNEDY, PRINTING, document, lines_in_time, spoken
from transcripts.exports.cues import LINE_COLUMNS, MAX_MS, MIN_MS, READING_SPEED, build
from transcripts.exports.document import Gap, Line, Word
from transcripts.exports.tokens import clean, split, width


def texts(cues):
    return [" / ".join(cue.lines) for cue in cues]


@settings(max_examples=100, deadline=None)
@given(lines_in_time())
def test_every_word_is_in_exactly_one_cue_in_order(made):
    pieces = [piece for line in made.segments for piece, _ in split(line.text)]
    shown = "".join("".join(cue.lines).replace(" ", "") for cue in build(made) if not cue.is_gap)
    assert shown == "".join(pieces).replace(" ", "")


@settings(max_examples=100, deadline=None)
@given(lines_in_time(), st.booleans())
def test_cues_are_in_order_never_overlap_and_keep_their_limits(made, named):
    cues = build(made, name_speakers=named)
    for before, after in pairwise(cues):
        assert before.end_ms <= after.start_ms
    for cue in cues:
        assert 0 < cue.end_ms - cue.start_ms <= MAX_MS
        assert 1 <= len(cue.lines) <= 2
        assert all(line == clean(line) != "" for line in cue.lines)
        for line in cue.lines:
            assert width(line) <= LINE_COLUMNS


@settings(max_examples=100, deadline=None)
@given(lines_in_time())
def test_no_cue_reaches_into_a_gap(made):
    for cue in build(made):
        for gap in made.gaps:
            inside = cue.start_ms < gap.end_ms and cue.end_ms > gap.start_ms
            assert not inside or cue.is_gap


@settings(max_examples=100, deadline=None)
@given(lines_in_time())
def test_no_cue_holds_two_speakers(made):
    said = {"Ana": "", "Ben": "", "": ""}
    for line in made.segments:
        said[line.speaker] += "".join(line.text.split())
    shown = dict.fromkeys(said, "")
    for cue in build(made):
        shown[cue.speaker] += "" if cue.is_gap else "".join("".join(cue.lines).split())
    assert {name: clean(text) for name, text in said.items()} == shown


@pytest.mark.parametrize("speed", [9, 12, 14, 16])
def test_unhurried_speech_gets_cues_that_can_be_read(speed):
    for cue in build(document(spoken(f"{KENNEDY} {PRINTING} {KENNEDY}", speed=speed))):
        seconds = (cue.end_ms - cue.start_ms) / 1000
        assert MIN_MS / 1000 <= seconds <= MAX_MS / 1000
        assert sum(map(width, cue.lines)) / seconds <= READING_SPEED


def test_cues_break_where_sentences_and_clauses_end():
    cues = build(document(spoken(f"{KENNEDY} {PRINTING}")))
    assert texts(cues) == [
        "And so, my fellow Americans, / ask not what your country can do for you,",
        "ask what you can do for your country.",
        "Printing, in the only sense with / which we are at present concerned,",
        "differs from most if not from all the arts / and crafts represented in the Exhibition.",
    ]


def test_no_short_word_is_left_alone_on_a_cue():
    sentence = (
        "We meet again tomorrow evening at nine in the old theatre by the river near the railway station, so come."
    )
    for cue in build(document(spoken(sentence))):
        assert len(" ".join(cue.lines).split()) > 1


def test_no_short_word_is_left_alone_on_a_line():
    cues = build(document(spoken("This particular sentence runs to one more it.")))
    assert texts(cues) == ["This particular sentence / runs to one more it."]


def test_a_short_answer_joins_its_neighbour_within_one_speaker():
    assert texts(build(document(spoken("Yes. I think that it will rain.")))) == ["Yes. I think that it will rain."]


def test_a_short_answer_of_another_speaker_stands_alone_and_long_enough():
    ask = spoken("Will it rain today?", 0, speaker="Ana")
    answer = spoken("Yes.", ask.end_ms, speaker="Ben")
    cues = build(document(ask, answer))
    assert [cue.speaker for cue in cues] == ["Ana", "Ben"]
    assert cues[1].end_ms - cues[1].start_ms >= MIN_MS


def test_speakers_are_named_when_asked_and_when_they_change():
    first = spoken("Will it rain today?", 0, speaker="Ana")
    more = spoken("I hope not.", first.end_ms + 3_000, speaker="Ana")
    answer = spoken("Of course it will.", more.end_ms, speaker="Ben")
    assert texts(build(document(first, more, answer), name_speakers=True)) == [
        "Ana: Will it rain today?",
        "I hope not.",
        "Ben: Of course it will.",
    ]


def test_a_sentence_cut_by_a_forced_commit_is_one_text_again():
    first = spoken("The committee has decided to", 0)
    rest = spoken("wait for another week.", first.end_ms)
    assert texts(build(document(first, rest))) == ["The committee has decided / to wait for another week."]


def test_a_long_pause_ends_the_cue():
    words = (Word("Wait", 0, 400), Word("now.", 5_000, 5_400))
    cues = build(document(Line(0, 6_000, "Wait now.", words)))
    assert [(cue.start_ms, cue.lines) for cue in cues] == [(0, ("Wait",)), (5_000, ("now.",))]


def test_a_cue_stays_long_enough_to_be_read_when_silence_follows():
    text = "one two three four"
    words = tuple(Word(word, place * 100, place * 100 + 90) for place, word in enumerate(text.split()))
    (cue,) = build(document(Line(0, 20_000, text, words)))
    assert cue.end_ms - cue.start_ms == 18 * 1000 // READING_SPEED


def test_a_gap_is_announced_for_as_long_as_it_can_be_read():
    before, after = spoken("Before the gap.", 0), spoken("After the gap.", 60_000)
    cues = build(document(before, after, gaps=[Gap(2_000, 60_000, "source_dropped")]))
    assert [cue.is_gap for cue in cues] == [False, True, False]
    assert cues[1].start_ms == 2_000
    assert cues[1].end_ms - cues[1].start_ms == MAX_MS
    assert cues[1].lines == ("[audio missing for 58 s]",)


def test_words_without_any_length_still_make_cues_in_order():
    words = tuple(Word(text, 500, 500) for text in PRINTING.split())
    cues = build(document(Line(0, 12_000, PRINTING, words)))
    assert " ".join(line for cue in cues for line in cue.lines) == PRINTING
    assert all(cue.end_ms - cue.start_ms >= MIN_MS for cue in cues)


@pytest.mark.parametrize(
    "long",
    [
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "https://example.org/" + "a" * 100,
        "བཀྲ་ཤིས་བདེ་ལེགས་" * 9,
        "안녕하세요여러분오늘은새로운부두" * 5,
        "word\u200b" * 30,
        "ー" * 90,
    ],
    ids=["compound", "link", "tibetan", "hangul", "invisible", "never first"],
)
def test_a_word_longer_than_a_line_is_cut(long):
    cues = build(document(spoken(f"Das Wort {long} ist lang.")))
    shown = [line for cue in cues for line in cue.lines]
    assert max(map(width, shown)) <= LINE_COLUMNS
    assert "".join(shown).replace(" ", "") == f"DasWort{long}istlang."
    assert all(cue.end_ms - cue.start_ms <= MAX_MS for cue in cues)


@pytest.mark.parametrize(
    "seen", ["👨\u200d👩\u200d👧\u200d👦", "👍🏽", "a\u0301\u0327"], ids=["family", "skin", "marks"]
)
def test_no_cut_tears_a_character_from_what_belongs_to_it(seen):
    for line in (line for cue in build(document(spoken(seen * 60))) for line in cue.lines):
        assert line == seen * (len(line) // len(seen))


def test_a_long_name_of_a_speaker_fits_its_line_too():
    said = Line(0, 5_000, "Hello there.", speaker="N" * 80)
    assert all(width(line) <= LINE_COLUMNS for cue in build(document(said), name_speakers=True) for line in cue.lines)


def test_japanese_lines_hold_twenty_one_full_characters():
    text = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 3
    cues = build(document(Line(0, 40_000, text)))
    assert "".join(line for cue in cues for line in cue.lines) == text
    assert max(len(line) for cue in cues for line in cue.lines) <= 21
    assert all(" ".join(cue.lines)[-1] in "。" for cue in cues)


def test_nothing_said_gives_no_cues():
    assert build(document(Line(0, 1_000, " \n"))) == []
