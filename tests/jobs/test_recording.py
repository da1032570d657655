from __future__ import annotations

from transcripts.jobs.recording import Noted, Position, plan
from transcripts.models import EventKind
from transcripts.realtime.ledger import Ledger
from transcripts.realtime.linkevents import Answer
from transcripts.realtime.results import (
    Annotation,
    Committed,
    Connected,
    Finished,
    Gap,
    Interrupted,
    Partial,
    StreamEvent,
    Word,
)

START = Position(committed=0, segments=0)

HELLO = Committed(
    " Hello there.",
    0,
    32_000,
    words=(
        Word("Hello", 1_600, 8_000, confidence=0.9),
        Word(" ", 8_000, 8_800, kind="spacing"),
        Word("there.", 8_800, 16_000, confidence=0.7),
    ),
    language="en",
    raw={"logprob": -0.1},
)


def test_a_commit_becomes_an_event_a_segment_and_the_point_to_resume_from() -> None:
    batch = plan([HELLO], START)
    (entry,) = batch.entries
    assert entry.kind == EventKind.COMMIT
    assert entry.payload == {
        "segment": 0,
        "start_ms": 100,
        "end_ms": 1000,
        "text": "Hello there.",
        "words": [["Hello", 100, 500, 0.9], ["there.", 550, 1000, 0.7]],
        "language": "en",
        "unconfirmed": False,
        "raw": {"logprob": -0.1},
    }
    (segment,) = batch.segments
    assert segment.fields["confidence"] == 0.8
    assert batch.after == Position(committed=32_000, segments=1)
    assert batch.last_text == "Hello there."


def test_a_commit_of_silence_only_moves_on() -> None:
    batch = plan([Committed("", 0, 16_000)], START)
    assert not batch.entries
    assert not batch.segments
    assert batch.after.committed == 16_000
    assert batch.last_text is None


def test_without_word_times_a_segment_spans_its_audio() -> None:
    (segment,) = plan([Committed("Hm.", 16_000, 32_000)], Position(16_000, 4)).segments
    assert (segment.fields["start_ms"], segment.fields["end_ms"], segment.fields["index"]) == (1000, 2000, 4)


def test_text_whose_range_nobody_knows_is_kept() -> None:
    # A service that commits by itself and sends no word times: the ledger cannot move, the words are there.
    heard = Ledger(16_000, "")
    heard.answer(Answer("Said in between.", 16_000, own=False))
    batch = plan(list(heard.events), Position(committed=16_000, segments=1))
    assert [entry.payload["text"] for entry in batch.entries] == ["Said in between."]
    assert batch.after == Position(committed=16_000, segments=2)


def test_a_commit_that_comes_again_is_not_written_twice() -> None:
    batch = plan([HELLO, HELLO], START)
    assert len(batch.segments) == 1


def test_an_audio_event_keeps_its_kind_as_a_fifth_item() -> None:
    laugh = Committed("(laughs)", 0, 16_000, words=(Word("(laughs)", 0, 8_000, kind="audio_event"),))
    assert plan([laugh], START).entries[0].payload["words"] == [["(laughs)", 0, 500, None, "audio_event"]]


def test_a_gap_is_counted_and_moves_on_only_when_nothing_before_it_is_open() -> None:
    answered = plan([Gap(0, 16_000, "source_dropped")], START)
    assert answered.after == Position(16_000, 0, gaps=16_000)
    assert answered.entries[0].payload == {"start_ms": 0, "end_ms": 1000, "reason": "source_dropped"}
    early = plan([Gap(32_000, 48_000, "source_dropped")], START)
    assert early.after == Position(0, 0, gaps=16_000)


def test_events_keep_their_order_and_segments_know_theirs() -> None:
    events: list[StreamEvent | Noted] = [
        Connected(1, "abc", {"sample_rate": 16000}, 0),
        Partial("Hel", 0, 8_000),
        Interrupted("connection_lost", "The connection ended.", 1, 0.5),
        HELLO,
        Annotation("entities", {"entities": []}, 32_000),
        Finished(32_000, 40_000),
    ]
    batch = plan(events, START)
    assert [entry.kind for entry in batch.entries] == ["session", "notice", "commit", "annotation"]
    assert batch.segments[0].entry == 2
    assert batch.billed == 40_000
    assert batch.entries[1].payload["retry_in_ms"] == 500
    assert batch.entries[3].payload["end_ms"] == 2000


def test_what_strangers_say_is_cleaned_on_the_way_in() -> None:
    nasty = Committed(
        "a\x00b", 0, 16_000, words=(Word("a\x00b", 0, 800, speaker="s\x00"),), raw={"x": "\ud800", "y": float("nan")}
    )
    payload = plan([nasty], START).entries[0].payload
    assert payload["text"] == "ab"
    assert payload["words"][0][0] == "ab"
    assert payload["speaker"] == "s"
    assert payload["raw"] == {"x": "\ufffd", "y": None}
