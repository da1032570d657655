"""Flags in the tables: found once, told by the log, answered by people, kept in step with corrections."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.conftest import MakeTranscript
from tests.reviewing.conftest import MakeText, add_segment
from transcripts.jobs import kept, scanner
from transcripts.models import EventKind, Flag, FlagKind, FlagState, Scan, Segment, State, Transcript
from transcripts.models.log import Entry, append
from transcripts.reviewing import editing, flags, flow, scanning
from transcripts.reviewing.errors import Conflict, Locked
from transcripts.reviewing.scanning import scan


def unsure(transcript: Transcript, index: int, text: str = "mumbled words nobody understands") -> Segment:
    """A passage whose words are all low."""
    segment = add_segment(transcript, index, text)
    segment.words = [[*word[:3], 0.2] for word in segment.words]
    segment.save()
    _count(transcript)
    return segment


def _count(transcript: Transcript) -> None:
    Transcript.objects.filter(pk=transcript.pk).update(segment_count=transcript.segments.count())


def lose(transcript: Transcript, start_ms: int, end_ms: int) -> None:
    payload = {"start_ms": start_ms, "end_ms": end_ms, "reason": "source_dropped"}
    append(transcript.pk, [Entry(EventKind.GAP, payload)], when={})


def told(transcript: Transcript) -> list[list[tuple[Any, ...]]]:
    events = transcript.events.filter(kind=EventKind.FLAG)
    return [[(flag["kind"], flag["segment"], flag["state"]) for flag in event.payload["flags"]] for event in events]


def test_what_was_found_is_kept_counted_and_told_once(make_text: MakeText) -> None:
    transcript = make_text("good evening and welcome")
    unsure(transcript, 1)
    lose(transcript, 60_000, 90_000)
    assert scan(transcript) == 2
    assert told(transcript) == [[("confidence", 1, "open"), ("gap", None, "open")]]
    row = Scan.objects.get(transcript=transcript)
    assert (row.flags_left, row.words, row.low_words, row.is_settled) == (2, 8, 4, True)
    assert row.weight == pytest.approx(3.0)
    assert scan(transcript) == 0
    assert len(told(transcript)) == 1


def test_a_search_from_the_beginning_finds_the_same_flags_and_leaves_answers(make_text: MakeText, alice: User) -> None:
    transcript = make_text("good evening and welcome")
    unsure(transcript, 1)
    scan(transcript)
    flag = transcript.flags.get()
    flags.dismiss(transcript, alice, flag.pk)
    Scan.objects.filter(transcript=transcript).update(seq=0, segments=0, words=0, low_words=0, confidences=[])
    assert scan(transcript) == 0
    assert transcript.flags.get().state == FlagState.DISMISSED


def test_a_live_one_is_searched_from_where_the_last_search_ended(
    make_text: MakeText, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = make_text("good evening and welcome", state=State.RUNNING)
    unsure(transcript, 1)
    assert scan(transcript) == 1
    for index in range(2, 8):
        add_segment(transcript, index, "Thanks, folks.")
        _count(transcript)
        scan(transcript)
    [loop] = transcript.flags.filter(kind=FlagKind.LOOP)
    assert (loop.segment, loop.details["times"]) == (2, 6)
    assert loop.end_ms == transcript.segments.get(index=7).end_ms
    assert Scan.objects.get(transcript=transcript).words == 4 + 4 + 12


def test_a_long_one_is_searched_in_parts(make_text: MakeText, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "PART", 2)
    monkeypatch.setattr(scanning, "BEFORE", 3)
    transcript = make_text("good evening and welcome", *["Thanks, folks."] * 8)
    _count(transcript)
    scan(transcript)
    [loop] = transcript.flags.all()
    assert (loop.segment, loop.details["times"]) == (1, 8)


def test_two_searches_at_once_write_once(make_text: MakeText) -> None:
    transcript = make_text("good evening and welcome")
    unsure(transcript, 1)
    transcript.refresh_from_db()
    ours, theirs = scanning._next(transcript, None), scanning._next(transcript, None)
    assert ours is not None
    assert theirs is not None
    assert (scanning._write(transcript, ours), scanning._write(transcript, theirs)) == (1, None)
    assert len(told(transcript)) == 1


def test_text_over_silence_is_found_from_the_kept_waveform(make_text: MakeText) -> None:
    transcript = make_text("good evening and welcome", "thank you very much for watching")
    _count(transcript)
    Transcript.objects.filter(pk=transcript.pk).update(is_kept=True)
    transcript.refresh_from_db()
    path = kept.take_over(transcript.pk, 1).peaks
    assert path is not None
    path.write_bytes(bytes([256 - 60, 60]) * 100 + bytes(2) * 500)
    scan(transcript)
    assert [(flag.kind, flag.segment) for flag in transcript.flags.all()] == [("silence", 1)]


def test_text_whose_sound_is_not_kept_yet_waits_for_the_next_search(make_text: MakeText) -> None:
    transcript = make_text("good evening and welcome", "thank you very much", state=State.RUNNING)
    _count(transcript)
    Transcript.objects.filter(pk=transcript.pk).update(is_kept=True)
    transcript.refresh_from_db()
    path = kept.take_over(transcript.pk, 1).peaks
    assert path is not None
    path.write_bytes(bytes([256 - 60, 60]) * 100)
    scan(transcript)
    assert Scan.objects.get(transcript=transcript).segments == 1
    path.write_bytes(bytes([256 - 60, 60]) * 100 + bytes(2) * 500)
    scan(transcript)
    assert Scan.objects.get(transcript=transcript).segments == 2
    assert transcript.flags.get().segment == 1


def test_a_person_flags_a_passage_once_and_both_ways_of_answering_are_told(
    make_text: MakeText, alice: User, bob: User
) -> None:
    transcript = make_text("one", "two")
    flag = flags.raise_flag(transcript, bob, 1, " who \n says this? ")
    assert flags.raise_flag(transcript, bob, 1, "who says this?").pk == flag.pk
    assert (flag.kind, flag.start_ms, flag.details) == (FlagKind.PERSON, 10_000, {"note": "who says this?"})
    assert flags.resolve(transcript, alice, flag.pk).by_name == "Alice"
    flags.resolve(transcript, alice, flag.pk)
    flags.reopen(transcript, bob, flag.pk)
    flags.dismiss(transcript, alice, flag.pk)
    states = [state for [(_, _, state)] in told(transcript)]
    assert states == ["open", "open", "resolved", "open", "dismissed"]
    assert Scan.objects.get(transcript=transcript).flags_left == 0
    with pytest.raises(Conflict):
        flags.raise_flag(transcript, bob, 99)
    with pytest.raises(Flag.DoesNotExist):
        flags.resolve(make_text("another"), alice, flag.pk)


def test_flags_of_an_approved_text_stay_as_they_are(make_text: MakeText, alice: User) -> None:
    transcript = make_text("one")
    flag = flags.raise_flag(transcript, alice, 0)
    flow.approve(transcript, alice)
    for attempt in (flags.resolve, flags.dismiss):
        with pytest.raises(Locked):
            attempt(transcript, alice, flag.pk)
    with pytest.raises(Locked):
        flags.raise_flag(transcript, alice, 0)


def test_correcting_a_passage_answers_its_unsure_words_and_nothing_else(make_text: MakeText, bob: User) -> None:
    transcript = make_text("good evening and welcome")
    unsure(transcript, 1)
    scan(transcript)
    flags.raise_flag(transcript, bob, 1)
    editing.edit(transcript, bob, 1, 0, "words that everybody understands")
    states = {flag.kind: flag.state for flag in transcript.flags.all()}
    assert states == {FlagKind.CONFIDENCE: FlagState.RESOLVED, FlagKind.PERSON: FlagState.OPEN}
    assert told(transcript)[-1] == [("confidence", 1, "resolved")]
    assert Scan.objects.get(transcript=transcript).flags_left == 1


def test_a_passage_found_right_answers_what_machines_said_of_it(make_text: MakeText, bob: User) -> None:
    transcript = make_text("good evening and welcome")
    unsure(transcript, 1)
    scan(transcript)
    editing.check(transcript, bob, 1, 0)
    editing.check(transcript, bob, 1, 0, checked=False)
    assert [flag.state for flag in transcript.flags.all()] == [FlagState.RESOLVED]


def test_flags_of_a_passage_that_is_merged_away_go_with_its_text(make_text: MakeText, bob: User) -> None:
    transcript = make_text("good evening and welcome")
    unsure(transcript, 1)
    scan(transcript)
    editing.merge(transcript, bob, 0, 0, 0)
    assert transcript.flags.get().segment == 0


def test_the_worker_finds_what_grew_and_what_ended(make_transcript: MakeTranscript) -> None:
    from django.utils import timezone

    ended = make_transcript(state=State.COMPLETED, finished_at=timezone.now())
    unsure(ended, 0)
    young = make_transcript(state=State.RUNNING)
    unsure(young, 0)
    grown = make_transcript(state=State.RUNNING)
    for index in range(scanner.NEW_PASSAGES):
        add_segment(grown, index, f"passage number {index} is here")
    _count(grown)
    assert set(scanner.due()) == {ended, grown}
    assert scanner.work() == 1
    assert scanner.due() == []
    Transcript.objects.filter(pk=young.pk).update(state=State.CANCELLED, finished_at=timezone.now())
    assert scanner.due() == [young]
