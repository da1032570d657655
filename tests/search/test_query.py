"""What people type, and where it stands in a text."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.search.query import (
    MAX_TERMS,
    SNIPPET,
    Term,
    fold,
    fts5,
    matches,
    parse,
    snippet,
    tokens,
    tsquery,
)


def found(query: str, text: str) -> list[str]:
    return [text[start:end] for start, end in matches(parse(query), text)]


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("harbour", [Term(("harbour",))], []),
        ("New  Quay", [Term(("new",)), Term(("quay",))], []),
        ('"New Quay" wall', [Term(("new", "quay")), Term(("wall",))], []),
        ("harb*", [Term(("harb",), prefix=True)], []),
        ("h*", [Term(("h",))], []),
        ("quay -wall", [Term(("quay",))], [Term(("wall",))]),
        ("-wall", [Term(("wall",))], []),
        ("up-to-date", [Term(("up", "to", "date"))], []),
        ('"never closed', [Term(("never", "closed"))], []),
        ("\u201cNew Quay\u201d wall", [Term(("new", "quay")), Term(("wall",))], []),
        ("\u201eneuer Kai\u201c -\u00abquai neuf\u00bb", [Term(("neuer", "kai"))], [Term(("quai", "neuf"))]),
        ("it\u2019s", [Term(("it", "s"))], []),
        ('-- ** "" \' ( )', [], []),
        ("", [], []),
    ],
)
def test_a_query_is_words_phrases_beginnings_and_refusals(text, wanted, unwanted):
    query = parse(text)
    assert (list(query.wanted), list(query.unwanted)) == (wanted, unwanted)
    assert bool(query) == bool(wanted)


def test_operators_of_the_databases_are_words():
    query = parse("cats AND dogs OR NEAR(mice)")
    assert fts5(query) == 'words : ("cats" AND "and" AND "dogs" AND "or" AND "near mice")'
    assert tsquery(parse("it's | !x & (y)")) == "('it' <-> 's') & ('x') & ('y')"


def test_a_query_is_never_longer_than_the_databases_should_work_on():
    assert len(parse("word " * 1000).wanted) == MAX_TERMS
    assert len(parse("x" * 10_000).text) == 200


def test_accents_of_latin_letters_do_not_count_and_those_of_others_do():
    assert (fold("Čeština Über"), fold("Мой"), fold("한국어")) == ("cestina uber", "мой", "한국어")


@given(st.text())
def test_every_token_is_where_it_says(text):
    for word, start, end in tokens(text):
        assert fold(text[start:end]) == word


@given(st.text(max_size=80))
def test_every_text_is_a_valid_query_for_fts5(text):
    query = parse(text)
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE VIRTUAL TABLE words_of USING fts5(team, words)")
        if query:
            database.execute("SELECT * FROM words_of WHERE words_of MATCH ?", [fts5(query)]).fetchall()
    database.close()


@pytest.mark.parametrize(
    ("query", "text", "places"),
    [
        ("quay", "The Quay, the quays and QUAY.", ["Quay", "QUAY"]),
        ("qua*", "The Quay, the quays.", ["Quay", "quays"]),
        ('"the quay"', "The  Quay; the wall; the\nquay", ["The  Quay", "the\nquay"]),
        ("cafe", "Two cafés, one Café.", ["Café"]),
        ("the -wall", "the wall", ["the"]),
        ('quay "the quay"', "the quay", ["the quay"]),
        ("हिन्दी", "यह हिन्दी है", ["हिन्दी"]),
    ],
)
def test_matches_are_marked_where_they_stand(query, text, places):
    assert found(query, text) == places


def test_a_snippet_of_a_long_text_is_around_the_first_match_and_between_words():
    text = "alpha beta " * 60 + "the quay " + "gamma delta " * 60
    cut = snippet(parse("quay"), text)
    assert len(cut.text) <= SNIPPET
    assert [part for part, hit in cut.parts() if hit] == ["quay"]
    assert (cut.before, cut.after) == (True, True)
    assert f" {cut.text} " in f" {text} "


def test_a_short_text_is_its_own_snippet():
    cut = snippet(parse("two four"), "one two three four")
    assert list(cut.parts()) == [("one ", False), ("two", True), (" three ", False), ("four", True)]
    assert (cut.before, cut.after) == (False, False)


@given(st.text(alphabet="ab c.", max_size=400), st.sampled_from(["a", "ab", '"a b"', "b*", "a -b"]))
def test_a_snippet_is_a_piece_of_the_text_and_its_parts_are_the_snippet(text, asked):
    query = parse(asked)
    cut = snippet(query, text)
    assert cut.text in text
    assert "".join(part for part, _ in cut.parts()) == cut.text
    marked = [part for part, hit in cut.parts() if hit]
    assert marked == [cut.text[start:end] for start, end in cut.ranges]
    assert bool(matches(query, text)) == bool(marked)
