"""The queue: what most needs a person first, for those who may see it, in one query."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import MakeTranscript, member
from tests.reviewing.conftest import MakeText
from transcripts.models import Review, ReviewState, Role, Scan, State, Team, Transcript
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
    cursor = ""
    for before, wanted in ((0, "012"), (3, "345"), (6, "6")):
        with django_assert_num_queries(1):
            page = queue_of(alice, cursor=cursor)
            shown = [(row.transcript.title, row.transcript.team.name, row.review.assignee) for row in page.rows]
        assert ("".join(title for title, _, _ in shown), page.before) == (wanted, before)
        cursor = page.next
    assert cursor == ""
    with django_assert_num_queries(1):
        assert waiting_for(alice) == 7


def test_what_is_decided_between_two_pages_hides_and_doubles_nothing(
    make_transcript: MakeTranscript, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = timezone.localdate()
    rows = [make_transcript(title=str(number)) for number in range(8)]
    for number, transcript in enumerate(rows):
        flow.send(transcript, alice, due_on=today - timedelta(days=1) if number < 2 else None)
        # Equal ones too, and fractions that no decimal spells exactly.
        Scan.objects.create(transcript=transcript, weight=10.0, words=3 if number < 5 else 7, low_words=1)
    Review.objects.filter(transcript__in=rows[2:4]).update(sent_at=rows[2].created_at)
    whole = [row.transcript.pk for row in queue_of(alice).rows]
    assert len(whole) == 8
    monkeypatch.setattr(queue, "PAGE_ROWS", 2)
    page = queue_of(alice)
    seen = [row.transcript.pk for row in page.rows]
    # One that was seen is approved, another one comes in front of all that were not seen.
    flow.approve(_ended(page.rows[0].transcript), alice)
    flow.send(make_transcript(title="late"), alice, due_on=today - timedelta(days=9))
    while page.next:
        page = queue_of(alice, cursor=page.next)
        seen += [row.transcript.pk for row in page.rows]
    assert [key for key in seen if key in whole] == whole
    assert len(set(seen)) == len(seen)


def _ended(transcript: Transcript) -> Transcript:
    Transcript.objects.filter(pk=transcript.pk).update(state=State.COMPLETED)
    return transcript


NO_KEY = "0" * 32


@pytest.mark.parametrize(
    "cursor",
    ["2", "~~~~~", f"0~1~0~nan~1~{NO_KEY}", f"1~{'9' * 30}~1~1e400~1~{NO_KEY}", f"0~1~7~1.0~1~{NO_KEY}"],
    ids=["number", "empty", "no number", "huge", "no urgency"],
)
def test_a_cursor_without_a_meaning_begins_at_the_most_urgent(
    waiting: dict[str, Transcript], bob: User, cursor: str
) -> None:
    assert queue_of(bob, cursor=cursor).rows == queue_of(bob).rows


def test_flags_beside_the_text_are_in_its_order(make_text: MakeText, alice: User) -> None:
    transcript = make_text("one", "two", "three")
    for index in (2, 0, 1):
        flags.raise_flag(transcript, alice, index)
    flags.resolve(transcript, alice, transcript.flags.get(segment=1).pk)
    assert [flag.segment for flag in queue.flags_of(transcript)] == [0, 2]
    texts = dict(transcript.segments.values_list("index", "text"))
    shown: list[Any] = queue.flags_of(transcript)
    assert [flag.said for flag in shown] == [texts[0][: queue.SNIPPET], texts[2][: queue.SNIPPET]]
    assert [flag.segment for flag in queue.flags_of(transcript, left_only=False)] == [0, 1, 2]
