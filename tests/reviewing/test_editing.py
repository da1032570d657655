"""Correcting text: versions, conflicts, splits and merges, and nothing ever lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.conftest import async_db
from tests.reviewing.conftest import MakeText, add_segment
from transcripts import access
from transcripts.exporting import export
from transcripts.models import EventKind, Revision, Segment, State, Transcript
from transcripts.models.segment import FIRST_SPLIT
from transcripts.reviewing import editing, flow
from transcripts.reviewing.errors import BadSplit, Conflict, Locked, NoText, NotNeighbours, TooLong
from transcripts.search import find
from transcripts.search.filters import Filters
from transcripts.search.query import parse


def texts(transcript: Transcript) -> list[str]:
    return list(transcript.segments.in_order().values_list("text", flat=True))


def hits(person: User, words: str) -> int:
    teams = [team.pk for team in access.teams_of(person)]
    return len(find(access.transcripts_of(person), teams, parse(words), Filters()).found)


def revised(transcript: Transcript) -> list[dict[str, object]]:
    return list(transcript.events.filter(kind=EventKind.REVISE).values_list("payload", flat=True))


def test_a_correction_is_a_version_an_event_and_found_by_search(make_text: MakeText, bob: User) -> None:
    transcript = make_text("the quick brown socks", "jumps over")
    segment = editing.edit(transcript, bob, 0, 0, "  The quick\nbrown fox ")
    assert (segment.text, segment.version) == ("The quick brown fox", 1)
    segment.refresh_from_db()
    assert [word[0] for word in segment.words] == ["The", "quick", "brown", "fox"]
    revision = Revision.objects.get()
    assert (revision.how, revision.by_name, revision.version, revision.text) == ("edit", "Bob", 1, segment.text)
    (event,) = revised(transcript)
    assert (event["segment"], event["version"], event["text"], event["by"]) == (0, 1, "The quick brown fox", "Bob")
    assert hits(bob, "fox") == 1
    assert hits(bob, "socks") == 0
    assert b"The quick brown fox" in export(transcript, "srt").content


def test_saving_what_is_there_already_makes_no_version(make_text: MakeText, bob: User) -> None:
    transcript = make_text("one two")
    assert editing.edit(transcript, bob, 0, 0, " one  two ").version == 0
    assert not Revision.objects.exists()


def test_of_two_who_saw_the_same_version_the_second_gets_the_firsts_text(
    make_text: MakeText, alice: User, bob: User
) -> None:
    transcript = make_text("one two")
    editing.edit(transcript, alice, 0, 0, "one too")
    with pytest.raises(Conflict) as conflict:
        editing.edit(transcript, bob, 0, 0, "won two")
    assert conflict.value.current is not None
    assert (conflict.value.current.text, conflict.value.current.version) == ("one too", 1)
    assert texts(transcript) == ["one too"]


@pytest.mark.parametrize(("text", "error"), [("", NoText), (" \n", NoText), ("x" * 20_001, TooLong)])
def test_a_text_that_cannot_be_is_refused(make_text: MakeText, bob: User, text: str, error: type[Exception]) -> None:
    transcript = make_text("one two")
    with pytest.raises(error):
        editing.edit(transcript, bob, 0, 0, text)
    assert texts(transcript) == ["one two"]


@pytest.mark.parametrize("text", ["\x07", "\u200b\u200e", "\x00\x01 \x02", "\u202e"], ids=ascii)
def test_a_text_that_nobody_can_see_is_no_text(make_text: MakeText, bob: User, text: str) -> None:
    transcript = make_text("The new quay.")
    with pytest.raises(NoText):
        editing.edit(transcript, bob, 0, 0, text)
    assert editing.replace_all(transcript, bob, "The new quay.", text, whole=False) == 0
    assert transcript.segments.get().text == "The new quay."


def test_what_people_type_is_kept_in_one_form_and_without_control_characters(make_text: MakeText, bob: User) -> None:
    transcript = make_text("Cafe", speaker="speaker_0")
    editing.edit(transcript, bob, 0, 0, "Cafe\u0301\x00 \ud800")
    editing.set_speaker(transcript, bob, 0, 1, " Ana\x00\n\tLo\u0301pez ")
    kept = transcript.segments.get()
    assert (kept.text, kept.speaker) == ("Caf\u00e9 \ufffd", "Ana L\u00f3pez")
    assert editing.replace_all(transcript, bob, "cafe\u0301", "Bar") == 1
    assert editing.rename_speaker(transcript, bob, "Ana Lo\u0301pez", "B\x00ea") == 1
    assert transcript.segments.get().speaker == "Bea"


def test_parts_of_a_split_stand_between_their_neighbours_while_more_is_heard(make_text: MakeText, bob: User) -> None:
    transcript = make_text("zero zero", "one two three four", state=State.RUNNING)
    left, right = editing.split(transcript, bob, 1, 0, 8)
    assert (left.index, right.index, right.version) == (1, FIRST_SPLIT, 1)
    add_segment(transcript, 2, "five six")
    assert texts(transcript) == ["zero zero", "one two", "three four", "five six"]
    assert (right.start_ms, right.end_ms) == (11_000, 11_900)
    assert revised(transcript)[1]["after"] == 1
    again, last = editing.split(transcript, bob, FIRST_SPLIT, 1, 6)
    assert (again.text, last.text, last.index) == ("three", "four", FIRST_SPLIT + 1)
    assert export(transcript, "txt").content.index(b"three") < export(transcript, "txt").content.index(b"five")


def test_a_split_inside_nothing_is_refused(make_text: MakeText, bob: User) -> None:
    with pytest.raises(BadSplit):
        editing.split(make_text("one two"), bob, 0, 0, 0)


def test_a_merge_swallows_the_next_one_and_its_words_stay_in_history(make_text: MakeText, bob: User) -> None:
    transcript = make_text("one two", "three four", "five")
    merged = editing.merge(transcript, bob, 0, 0, 0)
    assert (merged.text, merged.start_ms, merged.end_ms) == ("one two three four", 0, 10_900)
    assert texts(transcript) == ["one two three four", "five"]
    assert revised(transcript)[0]["gone"] == [1]
    assert hits(bob, "four") == 1
    with pytest.raises(Conflict) as conflict:
        editing.edit(transcript, bob, 1, 0, "lost?")
    assert conflict.value.current is None


def test_the_last_one_has_nobody_to_merge_with_and_a_changed_neighbour_is_a_conflict(
    make_text: MakeText, bob: User
) -> None:
    transcript = make_text("one", "two")
    with pytest.raises(NotNeighbours):
        editing.merge(transcript, bob, 1, 0, 0)
    editing.edit(transcript, bob, 1, 0, "too")
    with pytest.raises(Conflict):
        editing.merge(transcript, bob, 0, 0, 0)
    assert texts(transcript) == ["one", "too"]


def test_every_version_comes_back_down_to_what_was_heard(make_text: MakeText, bob: User) -> None:
    transcript = make_text("the quick brown socks")
    editing.edit(transcript, bob, 0, 0, "a slow fox")
    editing.edit(transcript, bob, 0, 1, "something else")
    assert editing.restore(transcript, bob, 0, 2, 1).text == "a slow fox"
    segment = editing.restore(transcript, bob, 0, 3, 0)
    assert (segment.text, segment.version) == ("the quick brown socks", 4)
    assert [word[1] for word in segment.words] == [0, 500, 1000, 1500]
    assert list(Revision.objects.values_list("how", "origin")) == [
        ("edit", None), ("edit", None), ("restore", 1), ("restore", 0)
    ]  # fmt: skip
    with pytest.raises(Conflict):
        editing.restore(transcript, bob, 0, 4, 9)


def test_replacing_touches_whole_words_only_unless_it_may(make_text: MakeText, bob: User) -> None:
    transcript = make_text("The cat sat", "concatenate CAT", "dog")
    assert editing.replace_all(transcript, bob, "cat", r"c\1t") == 2
    assert texts(transcript) == [r"The c\1t sat", r"concatenate c\1t", "dog"]
    assert editing.replace_all(transcript, bob, "cat", "dog", whole=False) == 1
    assert editing.replace_all(transcript, bob, "DOG", "", case=True) == 0
    assert texts(transcript)[1:] == [r"condogenate c\1t", "dog"]


def test_a_replacement_never_empties_a_passage(make_text: MakeText, bob: User) -> None:
    transcript = make_text("um", "um yes")
    assert editing.replace_all(transcript, bob, "um", "") == 1
    assert texts(transcript) == ["um", "yes"]


def test_speakers_are_renamed_and_merged_everywhere(make_text: MakeText, bob: User) -> None:
    transcript = make_text("one", "two", speaker="speaker_0")
    editing.set_speaker(transcript, bob, 1, 0, "Ben")
    assert editing.rename_speaker(transcript, bob, "speaker_0", " Ana ") == 1
    assert editing.rename_speaker(transcript, bob, "Ben", "Ana") == 1
    assert set(transcript.segments.values_list("speaker", flat=True)) == {"Ana"}
    assert editing.rename_speaker(transcript, bob, "Ana", "Ana") == 0


def test_a_check_holds_for_the_version_that_was_read(make_text: MakeText, bob: User) -> None:
    transcript = make_text("one")
    assert editing.check(transcript, bob, 0, 0).is_checked
    editing.edit(transcript, bob, 0, 0, "won")
    assert not transcript.segments.get().is_checked
    with pytest.raises(Conflict):
        editing.check(transcript, bob, 0, 0)


def test_approved_text_is_read_only(make_text: MakeText, alice: User, bob: User) -> None:
    transcript = make_text("one two", "three")
    flow.approve(transcript, alice)
    for attempt in (
        lambda: editing.edit(transcript, bob, 0, 0, "won"),
        lambda: editing.split(transcript, bob, 0, 0, 3),
        lambda: editing.merge(transcript, bob, 0, 0, 0),
        lambda: editing.check(transcript, bob, 0, 0),
        lambda: editing.replace_all(transcript, bob, "one", "won"),
        lambda: editing.rename_speaker(transcript, bob, "", "Ana"),
    ):
        with pytest.raises(Locked):
            attempt()
    assert texts(transcript) == ["one two", "three"]
    assert not revised(transcript)


@async_db
def test_of_many_who_save_at_once_exactly_one_wins(make_text: MakeText, bob: User) -> None:
    transcript = make_text("one two three four")

    def save(number: int) -> bool:
        try:
            editing.edit(transcript, bob, 0, 0, f"text {number}")
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(save, range(6))) == 1
    assert Segment.objects.get().version == 1
    assert Revision.objects.count() == len(revised(transcript)) == 1


@async_db
def test_two_splits_at_once_make_two_new_passages(make_text: MakeText, bob: User) -> None:
    transcript = make_text("one two", "three four")

    def cut(index: int) -> int:
        try:
            return editing.split(transcript, bob, index, 0, 4)[1].index
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(cut, range(2))) == [FIRST_SPLIT, FIRST_SPLIT + 1]
    assert texts(transcript) == ["one", "two", "three", "four"]
