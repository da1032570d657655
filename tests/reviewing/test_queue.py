"""The queue: what most needs a person first, for those who may see it, in one query."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeTranscript, member
from tests.reviewing.conftest import MakeText
from transcripts.models import Review, ReviewState, Role, Scan, Team, Transcript
from transcripts.reviewing import flags, flow, queue
from transcripts.reviewing.queue import Filters, queue_of, waiting_for


def titles(person: User, filters: Filters | None = None) -> list[str]:
    return [row.transcript.title for row in queue_of(person, filters).rows]


@pytest.fixture
def waiting(make_transcript: MakeTranscript, alice: User) -> dict[str, Transcript]:
    """Four in review: little to do, flags, low words, overdue."""
    rows = {title: make_transcript(title=title) for title in ("calm", "flagged", "unsure", "late")}
    for transcript in rows.values():
        flow.send(transcript, alice)
    Scan.objects.create(transcript=rows["calm"], words=100, low_words=1)
    Scan.objects.create(transcript=rows["flagged"], words=100, low_words=1, flags_left=9, weight=18.0)
    Scan.objects.create(transcript=rows["unsure"], words=100, low_words=25)
    Review.objects.filter(transcript=rows["late"]).update(due_on=timezone.localdate() - timedelta(days=1))
    return rows


def test_overdue_first_then_by_need_then_by_waiting(waiting: dict[str, Transcript], bob: User) -> None:
    assert titles(bob) == ["late", "flagged", "unsure", "calm"]
    Review.objects.filter(transcript=waiting["calm"]).update(sent_at=timezone.now() - timedelta(days=8))
    assert titles(bob) == ["late", "calm", "flagged", "unsure"]
    Review.objects.filter(transcript=waiting["unsure"]).update(due_on=timezone.localdate())
    assert titles(bob) == ["late", "unsure", "calm", "flagged"]


def test_a_row_says_what_a_person_needs_to_choose(waiting: dict[str, Transcript], bob: User) -> None:
    rows = {row.transcript.title: row for row in queue_of(bob).rows}
    assert (rows["flagged"].flags_left, rows["unsure"].low_share) == (9, 0.25)
    assert rows["late"].is_overdue
    assert not rows["calm"].is_overdue
    assert (rows["late"].is_scanned, rows["late"].low_share) == (False, None)


def test_only_for_members_and_without_what_is_approved(
    waiting: dict[str, Transcript], alice: User, victor: User, charlie: User
) -> None:
    Transcript.objects.update(state="completed")
    flow.approve(waiting["calm"], alice)
    assert "calm" not in titles(victor)
    assert titles(victor, Filters(state=ReviewState.APPROVED)) == ["calm"]
    assert titles(charlie) == []
    assert queue_of(AnonymousUser()).rows == []


def test_filters_by_team_person_state_and_due_date(
    waiting: dict[str, Transcript], alice: User, bob: User, other_team: Team
) -> None:
    flow.assign(waiting["calm"], alice, bob, None)
    flow.send_back(waiting["unsure"], alice, "names")
    assert titles(bob, Filters(assignee="me")) == ["calm"]
    assert titles(alice, Filters(assignee=str(bob.pk))) == ["calm"]
    assert titles(bob, Filters(assignee="nobody", state="open")) == ["late", "flagged"]
    assert titles(bob, Filters(state="returned")) == ["unsure"]
    assert titles(bob, Filters(overdue=True)) == ["late"]
    assert titles(bob, Filters(team=other_team.pk)) == []
    assert len(titles(bob, Filters(assignee="9" * 40, state="nonsense"))) == 4


def test_the_rail_counts_what_waits_for_this_person(
    waiting: dict[str, Transcript], team: Team, alice: User, bob: User, victor: User, charlie: User
) -> None:
    rita = member("rita", team, Role.REVIEWER)
    flow.assign(waiting["calm"], alice, alice, None)
    flow.send_back(waiting["unsure"], alice, "names")
    counts = {person.username: waiting_for(person) for person in (alice, bob, victor, charlie, rita)}
    assert counts == {"alice": 4, "bob": 1, "victor": 0, "charlie": 0, "rita": 3}
    assert waiting_for(rita, team.pk) == 3
    assert waiting_for(AnonymousUser()) == 0


def test_the_next_one_is_the_most_urgent_other_that_nobody_else_has(
    waiting: dict[str, Transcript], alice: User, bob: User
) -> None:
    flow.assign(waiting["flagged"], alice, bob, None)
    assert queue.after(alice, waiting["late"]) == waiting["unsure"]
    assert queue.after(bob, waiting["late"]) == waiting["flagged"]


def test_a_page_is_one_query_however_long(
    make_transcript: MakeTranscript,
    alice: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(7):
        transcript = make_transcript(title=str(number))
        flow.send(transcript, alice, alice)
        Scan.objects.create(transcript=transcript, weight=10.0 - number)
    monkeypatch.setattr(queue, "PAGE_ROWS", 3)
    for number, wanted in ((1, "012"), (2, "345"), (3, "6")):
        with django_assert_num_queries(1):
            page = queue_of(alice, number=number)
            shown = [(row.transcript.title, row.transcript.team.name, row.review.assignee) for row in page.rows]
        assert "".join(title for title, _, _ in shown) == wanted
        assert page.has_next == (number < 3)
    assert queue_of(alice, number=99).rows == []
    with django_assert_num_queries(1):
        assert waiting_for(alice) == 7


def test_flags_beside_the_text_are_in_its_order(make_text: MakeText, alice: User) -> None:
    transcript = make_text("one", "two", "three")
    for index in (2, 0, 1):
        flags.raise_flag(transcript, alice, index)
    flags.resolve(transcript, alice, transcript.flags.get(segment=1).pk)
    assert [flag.segment for flag in queue.flags_of(transcript)] == [0, 2]
    texts = dict(transcript.segments.values_list("index", "text"))
    assert [flag.said for flag in queue.flags_of(transcript)] == [texts[0][: queue.SNIPPET], texts[2][: queue.SNIPPET]]
    assert [flag.segment for flag in queue.flags_of(transcript, left_only=False)] == [0, 1, 2]
