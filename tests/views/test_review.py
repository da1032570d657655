"""The review desk over HTTP: the queue, the screen, the decisions, the stamps, and who may."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.reviewing.conftest import MakeText, make_text  # noqa: F401 - a fixture
from transcripts import exporting
from transcripts.exports import Options
from transcripts.models import Flag, Review, ReviewState, State, Transcript
from transcripts.reviewing import flags, flow


@pytest.fixture
def text(make_text: MakeText) -> Transcript:  # noqa: F811
    return make_text("The river rose.", "It rose overnight again.")


def decide(client: Client, transcript: Transcript, act: str, **fields: str) -> str:
    """The page that one comes back to."""
    answer = client.post(f"/s/{transcript.pk}/review/{act}", fields, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_from_sending_to_reopening(client: Client, text: Transcript, alice: User, bob: User) -> None:
    client.force_login(bob)
    assert "Sent to review." in decide(client, text, "send")
    assert client.post(f"/s/{text.pk}/review/approve").status_code == 403
    client.force_login(alice)
    assert "Assigned to Alice" in decide(client, text, "assign", assignee=str(alice.pk), due="2026-12-01")
    assert text.review.due_on == date(2026, 12, 1)
    assert "Say why" in decide(client, text, "return", reason=" ")
    assert "Names are wrong" in decide(client, text, "return", reason="Names are wrong")
    client.force_login(bob)
    decide(client, text, "send")
    client.force_login(alice)
    assert "Approved by Alice" in decide(client, text, "approve")
    assert "Reopened." in decide(client, text, "reopen", reason="A name")
    assert Review.objects.get().state == ReviewState.OPEN


@pytest.mark.parametrize("due", ["", "tomorrow", "2026-02-31", "9" * 40])
def test_a_date_or_a_person_that_is_none_counts_as_none(
    client: Client, text: Transcript, alice: User, victor: User, due: str
) -> None:
    flow.send(text, alice)
    client.force_login(alice)
    decide(client, text, "assign", assignee=str(victor.pk), due=due)
    review = Review.objects.get()
    assert (review.assignee, review.due_on) == (None, None)


def test_what_does_not_fit_is_said_and_changes_nothing(client: Client, make_text: MakeText, alice: User) -> None:  # noqa: F811
    running = make_text("So far.", state=State.RUNNING)
    client.force_login(alice)
    assert "still being written" in decide(client, running, "approve")
    assert "does not stand where you think" in decide(client, running, "reopen", reason="Why not")
    assert client.post(f"/s/{running.pk}/review/burn").status_code == 404
    assert not Review.objects.filter(state=ReviewState.APPROVED).exists()


def test_the_screen_lists_flags_and_offers_what_the_role_may(
    client: Client, text: Transcript, alice: User, bob: User
) -> None:
    flags.raise_flag(text, bob, 1, "Who is that?")
    flow.send(text, bob)
    client.force_login(bob)
    html = client.get(f"/s/{text.pk}/review").content.decode()
    assert "Who is that?" in html
    assert "/review/approve" not in html
    client.force_login(alice)
    assert "/review/approve" in client.get(f"/s/{text.pk}/review").content.decode()


def test_flags_are_raised_and_answered(client: Client, text: Transcript, bob: User) -> None:
    client.force_login(bob)
    (raised,) = client.post(f"/s/{text.pk}/flag/1", {"note": "Name?"}).json()["flags"]
    assert (raised["kind"], raised["segment"], raised["state"]) == ("person", 1, "open")
    for answer, state in (("dismiss", "dismissed"), ("reopen", "open"), ("resolve", "resolved")):
        (told,) = client.post(f"/s/{text.pk}/flags/{raised['id']}/{answer}").json()["flags"]
        assert told["state"] == state
    assert client.post(f"/s/{text.pk}/flags/{raised['id'] + 1}/dismiss").status_code == 404
    assert client.post(f"/s/{text.pk}/flag/99").status_code == 409
    assert Flag.objects.get().state == "resolved"


def test_the_queue_shows_the_present_team_and_the_rail_counts(
    client: Client, text: Transcript, alice: User, charlie: User
) -> None:
    flow.send(text, alice)
    client.force_login(alice)
    html = client.get("/review").content.decode()
    assert text.title in html
    assert "To review:" in html
    assert client.get("/review", {"assignee": "me"}).context["page"].rows == []
    assert len(client.get("/review", {"assignee": "nobody", "page": "9" * 40}).context["page"].rows) == 1
    client.force_login(charlie)
    assert text.title not in client.get("/review").content.decode()


@pytest.mark.parametrize("name", ["txt", "docx", "vtt", "ttml", "json"])
def test_files_are_stamped(text: Transcript, alice: User, name: str) -> None:
    def note() -> str:
        document = exporting.document_of(text)
        content = exporting.export(text, name, Options(header=True)).content
        if name != "docx":
            assert document.notes[-1] in content.decode()
        return document.notes[-1]

    assert note() == "Draft, not reviewed."
    flow.send(text, alice)
    assert note() == "Draft, in review."
    review = flow.approve(text, alice)
    assert review.decided_at is not None
    assert note() == f"Approved by Alice on {review.decided_at:%Y-%m-%d}."
    if name == "json":
        stamp = json.loads(exporting.export(text, "json").content)["review"]
        assert (stamp["state"], stamp["by"]) == ("approved", "Alice")
        assert stamp["at"] == review.decided_at.isoformat(timespec="seconds")
