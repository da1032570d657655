from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from transcripts.jobs.clean import MAX_DEPTH, MAX_JSON, _clean, clean_json, clean_text


def test_controls_go_and_tab_and_newline_stay() -> None:
    assert clean_text("a\x00b\x07c\td\ne\rf\x7fg\x85h") == "abc\td\nefgh"


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    assert clean_text("a\ud800b") == "a\ufffdb"
    clean_text("a\ud800b").encode()


def test_text_is_composed_and_capped() -> None:
    assert clean_text("e\u0301") == "\u00e9"
    assert clean_text("x" * 50, 10) == "x" * 10


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert unicodedata.is_normalized("NFC", once)


def test_numbers_that_json_has_no_word_for_become_null() -> None:
    assert clean_json({"a": float("nan"), "b": [float("-inf"), 1.5]}) == {"a": None, "b": [None, 1.5]}


def test_keys_and_nested_strings_are_cleaned_too() -> None:
    assert clean_json({"a\x00": {"b": ["c\x00"]}}) == {"a": {"b": ["c"]}}


def test_what_is_too_large_or_too_deep_is_dropped() -> None:
    assert clean_json(["x" * 1000] * (MAX_JSON // 1000 + 1)) == {"dropped": "too large"}
    deep: object = 1
    for _ in range(50):
        deep = [deep]
    assert json.dumps(clean_json(deep)).count("[") <= 8


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=30,
)


@given(JSON)
def test_what_is_judged_as_a_whole_is_what_cleaning_each_part_gives(value: object) -> None:
    assert json.dumps(clean_json(value)) == json.dumps(_clean(value, MAX_DEPTH))


def test_the_times_of_a_long_commits_characters_are_kept_as_they_are() -> None:
    raw = {"characters": [[["a", 16 * place, 16 * place + 8]] for place in range(2000)]}
    assert clean_json(raw) is raw
