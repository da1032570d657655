"""Finding by what was said. `test_postgres.py` runs this file again on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import AnonymousUser

from transcripts import search, services, tagging
from transcripts.access import transcripts_of
from transcripts.models import Membership, Review, ReviewState, Role, Segment, Transcript
from transcripts.search import Filters, parse
from transcripts.search.filters import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def found(alice, team):
    """Titles that Alice finds, newest first: ``found("quay", state="failed")``."""

    def titles(text: str = "", **filters: object) -> list[str]:
        page = search.find(transcripts_of(alice), [team.pk], parse(text), Filters(**filters))  # type: ignore[arg-type]
        return [one.transcript.title for one in page.found]

    return titles


def test_words_are_found_in_the_text_whatever_their_case_and_accents(say, found):
    say("The Café on the quay.", title="One")
    say("Quays and cafes.", title="Two")
    assert found("cafe QUAY") == ["One"]
    assert found("qua*") == ["Two", "One"]
    assert found("harbour") == []


def test_all_words_must_stand_in_one_segment(say, found):
    say("The ship came in.", "The quay was empty.")
    assert found("ship quay") == []
    assert found("ship came") == ["Evening news"]


def test_phrases_refusals_and_beginnings(say, found):
    say("the new quay", title="One")
    say("the quay is new", title="Two")
    assert found('"the new quay"') == ["One"]
    assert found("said -wall quay") == []
    assert found("quay -is") == ["One"]
    assert found('"new qua"') == []
    assert found("\u201cthe new quay\u201d") == found("\u201enew quay\u201c") == ["One"]
    assert found("\u201cnew qua\u201d") == []


def test_titles_and_links_are_found_without_any_text(say, found):
    say(title="Harbour hearing", source_url="https://media.example.org/minutes-2024.mp3")
    assert found("harbour") == found("minutes 2024") == ["Harbour hearing"]


@pytest.mark.parametrize(
    "text", ['"', "*", "-", "AND", "a OR", "(", "'", "\\", "%", "words : x", "a:*", "!&|", "\ud800"]
)
def test_any_text_is_a_query(say, found, text):
    say("Nothing of the kind.")
    assert len(found(text)) <= 1


def test_scripts_of_all_kinds_are_found(say, found):
    for text in ("Привет, мир", "한국어 문장", "यह हिन्दी है", "مرحبا بالعالم"):
        say(text, title=text)
    assert found("мир") == ["Привет, мир"]
    assert found("문장") == ["한국어 문장"]
    assert found("हिन्दी") == ["यह हिन्दी है"]
    assert found("مرحبا") == ["مرحبا بالعالم"]


def test_a_hit_leads_to_the_second_of_the_word(say, alice, team):
    say("Nothing here.", "And then the quay was there", "A quay", "Quay", "Quay again", title="The quay")
    (one,) = search.find(transcripts_of(alice), [team.pk], parse("quay"), Filters()).found
    assert [(hit.index, hit.second) for hit in one.hits] == [(1, 13), (2, 21), (3, 30)]
    assert one.more
    assert list(one.title.parts()) == [("The ", False), ("quay", True)]
    assert list(one.hits[0].snippet.parts()) == [("And then the ", False), ("quay", True), (" was there", False)]


def test_a_corrected_text_is_found_and_the_old_one_is_not(say, found, alice, team):
    row = say("The key was empty.")
    segment = row.segments.get()
    segment.text = "The quay was empty."
    segment.save()
    assert found("key") == []
    assert found("quay") == ["Evening news"]
    Segment.objects.filter(pk=segment.pk).update(text="The pier was empty.")
    assert (found("quay"), found("pier")) == ([], ["Evening news"])
    (one,) = search.find(transcripts_of(alice), [team.pk], parse("pier"), Filters()).found
    assert one.hits[0].second == 0


def test_a_new_title_replaces_the_old_one(say, found):
    services.rename(say(title="Harbour"), "Airport")
    assert (found("harbour"), found("airport")) == ([], ["Airport"])


def test_what_is_deleted_is_not_found(say, found):
    row = say("The quay.", "The pier.", title="Harbour")
    row.segments.filter(index=1).delete()
    assert (found("pier"), found("quay")) == ([], ["Harbour"])
    services.delete(row)
    assert found("quay") == found("harbour") == []


def test_nobody_finds_what_belongs_to_others(say, alice, bob, charlie, team, other_team):
    say("The quay.")
    say("The quay, too.", team=other_team, title="Theirs")
    both = [team.pk, other_team.pk]
    for person, titles in ((alice, ["Evening news"]), (charlie, ["Theirs"]), (AnonymousUser(), [])):
        page = search.find(transcripts_of(person), both, parse("quay"), Filters())
        assert [one.transcript.title for one in page.found] == titles
    assert search.find(transcripts_of(alice), [other_team.pk], parse("quay"), Filters()).found == ()
    assert search.find(transcripts_of(alice), [], parse("quay"), Filters()).found == ()
    Membership.objects.create(team=other_team, user=bob, role=Role.VIEWER)
    page = search.find(transcripts_of(bob), both, parse("quay"), Filters())
    assert [one.transcript.title for one in page.found] == ["Theirs", "Evening news"]


def test_filters_narrow_lists_and_searches_alike(say, found):
    say("quay", title="Upload", source_kind="upload", language="de")
    say("quay", title="Failed", state="failed", gap_samples=16_000)
    say("quay", title="Hosted", engine="elevenlabs")
    Segment.objects.filter(transcript__title="Hosted").update(unconfirmed=True)
    old = datetime(2020, 2, 29, 12, tzinfo=UTC)
    Transcript.objects.filter(pk=say("quay", title="Old").pk).update(created_at=old)
    day = date(2020, 2, 29)
    for text in ("", "quay"):
        assert found(text, kind="upload") == found(text, language="de") == ["Upload"]
        assert found(text, state="failed") == found(text, trouble="gaps") == ["Failed"]
        assert found(text, engine="elevenlabs") == found(text, trouble="unconfirmed") == ["Hosted"]
        assert found(text, since=day, until=day) == found(text, until=day) == ["Old"]
        assert "Old" not in found(text, since=date(2020, 3, 1))
        assert found(text, state="failed", kind="upload") == []


def test_what_was_reviewed_is_filtered_by_where_it_stands(say, found):
    for state in (*ReviewState, ""):
        row = say("quay", title=state or "Never sent")
        if state:
            Review.objects.create(transcript=row, state=state)
    for text in ("", "quay"):
        assert found(text, review="none") == ["Never sent"]
        assert [found(text, review=state) for state in ReviewState] == [["open"], ["returned"], ["approved"]]
    assert not read({"review": "perhaps"})
    assert read({"review": "approved"}) == Filters(review="approved")


def test_filters_of_a_query_string_are_checked():
    asked = {
        "state": "failed",
        "kind": "nonsense",
        "since": "2024-13-01",
        "until": "2024-02-29",
        "language": " en\x00 ",
    }
    assert read(asked) == Filters(state="failed", until=date(2024, 2, 29), language="en")
    assert not read({"until": "0001-01-01", "trouble": "'; DROP TABLE"})


@pytest.mark.parametrize("text", ["", "quay"])
@pytest.mark.parametrize("kind", ["", "url"])
def test_pages_follow_each_other_without_a_hole_or_a_double(say, alice, team, text, kind):
    titles = [f"Number {number}" for number in range(7)]
    for title in titles:
        say("quay quay", "quay", title=title)
    seen: list[str] = []
    cursor = ""
    for length in (3, 3, 1):
        page = search.find(transcripts_of(alice), [team.pk], parse(text), Filters(kind=kind), cursor, size=3)
        assert len(page.found) == length
        seen += [one.transcript.title for one in page.found]
        cursor = page.next
    assert (seen, cursor) == (titles[::-1], "")


@pytest.mark.parametrize("text", ["", "quay"])
@pytest.mark.parametrize("cursor", ["x", "~", "1~2", "99999999999999999999~" + "0" * 32, "-1~" + "f" * 32, "٣~x"])
def test_a_cursor_without_meaning_is_no_error(say, alice, team, text, cursor):
    say("quay")
    assert len(search.find(transcripts_of(alice), [team.pk], parse(text), Filters(), cursor).found) <= 1


@pytest.mark.parametrize("text", ["", "quay"])
def test_a_page_goes_on_after_its_last_row_was_deleted(say, alice, team, text):
    for number in range(4):
        say("quay", title=str(number))
    page = search.find(transcripts_of(alice), [team.pk], parse(text), Filters(), size=2)
    services.delete(page.found[-1].transcript)
    page = search.find(transcripts_of(alice), [team.pk], parse(text), Filters(), page.next, size=2)
    assert [one.transcript.title for one in page.found] == ["1", "0"]


@pytest.mark.parametrize("few", [-1, 50])
def test_rare_filters_find_among_common_words(say, found, monkeypatch, few):
    """Beyond some steps from hit to hit, or for a few rows at once, the filters lead; the answer stays the same."""
    monkeypatch.setattr("transcripts.search.fts.STEPS", 4)
    monkeypatch.setattr("transcripts.search.fts.FEW", few)
    say("quay", title="First", state="failed")
    for number in range(10):
        say("quay", title=str(number))
    say("pier", title="Without the word", state="failed")
    assert found("quay", state="failed") == ["First"]
    assert found("quay", state="cancelled") == []


def test_a_last_word_that_stands_nowhere_is_taken_as_a_beginning(say, alice, team):
    for number in range(3):
        say("The harbour.", "Harbour again", "A ship", title=str(number))
    say("A hard wall.", title="No")

    def pages(text: str) -> list[tuple[str, list[str], list[int]]]:
        cursor, told = "", []
        while True:
            page = search.find(transcripts_of(alice), [team.pk], parse(text), Filters(), cursor, size=2)
            told.append(
                (page.query.text, [one.transcript.title for one in page.found], [len(one.hits) for one in page.found])
            )
            text, cursor = page.query.text, page.next
            if not cursor:
                return told

    assert pages("the harb") == [("the harb*", ["2", "1"], [1, 1]), ("the harb*", ["0"], [1])]
    assert pages("harb") == [("harb*", ["2", "1"], [2, 2]), ("harb*", ["0"], [2])]
    assert pages("har") == [("har*", ["No", "2"], [1, 2]), ("har*", ["1", "0"], [2, 2])]
    assert pages('"harb"') == [('"harb"', [], [])]
    assert pages("ha") == [("ha", [], [])]


def test_tags_filter_in_any_spelling_and_only_the_own_teams(say, found, other_team):
    tagging.put([say("quay", title="Ours"), say("quay", title="Theirs", team=other_team)], "Budget")
    say("quay", title="Untagged")
    for text in ("", "quay"):
        assert found(text, tag="BUDGET") == ["Ours"]
        assert found(text, tag="other") == []


def test_speakers_filter_by_their_name(say, found):
    for title, speaker in (("One", "Ana"), ("Two", "Ben")):
        Segment.objects.filter(transcript=say("quay", "pier", title=title), index=1).update(speaker=speaker)
    say("quay", title="Nobody named")
    for text in ("", "quay"):
        assert found(text, speaker="Ana") == ["One"]
        assert found(text, speaker="ana") == []


@pytest.mark.parametrize(
    ("length", "titles"), [("-5", ["4"]), ("5-30", ["29", "5"]), ("30-120", ["119", "30"]), ("120-", ["120"])]
)
def test_lengths_begin_at_a_minute_and_end_before_the_next(say, found, length, titles):
    for minutes in (4, 5, 29, 30, 119, 120):
        say("quay", title=str(minutes), committed_samples=minutes * 60 * 16_000 + 59 * 16_000 * (minutes % 5 == 4))
    for text in ("", "quay"):
        assert found(text, length=length) == titles


@pytest.mark.parametrize("few", [0, 1, 100])
def test_what_many_and_what_few_have_in_common_is_found_alike(say, found, monkeypatch, few):
    monkeypatch.setattr("transcripts.search.filters.FEW", few)
    rows = [say("quay", title=str(number)) for number in range(4)]
    tagging.put(rows[:2], "news")
    Segment.objects.filter(transcript__in=rows[1:]).update(speaker="Ana", unconfirmed=True)
    for text in ("", "quay"):
        assert found(text, tag="news") == ["1", "0"]
        assert found(text, tag="news", speaker="Ana", trouble="unconfirmed") == ["1"]


def test_the_other_order_puts_titles_first_and_then_what_says_it_most(say, alice, team, monkeypatch):
    say("quay", "pier", "quay", "quay", title="Thrice")
    say("quay", title="Once, older")
    say("pier", title="The quay")
    say("quay", "pier", title="Once")
    say("quay pier quay", "quay", title="Twice")

    def titles(**more):
        page = search.find(transcripts_of(alice), [team.pk], parse("quay"), Filters(), size=2, sort="mentions", **more)
        return [one.transcript.title for one in page.found], page.next, page.cut

    assert titles() == (["The quay", "Thrice"], "2", False)
    assert titles(cursor="2") == (["Twice", "Once"], "4", False)
    assert titles(cursor="4") == (["Once, older"], "", False)
    assert titles(cursor="99") == ([], "", False)
    monkeypatch.setattr(search, "RANKED", 2)
    assert titles() == (["Twice", "Once"], "", True)


def test_the_other_order_says_what_the_widened_words_say_most(say, alice, team):
    say("harbour", title="Once")
    say("harbours", "harbourside", title="Twice")
    say("nothing")
    page = search.find(transcripts_of(alice), [team.pk], parse("harb"), Filters(), sort="mentions")
    assert [one.transcript.title for one in page.found] == ["Twice", "Once"]
