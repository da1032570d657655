"""The way to approval: who moved it, why, and what may not be."""

from __future__ import annotations

from datetime import date

import pytest
from django.contrib.auth.models import User

from tests.reviewing.conftest import MakeText
from transcripts import services
from transcripts.models import AuditEntry, Engine, EventKind, ReviewState, State, Transcript
from transcripts.reviewing import flow
from transcripts.reviewing.errors import NoReason, NotFinished, NotInReview


def test_from_the_queue_to_approval_and_back_every_step_is_told(make_text: MakeText, alice: User, bob: User) -> None:
    transcript = make_text("one")
    flow.send(transcript, bob)
    flow.assign(transcript, alice, alice, date(2026, 12, 1))
    flow.send_back(transcript, alice, " names are \n wrong ")
    flow.send(transcript, bob)
    review = flow.approve(transcript, alice)
    assert (review.is_locked, review.decided_name, review.reason) == (True, "Alice", "")
    review = flow.reopen(transcript, alice, "a name was misspelled")
    assert (review.state, review.assignee) == (ReviewState.OPEN, alice)
    told = [event.payload for event in transcript.events.filter(kind=EventKind.REVIEW)]
    assert [(one["state"], one["by"], one.get("reason", "")) for one in told] == [
        ("open", "Bob", ""),
        ("open", "Alice", ""),
        ("returned", "Alice", "names are wrong"),
        ("open", "Bob", ""),
        ("approved", "Alice", ""),
        ("open", "Alice", "a name was misspelled"),
    ]
    acts = AuditEntry.objects.filter(target_id=str(transcript.pk)).order_by("id").values_list("act", "actor")
    assert list(acts) == [("returned", "alice"), ("approved", "alice"), ("reopened", "alice")]


def test_sending_twice_is_harmless_and_an_approved_one_is_not_sent(make_text: MakeText, alice: User) -> None:
    transcript = make_text("one")
    assert flow.send(transcript, alice) == flow.send(transcript, alice)
    assert transcript.events.filter(kind=EventKind.REVIEW).count() == 1
    flow.approve(transcript, alice)
    for attempt in (lambda: flow.send(transcript, alice), lambda: flow.approve(transcript, alice)):
        with pytest.raises(NotInReview):
            attempt()


@pytest.mark.parametrize("state", [State.RUNNING, State.QUEUED, State.WAITING, State.PAUSED, State.FINISHING])
def test_what_may_still_grow_is_not_approved(make_text: MakeText, alice: User, state: State) -> None:
    transcript = make_text("one", state=state)
    flow.send(transcript, alice)
    with pytest.raises(NotFinished):
        flow.approve(transcript, alice)


def test_nothing_is_added_to_an_approved_text(make_text: MakeText, alice: User) -> None:
    transcript = make_text("One.", state=State.FAILED)
    flow.approve(transcript, alice)
    seq = Transcript.objects.get(pk=transcript.pk).last_seq
    for again in (services.retry, services.continue_embedded):
        Transcript.objects.filter(pk=transcript.pk).update(engine=Engine.ELEVENLABS)
        transcript.refresh_from_db()
        with pytest.raises(services.Approved):
            again(transcript)
    transcript.refresh_from_db()
    assert (transcript.state, transcript.last_seq) == (State.FAILED, seq)
    flow.reopen(transcript, alice, "More is to come.")
    services.retry(transcript)
    assert transcript.state == State.QUEUED


def test_a_return_and_a_reopening_need_their_reason(make_text: MakeText, alice: User) -> None:
    transcript = make_text("one")
    flow.send(transcript, alice)
    with pytest.raises(NoReason):
        flow.send_back(transcript, alice, "  ")
    flow.approve(transcript, alice)
    with pytest.raises(NoReason):
        flow.reopen(transcript, alice, "")
    with pytest.raises(NotInReview):
        flow.send_back(transcript, alice, "late")
