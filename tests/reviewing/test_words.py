"""Corrected text keeps the times of the words that are still there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.reviewing.words import CannotSplit, Passage, Words, cut, joined, realign


def words(text: str, start: int = 0, step: int = 500, confidence: float | None = 0.9) -> Words:
    return [
        [word, start + step * place, start + step * place + step - 100, confidence]
        for place, word in enumerate(text.split())
    ]


def passage(text: str, start: int = 0, speaker: str = "") -> Passage:
    said = words(text, start)
    return Passage(start, said[-1][2], text, said, speaker)


def test_words_that_stay_keep_their_times_and_their_confidence() -> None:
    corrected = passage("the quick brown socks jumps").saying("The quick brown fox jumps")
    assert [word[0] for word in corrected.words] == ["The", "quick", "brown", "fox", "jumps"]
    assert [word[3] for word in corrected.words] == [0.9, 0.9, 0.9, None, 0.9]
    assert corrected.words[4][:3] == ["jumps", 2000, 2400]
    assert 1400 <= corrected.words[3][1] < corrected.words[3][2] <= 2000


def test_new_words_lie_between_their_neighbours() -> None:
    corrected = passage("one two").saying("one and a half two")
    starts = [word[1] for word in corrected.words]
    assert starts == sorted(starts)
    assert (starts[0], starts[-1]) == (0, 500)


def test_an_audio_event_stays_one() -> None:
    said = [["(laughter)", 0, 400, None, "audio_event"], ["yes", 500, 900, 0.8]]
    corrected = Passage(0, 900, "(laughter) yes", said).saying("(laughter) Yes!")
    assert corrected.words == [["(laughter)", 0, 400, None, "audio_event"], ["Yes!", 500, 900, 0.8]]


@pytest.mark.parametrize("at", [8, 9, 10, 12])
def test_a_cut_takes_whole_words_and_loses_none(at: int) -> None:
    left, right = cut(passage("one two three four", speaker="Ana"), at)
    assert (left.text, right.text) == (("one two", "three four") if at == 8 else ("one two three", "four"))
    assert left.end_ms == right.start_ms == right.words[0][1]
    assert (left.speaker, right.speaker) == ("Ana", "Ana")


@pytest.mark.parametrize("at", [-1, 0, 16, 18, 900])
def test_a_cut_with_nothing_on_one_side_is_refused(at: int) -> None:
    with pytest.raises(CannotSplit):
        cut(passage("one two three four"), at)


def test_a_passage_without_any_time_cannot_be_cut() -> None:
    with pytest.raises(CannotSplit):
        cut(Passage(700, 700, "one two", []), 3)


def test_what_was_cut_is_whole_again_when_joined() -> None:
    whole = passage("one two three four")
    again = joined(*cut(whole, 8))
    assert (again.start_ms, again.end_ms, again.text) == (whole.start_ms, whole.end_ms, whole.text)
    assert [word[0] for word in again.words] == whole.text.split()


def test_scripts_without_spaces_are_cut_between_their_characters() -> None:
    left, right = cut(Passage(0, 4000, "今日は雨です。", []), 3)
    assert (left.text, right.text) == ("今日は", "雨です。")


TEXTS = st.lists(st.sampled_from(["a", "b", "the", "fox", "ja", "は", "雨", "...", "!"]), min_size=1, max_size=12)


@given(TEXTS, st.text(max_size=60))
def test_words_never_leave_their_passage_and_never_go_back(old: list[str], new: str) -> None:
    before = passage(" ".join(old), start=1000)
    said = realign(before, new)
    starts = [word[1] for word in said]
    assert starts == sorted(starts)
    assert all(before.start_ms <= word[1] <= word[2] <= before.end_ms for word in said)
