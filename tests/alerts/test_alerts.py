"""Watched words in what is heard: found once, across borders of segments, told when people want to hear of them."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from transcripts import news
from transcripts.alerts.hearing import is_quiet
from transcripts.alerts.matching import Word, find
from transcripts.models import Delivery, EventKind, Hit, Watchlist, Webhook
from transcripts.models.log import Entry, append


def words(text, start=0):
    return [Word(word, start + 500 * at, start + 500 * at + 400) for at, word in enumerate(text.split())]


def terms_in(text, *terms, tail=""):
    return [match.term for match in find(terms, words(tail), words(text, 60_000))]


@pytest.mark.parametrize(
    ("text", "term", "found"),
    [
        ("The Mayor spoke.", "mayor", True),
        ("“MAYOR!” they said", "mayor", True),
        ("the mayors met", "mayor", False),
        ("the mayors met", "mayor*", True),
        ("in der STRASSE", "Straße", True),
        ("the city council voted", "city council", True),
        ("the city – council voted", "city council", True),
        ("the city's council", "city council", False),
        ("council city", "city council", False),
        ("building permits", "build* permit*", True),
        ("cafe\u0301 open", "café", True),
        ("anything", "*", False),
        ("anything", "", False),
    ],
    ids=range(13),
)
def test_a_term_is_found_as_people_mean_it(text, term, found):
    assert terms_in(text, term) == ([term] if found else [])


@pytest.mark.parametrize(
    ("text", "term", "found"),
    [
        ("the mayors met", "mayor", True),
        ("two cities", "city", True),
        ("several citizens", "city", False),
        ("they voted, voting", "vote", True),
        ("at the elections", "election", True),
        ("the housing market", "house", True),
        ("le café", "cafe", True),
        ("the cafe", "café", True),
        ("die Städte", "Stadt", True),
        ("mayonnaise", "mayor", False),
        ("electrification", "elect", False),
        ("an ivy wall", "iv", False),
        ("city councils voted", "city council", True),
        ("permission", "permi*", True),
    ],
    ids=range(14),
)
def test_any_form_of_a_word_counts_where_a_list_says_so(text, term, found):
    assert bool(list(find([term], [], words(text), any_form=True))) is found


def test_a_list_says_whether_any_form_counts(make_list, make_transcript):
    strict, loose = make_list("mayor"), make_list("mayor", name="Loose", any_form=True)
    say(make_transcript(), 0, "both mayors spoke")
    news.read_all()
    assert list(Hit.objects.values_list("watchlist", "said")) == [(loose.pk, "mayors")]
    assert strict.hits.count() == 0


def test_a_phrase_may_begin_in_the_segment_before():
    assert terms_in("council voted", "city council", tail="said the city") == ["city council"]
    assert terms_in("voted today", "city council", tail="the city council") == []


def test_a_match_says_where_and_ten_words_around():
    text = " ".join(f"w{number}" for number in range(30))
    (match,) = find(["w15 w16"], [], words(text))
    assert match.start_ms == 7500
    assert match.said == "w15 w16"
    assert match.before == " ".join(f"w{number}" for number in range(5, 15))
    assert match.after == " ".join(f"w{number}" for number in range(17, 27))


@pytest.fixture
def make_list(team):
    def make(*terms, **fields):
        return Watchlist.objects.create(team=team, name=fields.pop("name", "City"), terms=list(terms), **fields)

    return make


def say(transcript, index, text, **more):
    start = index * 10_000
    spoken = [[word, start + 500 * at, start + 500 * at + 400, 0.9] for at, word in enumerate(text.split())]
    payload = {"segment": index, "start_ms": start, "end_ms": start + 9000, "text": text, "words": spoken}
    append(transcript.pk, [Entry(EventKind.COMMIT, payload | more)], when={})


def test_a_hit_is_kept_once_per_segment_and_term_with_its_second(make_list, make_transcript):
    make_list("mayor", "city council")
    transcript = make_transcript()
    say(transcript, 0, "the mayor met the mayor of the city")
    news.read_all()
    say(transcript, 1, "council today")
    news.read_all()
    news.read_all()
    found = Hit.objects.order_by("id").values_list("segment", "term", "start_ms")
    assert list(found) == [(0, "mayor", 500), (1, "city council", 3500)]


def test_no_phrase_crosses_what_nobody_heard(make_list, make_transcript):
    make_list("city council")
    transcript = make_transcript()
    say(transcript, 0, "the city")
    append(transcript.pk, [Entry(EventKind.GAP, {"start_ms": 900, "end_ms": 9000, "reason": "x"})], when={})
    say(transcript, 1, "council today")
    news.read_all()
    assert not Hit.objects.exists()


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, True),
        ({"languages": ["de"]}, False),
        ({"languages": ["EN"]}, True),
        ({"sources": ["radio four"]}, False),
        ({"sources": ["EVENING"]}, True),
        ({"live_only": True}, False),
        ({"is_enabled": False}, False),
    ],
    ids=["all", "other-language", "language", "other-source", "source", "live", "off"],
)
def test_a_list_watches_what_it_was_told_to(make_list, make_transcript, fields, counts):
    make_list("mayor", name="Other", is_enabled=True) if fields.get("is_enabled") is False else None
    watched = make_list("mayor", **fields)
    transcript = make_transcript(title="Evening news")
    say(transcript, 0, "the mayor", language="en-US")
    news.read_all()
    assert Hit.objects.filter(watchlist=watched).exists() is counts


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [
        ((time(22), time(7)), datetime(2026, 7, 1, 21, tzinfo=UTC), True),  # 23:00 in Berlin
        ((time(22), time(7)), datetime(2026, 7, 1, 4, 59, tzinfo=UTC), True),
        ((time(22), time(7)), datetime(2026, 7, 1, 5, tzinfo=UTC), False),
        ((time(12), time(13)), datetime(2026, 1, 1, 11, 30, tzinfo=UTC), True),
        ((time(12), time(13)), datetime(2026, 1, 1, 12, tzinfo=UTC), False),
        ((None, None), datetime(2026, 1, 1, 12, tzinfo=UTC), False),
    ],
    ids=range(6),
)
def test_quiet_hours_are_those_of_the_list_s_own_clock(hours, at, quiet):
    watchlist = Watchlist(quiet_from=hours[0], quiet_until=hours[1], time_zone="Europe/Berlin")
    assert is_quiet(watchlist, at) is quiet


@pytest.mark.parametrize("quiet", [False, True])
def test_a_hit_in_quiet_hours_is_kept_and_tells_nobody(make_list, make_transcript, team, quiet):
    Webhook.objects.create(team=team, url="http://hooks.sttweb.org/", secret="whsec_eA==", events=["alert.hit"])
    hours = {"quiet_from": time(0), "quiet_until": time(23, 59, 59, 999999)} if quiet else {}
    make_list("mayor", **hours)
    transcript = make_transcript()
    say(transcript, 0, "the mayor of London said")
    news.read_all()
    assert Hit.objects.count() == 1
    told = Delivery.objects.values_list("payload__data__said", "payload__data__after")
    assert list(told) == ([] if quiet else [("mayor", "of London said")])


def test_hits_go_with_their_transcript(make_list, make_transcript):
    make_list("mayor")
    transcript = make_transcript()
    say(transcript, 0, "the mayor")
    news.read_all()
    transcript.delete()
    assert not Hit.objects.exists()
