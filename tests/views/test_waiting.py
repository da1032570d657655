"""What a queued page says: its place, what runs before it, and when it begins, as far as that can be known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from transcripts.models import EventKind, Team, Worker
from transcripts.models.log import Entry, append
from transcripts.views.waiting import finishing_by, seconds_left, waiting

pytestmark = pytest.mark.django_db
HOUR = 16_000 * 3600


@pytest.fixture
def worker():
    return Worker.objects.create(name="one", heartbeat_at=timezone.now(), capacity=2)


def at_work(make_transcript, share: float, minutes: float, **fields):
    started = timezone.now() - timedelta(minutes=minutes)
    known = {"duration_samples": HOUR, "committed_samples": round(share * HOUR), "started_at": started}
    return make_transcript(**{"state": "running"} | known | fields)


def test_a_free_worker_takes_it_and_nothing_more_is_said(make_transcript, worker):
    at_work(make_transcript, 0.5, 10, title="Busy")
    assert waiting(make_transcript()) == "Next in the queue."
    assert waiting(at_work(make_transcript, 0.1, 1)) == ""


def test_what_runs_before_it_is_named_and_its_end_estimated(make_transcript, worker):
    at_work(make_transcript, 0.5, 10, title="Early news")
    at_work(make_transcript, 0.25, 10, title="Late news")
    first, second, third = (make_transcript() for _ in range(3))
    names = "At work now: “Early news”, “Late news”."
    assert waiting(first) in {
        f"Next in the queue. {names} It begins in about 10 minutes.",
        "Next in the queue. At work now: “Late news”, “Early news”. It begins in about 10 minutes.",
    }
    assert waiting(second).endswith("It begins in about 30 minutes.")
    assert "begins" not in waiting(third)


def test_live_sources_and_young_work_promise_no_end(make_transcript, worker):
    at_work(make_transcript, 0.5, 10, is_live=True)
    at_work(make_transcript, 0.01, 10)
    assert "begins" not in waiting(make_transcript())


def test_titles_of_other_teams_are_not_told(make_transcript, worker):
    for title in ("Secret one", "Secret two"):
        at_work(make_transcript, 0.5, 10, title=title, team=Team.objects.create(name=title))
    told = waiting(make_transcript())
    assert "Secret" not in told
    assert "2 transcripts are at work." in told
    at_work(make_transcript, 0.5, 10, title="Ours")
    assert "At work now: “Ours” and 2 others." in waiting(make_transcript())


def test_nobody_works_when_the_last_worker_is_silent(make_transcript, worker):
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert waiting(make_transcript()) == "Next in the queue. No worker is running; it begins when one is started."


def test_the_end_is_known_from_the_speed_so_far(make_transcript):
    now = timezone.now()
    row = make_transcript(duration_samples=HOUR, committed_samples=HOUR // 4, started_at=now - timedelta(minutes=5))
    assert seconds_left(row, now) == pytest.approx(900)


def test_a_page_that_finishes_knows_by_when(make_transcript):
    row = make_transcript(state="finishing")
    assert finishing_by(row) == ""
    append(row.pk, [Entry(EventKind.STATE, {"state": "finishing", "within_ms": 15_000})], when={})
    told = row.events.order_by("-seq").first()
    assert finishing_by(row) == (told.at + timedelta(seconds=15)).isoformat()
