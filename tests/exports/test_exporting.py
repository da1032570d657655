"""From rows to files."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from transcripts import exporting
from transcripts.exports import UnknownFormat
from transcripts.models import EventKind, Review, ReviewState, Segment, State
from transcripts.models.log import Entry, append

pytestmark = pytest.mark.django_db


@pytest.fixture
def transcript(make_transcript):
    """Two segments with a gap between them, still running."""
    made = make_transcript(title="Harbour/hearing", state=State.RUNNING, committed_samples=16_000 * 12)
    gap = {"start_ms": 2_000, "end_ms": 10_000, "reason": "source_dropped"}
    append(made.pk, [Entry(EventKind.COMMIT, {"text": "One."}), Entry(EventKind.GAP, gap)], when={})
    rows = [(0, 0, 2_000, "One."), (1, 10_000, 12_000, "Two (laughs)")]
    words = {
        0: [["One.", 100, 900, 0.5]],
        1: [["Two", 10_100, 10_900, None], ["(laughs)", 11_000, 12_000, None, "audio_event"]],
    }
    Segment.objects.bulk_create(
        Segment(
            transcript=made,
            index=index,
            seq=2,
            start_ms=start,
            end_ms=end,
            text=text,
            words=words[index],
            language="en",
        )
        for index, start, end, text in rows
    )
    made.refresh_from_db()
    return made


@pytest.mark.parametrize("name", ["txt", "srt", "vtt", "json"])
def test_a_file_takes_three_queries(transcript, name, django_assert_num_queries):
    with django_assert_num_queries(3):
        exporting.export(transcript, name)


def test_a_file_has_a_safe_name_and_a_type(transcript):
    file = exporting.export(transcript, "srt")
    assert (file.filename, file.content_type) == ("Harbour hearing.srt", "application/x-subrip; charset=utf-8")
    assert b"[audio missing for 8 s]" in file.content


def test_an_unknown_format_is_refused_before_anything_is_read(transcript, django_assert_num_queries):
    with django_assert_num_queries(0), pytest.raises(UnknownFormat):
        exporting.export(transcript, "docm")


def test_json_holds_all_that_arrived(transcript):
    data = json.loads(exporting.export(transcript, "json").content)
    assert [event["kind"] for event in data["events"]] == ["state", "commit", "gap"]
    assert [event["seq"] for event in data["events"]] == [1, 2, 3]
    assert data["segments"][1]["words"][1]["kind"] == "audio_event"
    assert data["segments"][0]["words"][0]["confidence"] == 0.5
    assert (data["id"], data["language"], data["duration_ms"]) == (str(transcript.pk), "en", 12_000)


def test_a_file_of_a_running_one_says_how_far_it_goes(transcript):
    document = exporting.document_of(transcript)
    assert document.notes[0] == "Not finished: this is the text up to 00:00:12."
    assert document.notes[1] == "00:00:08 of the audio could not be heard; the text shows where."


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"state": State.FAILED, "message": "The link is gone."}, "Ended early at 00:00:12: The link is gone."),
        ({"state": State.CANCELLED}, "Ended early at 00:00:12: Cancelled"),
    ],
)
def test_a_file_of_what_ended_early_says_why(transcript, fields, note):
    for name, value in fields.items():
        setattr(transcript, name, value)
    assert exporting.document_of(transcript).notes[0] == note


def test_of_a_finished_one_without_gaps_only_its_review_is_noted(make_transcript):
    document = exporting.document_of(make_transcript(state=State.COMPLETED))
    assert (document.notes, document.segments, document.gaps) == (("Draft, not reviewed.",), (), ())


def test_unconfirmed_text_is_noted(transcript):
    transcript.segments.filter(index=1).update(unconfirmed=True)
    assert "Some text was never confirmed by the engine; it is marked." in exporting.document_of(transcript).notes
    assert b"[not confirmed]" in exporting.export(transcript, "txt").content


def test_the_log_is_read_whole_only_for_those_who_want_it(transcript):
    assert exporting.document_of(transcript, with_events=False).events is None
    assert len(exporting.document_of(transcript).events or ()) == 3


def test_of_two_languages_heard_as_often_the_first_one_counts(transcript):
    for index, language in enumerate(("fi", "de", "de", "fi")):
        said = {"language": language, "seq": 2, "start_ms": index * 9_000, "end_ms": index * 9_000 + 1, "text": "x"}
        Segment.objects.update_or_create(transcript=transcript, index=index, defaults=said)
    assert exporting.document_of(transcript).language == "fi"


def test_the_stamp_names_the_day_of_the_installation_s_clock(transcript, alice):
    at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    Review.objects.create(transcript=transcript, state=ReviewState.APPROVED, decided_name="Alice", decided_at=at)
    with timezone.override("Europe/Berlin"):
        document = exporting.document_of(transcript)
    assert document.review.at == "2026-03-02T00:30:00+01:00"
    assert "Approved by Alice on 2026-03-02." in document.notes
