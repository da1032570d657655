"""Phrases that repeat beyond chance, in any script; people who repeat themselves are left alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.reviewing.loops import LEAST_REPEATS, letters, loops


@pytest.mark.parametrize(
    ("phrase", "times"),
    [
        ("Thank you for watching. ", 3),
        ("and the ", 6),
        ("谢谢观看。", 4),
        ("ご視聴ありがとうございました。", 3),
        ("ขอบคุณครับ ", 4),
        ("Спасибо за просмотр! ", 3),
        ("शुक्रिया जी ", 5),
    ],
    ids=["english", "short words", "chinese", "japanese", "thai", "russian", "hindi"],
)
def test_a_phrase_said_over_and_over_is_found_in_any_script(phrase: str, times: int) -> None:
    around = letters("Before it something else was said")
    [loop] = loops(around + letters(phrase * times) + letters("zzz"))
    assert (loop.first, loop.times, loop.phrase) == (len(around), times, letters(phrase))


@pytest.mark.parametrize(
    "text",
    [
        "No, no, no, no, no! Never.",
        "very very very very good",
        "Ha ha ha ha ha ha",
        "Row, row, row your boat, gently down the stream.",
        "はははははは",
        "We shall fight on the beaches, we shall fight on the landing grounds, we shall fight in the fields",
        "one hundred and one, one hundred and two, one hundred and three",
        "",
    ],
)
def test_what_people_say_is_no_loop(text: str) -> None:
    assert loops(letters(text)) == []


@given(st.text("abc", max_size=120))
def test_every_loop_is_what_it_says(text: str) -> None:
    found = loops(text)
    assert all(before.last <= after.first for before, after in pairwise(found))
    for loop in found:
        assert loop.times >= LEAST_REPEATS
        assert text[loop.first : loop.last].startswith(loop.phrase * loop.times)
