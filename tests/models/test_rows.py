"""What the tables refuse, and what the rows say about themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.conftest import member
from transcripts.models import AppendOnly, Event, EventKind, Membership, Role, Segment, State, Transcript

pytestmark = pytest.mark.django_db


def segment(transcript, index=0):
    return Segment.objects.create(transcript=transcript, index=index, seq=2, start_ms=0, end_ms=10, text="Hello.")


def test_a_stored_event_is_never_changed(make_transcript):
    event = make_transcript().events.get()
    event.payload = {"state": "completed"}
    with pytest.raises(AppendOnly):
        event.save()
    assert Event.objects.get(pk=event.pk).payload == {"state": "queued"}


def test_two_events_of_a_transcript_never_share_a_number(make_transcript):
    transcript = make_transcript()
    with pytest.raises(IntegrityError), transaction.atomic():
        Event.objects.create(transcript=transcript, seq=1, kind=EventKind.NOTICE)
    Event.objects.create(transcript=make_transcript(), seq=2, kind=EventKind.NOTICE)


def test_two_segments_of_a_transcript_never_share_a_place(make_transcript):
    transcript = make_transcript()
    segment(transcript)
    with pytest.raises(IntegrityError), transaction.atomic():
        segment(transcript)
    segment(transcript, index=1)


def test_a_person_belongs_to_a_team_once(team, alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(team=team, user=alice, role=Role.VIEWER)


def test_the_log_and_the_text_go_with_their_transcript_and_leave_the_others(make_transcript):
    gone, kept = make_transcript(), make_transcript()
    segment(gone), segment(kept)
    gone.delete()
    assert set(Event.objects.values_list("transcript", flat=True)) == {kept.pk}
    assert set(Segment.objects.values_list("transcript", flat=True)) == {kept.pk}


def test_a_transcript_outlives_the_person_who_submitted_it(make_transcript, alice):
    transcript = make_transcript(created_by=alice)
    alice.delete()
    transcript.refresh_from_db()
    assert transcript.created_by is None


def test_the_board_shows_live_first_then_trouble_then_the_newest(make_transcript):
    now = timezone.now()
    for place, state in enumerate(State):
        make_transcript(title=state, state=state)
        Transcript.objects.filter(title=state).update(created_at=now - timedelta(hours=place))
    make_transcript(title="another queued", state=State.QUEUED)
    titles = list(Transcript.objects.for_board().values_list("title", flat=True))
    assert titles == [
        *("running", "finishing", "cancelling", "paused", "failed", "waiting"),
        *("another queued", "queued", "completed_with_gaps", "completed", "cancelled"),
    ]


@pytest.mark.parametrize(
    ("state", "active", "final"),
    [(State.QUEUED, False, False), (State.RUNNING, True, False), (State.CANCELLING, True, False)]
    + [(state, False, True) for state in (State.COMPLETED, State.FAILED, State.CANCELLED)],
)
def test_a_transcript_knows_whether_it_is_at_work_or_at_an_end(state, active, final):
    transcript = Transcript(state=state)
    assert (transcript.is_active, transcript.is_final) == (active, final)


@pytest.mark.parametrize(
    ("options", "preset", "pace"),
    [({}, "", None), ({"preset": "live", "pace": 2}, "live", 2.0), ({"preset": None, "pace": 0}, "", None)],
)
def test_our_own_options_have_defaults(options, preset, pace):
    transcript = Transcript(options=options)
    assert (transcript.preset, transcript.pace) == (preset, pace)


def test_rows_say_who_they_are(team, make_transcript):
    transcript = make_transcript(title="Evening news")
    person = member("erin", team, Role.REVIEWER)
    assert [str(row) for row in (team, transcript, transcript.events.get(), segment(transcript))] == [
        "Newsroom",
        "Evening news",
        "1 state",
        "Hello.",
    ]
    assert str(person.memberships.get()) == "erin · Newsroom · Reviewer"
