"""What only PostgreSQL does: a search that ends for lack of time. Run by `test_postgres.py`."""

from __future__ import annotations

import pytest
from django.db import connection

from transcripts import search
from transcripts.access import transcripts_of
from transcripts.models import Segment
from transcripts.search import Filters, parse, tsearch

pytestmark = pytest.mark.django_db


@pytest.fixture
def hurried(monkeypatch):
    """Nothing is read from the index, and a page tries two transcripts."""
    for name, value in {"GATHERED": -1, "LATE": -1, "TRIED": 1, "TRIED_AT_MOST": 1, "STEP": 2}.items():
        monkeypatch.setattr(tsearch, name, value)


@pytest.fixture
def pages(alice, team):
    """Titles of each page, and whether it is unfinished: ``pages("quay")``."""

    def read(text, **more):
        cursor, told = "", []
        while True:
            page = search.find(transcripts_of(alice), [team.pk], parse(text), Filters(**more), cursor, size=2)
            told.append(([one.transcript.title for one in page.found], page.unfinished))
            cursor = page.next
            if not cursor:
                return told

    return read


def test_this_is_postgresql():
    assert connection.vendor == "postgresql"


def test_a_search_without_time_says_so_and_goes_on(say, pages, hurried):
    for number in range(9):
        say("quay" if number in (1, 2, 8) else "pier", title=str(number))
    told = pages("quay")
    assert [title for titles, _ in told for title in titles] == ["8", "2", "1"]
    assert [unfinished for _, unfinished in told] == [True] * (len(told) - 1) + [False]


def test_an_unfinished_search_does_not_take_words_as_beginnings(say, pages, hurried):
    for _ in range(5):
        say("quays")
    assert pages("quay")[0] == ([], True)


def test_the_other_order_says_that_there_may_be_others(say, alice, team, hurried):
    for number in range(4):
        say("quay", title=str(number))
    page = search.find(transcripts_of(alice), [team.pk], parse("quay"), Filters(), sort=search.MENTIONS)
    assert page.cut


def test_more_hits_than_expected_are_tried_one_by_one(say, pages, monkeypatch):
    """The statistics may be old."""
    monkeypatch.setattr(tsearch, "GATHERED", 1)
    for number in range(3):
        say("quay", title=str(number))
    monkeypatch.setattr(tsearch, "_expected", lambda query: 0)
    assert pages("quay") == [(["2", "1"], False), (["0"], False)]


def test_many_hits_in_one_transcript_hide_no_other(say, pages, monkeypatch):
    """What was cut off is never taken for all there is."""
    monkeypatch.setattr(tsearch, "GATHERED", 2)
    say("quay", title="Old")
    say(*["quay"] * 5, title="Many")
    say(title="The quay")
    assert pages("quay") == [(["The quay", "Many"], False), (["Old"], False)]


def test_what_stands_only_in_old_ones_is_read_from_the_index_in_the_end(say, pages, monkeypatch):
    for name, value in {"GATHERED": -1, "TRIED": 1, "STEP": 2}.items():
        monkeypatch.setattr(tsearch, name, value)
    say("quay", title="Old")
    for _ in range(5):
        say("pier")
    assert pages("quay") == [(["Old"], False)]


def test_the_planner_knows_common_words(say):
    row = say(*["the quay"] * 400, "a pier")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transcripts_segment")
    assert Segment.objects.filter(transcript=row).count() == 401
    assert tsearch._expected(parse("quay")) > 300
    assert tsearch._expected(parse("zebra")) < 300
