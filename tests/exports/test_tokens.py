"""Cutting text into timed pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exports.documents import KENNEDY, spoken
from transcripts.exports.document import Line, Word
from transcripts.exports.tokens import clean, join, split, timed, width


def test_words_keep_their_own_times():
    line = spoken(KENNEDY, 5_000)
    assert [(token.text, token.start_ms) for token in timed(line)] == [(w.text, w.start_ms) for w in line.words]


def test_without_words_the_time_is_shared_out_by_length():
    tokens = timed(Line(1_000, 11_000, "one threefour one"))
    assert [token.text for token in tokens] == ["one", "threefour", "one"]
    assert [token.start_ms for token in tokens] == [1_000, 3_222, 8_777]
    assert tokens[-1].end_ms == 11_000


def test_a_corrected_word_takes_the_time_between_its_neighbours():
    words = (Word("the", 0, 200), Word("whether", 300, 700), Word("today", 900, 1_400))
    tokens = timed(Line(0, 1_500, "the weather today", words))
    assert tokens[0].start_ms == 0
    assert 0 < tokens[1].start_ms < 900
    assert tokens[2].start_ms == 900


def test_an_inserted_sentence_lies_between_the_words_around_it():
    words = (Word("first.", 0, 500), Word("last.", 4_000, 4_500))
    tokens = timed(Line(0, 5_000, "first. a whole new sentence here. last.", words))
    starts = [token.start_ms for token in tokens]
    assert starts == sorted(set(starts))
    assert starts[-1] == 4_000


def test_a_repeated_word_is_matched_in_order():
    words = tuple(Word("no", start, start + 200) for start in (0, 1_000, 2_000))
    assert [token.start_ms for token in timed(Line(0, 3_000, "no no no", words))] == [0, 1_000, 2_000]


def test_case_and_punctuation_do_not_matter_to_a_match():
    tokens = timed(Line(0, 3_000, "Hello, World!", (Word("hello", 500, 700), Word("world", 1_500, 1_900))))
    assert [token.start_ms for token in tokens] == [500, 1_500]


def test_words_outside_their_line_are_brought_into_it():
    tokens = timed(Line(10_000, 12_000, "one two", (Word("one", 0, 300), Word("two", 11_000, 99_000))))
    assert [(token.start_ms, token.end_ms) for token in tokens] == [(10_000, 10_000), (11_000, 12_000)]


def test_han_and_kana_may_break_between_any_two_characters_but_not_before_their_marks():
    assert [piece for piece, _ in split("「今日は」、よっし。")] == ["「今", "日", "は」、", "よっ", "し。"]


def test_latin_text_inside_han_text_stays_whole():
    assert [piece for piece, _ in split("我用ChatGPT写的")] == ["我", "用", "ChatGPT", "写", "的"]


def test_thai_marks_stay_with_their_letters():
    assert [piece for piece, _ in split("เก้าอี้")] == ["เก้", "า", "อี้"]


def test_korean_and_arabic_break_at_spaces_only():
    assert [piece for piece, _ in split("안녕하세요 세계 مرحبا بالعالم")] == ["안녕하세요", "세계", "مرحبا", "بالعالم"]


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("naïve", 5), ("日本", 4), ("e\u0301", 1), ("a\u200bb", 2)])
def test_width_counts_columns(text, columns):
    assert width(text) == columns


@pytest.mark.parametrize(
    ("dirty", "tidy"),
    [("  a \r\n\r\n b\t", "a b"), ("nul\x00bell\x07", "nulbell"), ("half\ud800pair", "halfpair"), ("\x00", "")],
)
def test_clean_leaves_one_line_without_control_characters(dirty, tidy):
    assert clean(dirty) == tidy


def test_texts_are_joined_with_spaces_only_where_the_script_has_them():
    assert join(["One.", "Two.", "", "三。", "四"]) == "One. Two. 三。四"


@given(st.text())
def test_pieces_joined_again_are_the_text(text):
    assert "".join(f" {piece}" if spaced else piece for piece, spaced in split(text)).strip() == clean(text)


def test_a_hostile_line_of_one_word_ten_thousand_times_is_timed_without_quadratic_work():
    words = tuple(Word("ha" if place % 2 else "ho", place, place + 1) for place in range(10_000))
    tokens = timed(Line(0, 10_000, "ha " * 10_000, words))
    assert len(tokens) == 10_000
