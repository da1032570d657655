"""The gauges say what the tables say, whoever writes them, and the questions stay cheap in a large installation."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sttweb.counting import Spread
from sttweb.prometheus import Metric, Sample, exposition, histogram
from transcripts.jobs import counts, leases, roster
from transcripts.models import Event, EventKind, State, Transcript
from transcripts.models.log import Entry, append
from transcripts.upkeep import numbers, sentences

LINE = re.compile(r'[a-z_]+(\{([a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? [0-9.e+-]+')


def test_the_format_is_the_one_that_prometheus_reads():
    text = exposition(
        [
            Metric("a_b", "Says\\ what\nit is.", [Sample(1), Sample(0.25, {"name": 'x"y\\z\nw'})]),
            Metric("c", "None.", []),
        ]
    )
    assert text.splitlines() == [
        "# HELP a_b Says\\\\ what\\nit is.",
        "# TYPE a_b gauge",
        "a_b 1",
        'a_b{name="x\\"y\\\\z\\nw"} 0.25',
        "# HELP c None.",
        "# TYPE c gauge",
    ]
    assert text.endswith("\n")


def page(client):
    """All samples of /metrics by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.django_db
def test_the_gauges_say_what_is_at_work_and_what_waits(client, make_transcript):
    roster.report("one", 4, 2, "disk_low", {"api.example.org": 12.5})
    first, _, later, paused, _ = (make_transcript(), make_transcript(), make_transcript(), make_transcript(),
        make_transcript(state=State.COMPLETED, finished_at=timezone.now()))  # fmt: skip
    Transcript.objects.filter(pk=later.pk).update(state=State.WAITING, not_before=timezone.now() + timedelta(minutes=5))
    Transcript.objects.filter(pk=paused.pk).update(state=State.PAUSED)
    Event.objects.filter(transcript=first).update(at=timezone.now() - timedelta(seconds=90))
    claim = leases.claim_next("one", 20.0)
    assert claim is not None
    Event.objects.filter(transcript=first).update(at=timezone.now() - timedelta(seconds=90))
    append(first.pk, [Entry(EventKind.NOTICE, {"code": "rate_limited"})] * 2, when={})
    append(first.pk, [Entry(EventKind.GAP, {"reason": "source_dropped"})], when={})
    append(first.pk, [Entry(EventKind.NOTICE, {"code": "long_ago"})], when={})
    Event.objects.filter(payload__code="long_ago").update(at=timezone.now() - timedelta(hours=2))
    read = page(client)
    assert read['sttweb_transcripts{state="running"}'] == 1
    assert read['sttweb_transcripts{state="waiting"}'] == 1
    assert read['sttweb_transcripts{state="paused"}'] == 1
    assert read['sttweb_transcripts_ended_last_hour{state="completed"}'] == 1
    assert read["sttweb_queue_depth"] == 1
    assert read["sttweb_leases_expired"] == 0
    assert read["sttweb_lease_age_seconds_max"] < 15
    assert read['sttweb_provider_interruptions_last_hour{code="rate_limited"}'] == 2
    assert not [name for name in read if "long_ago" in name]
    assert read['sttweb_gaps_last_hour{reason="source_dropped"}'] == 1
    assert read['sttweb_worker_running{worker="one"}'] == 2
    assert read['sttweb_worker_holding_back{worker="one",reason="disk_low"}'] == 1
    assert read['sttweb_worker_breaker_seconds{worker="one",host="api.example.org"}'] == 12.5
    assert read["sttweb_workers_alive"] == 1
    assert read['sttweb_disk_free_bytes{folder="media"}'] > 0
    assert not [name for name in read if "Evening" in name or "Newsroom" in name]


@pytest.mark.django_db
def test_ages_are_measured_by_the_clock_of_the_database(make_transcript, settings):
    row = make_transcript()
    Event.objects.filter(transcript=row).update(at=timezone.now() - timedelta(seconds=90))
    assert numbers.read().oldest_due == pytest.approx(90, abs=20)
    live = make_transcript(is_live=True, state=State.RUNNING, lease_until=timezone.now() - timedelta(seconds=7))
    Event.objects.filter(transcript=live).update(at=timezone.now() - timedelta(seconds=40))
    (session,) = numbers.read().sessions
    assert session.delay == pytest.approx(40, abs=20)
    assert session.lease_left is not None
    assert session.lease_left < 0
    assert session.lease_age == pytest.approx(settings.STTWEB_LEASE_SECONDS + 7, abs=20)


@pytest.mark.django_db
def test_no_question_reads_a_table_from_end_to_end(make_transcript):
    """By the database's own plans: every large table is searched by an index."""
    make_transcript()
    with CaptureQueriesContext(connection) as queries:
        numbers.read()
    asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT") and "transcripts_" in query["sql"]]
    assert len(asked) >= 6
    scans = []
    with connection.cursor() as cursor:
        for sql in asked:
            plan = cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            scans += [row[3] for row in plan if row[3].startswith("SCAN")]
    assert [scan for scan in scans if "worker" not in scan and "provider" not in scan and "erasure" not in scan] == []
    assert any("trouble_by_time" in str(plan_of(sql)) for sql in asked)


def plan_of(sql):
    with connection.cursor() as cursor:
        return cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (7.9, "7 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (90_000, "25 h"), (200_000, "2 days")],
)
def test_times_are_told_briefly(seconds, text):
    assert sentences.duration(seconds) == text


def looking(**changes):
    calm = numbers.Numbers(
        states={}, due=0, oldest_due=0.0, ended={},
        workers=[numbers.WorkerLook("w", 1.0, 4, 1, "", {}, {})], sessions=[],
        notices=Counter(), gaps=Counter(),
    )  # fmt: skip
    return numbers.Numbers(**{name: changes.get(name, getattr(calm, name)) for name in calm.__slots__})


def test_when_all_is_well_nothing_is_said():
    assert sentences.degraded(looking()) == []


def test_what_is_not_well_is_said_worst_first():
    silent = numbers.WorkerLook("old", 300.0, 4, 4, "", {}, {})
    full = numbers.DiskLook("media", 10, 1000)
    said = sentences.degraded(looking(workers=[silent], disks=[full]), layer="Redis does not answer.")
    assert [word.tone for word in said] == ["bad", "bad", "warn", "warn"]
    assert said[0].text.startswith("No worker is running")
    assert "silent for 5 min" in said[2].text


def test_a_long_queue_says_what_to_do():
    busy = numbers.WorkerLook("w", 1.0, 4, 4, "", {}, {})
    (word,) = sentences.degraded(looking(workers=[busy], due=3, oldest_due=120.0))
    assert word.text == "The oldest of 3 in the queue waits for 2 min. All workers are full: start another one."
    (word,) = sentences.degraded(looking(due=3, oldest_due=120.0))
    assert "Workers have room" in word.text


def test_the_disk_is_judged_by_the_operators_own_bounds(settings):
    disk = numbers.DiskLook("media", 300, 1000)
    assert sentences.degraded(looking(disks=[disk])) == []
    settings.STTWEB_DISK_LOW_PERCENT = 40
    assert "nearly full" in sentences.degraded(looking(disks=[disk]))[0].text
    settings.STTWEB_DISK_FULL_PERCENT = 35
    assert "work pauses" in sentences.degraded(looking(disks=[disk]))[0].text


def test_a_histogram_counts_what_is_at_most_each_bound():
    spread = Spread((0.1, 1))
    for value in (0.05, 0.1, 0.5, 7):
        spread.note(value)
    text = exposition([histogram("lag", "Says.", spread.bounds, *spread.read(), {"p": "x"})])
    assert text.splitlines()[1:] == [
        "# TYPE lag histogram",
        'lag_bucket{p="x",le="0.1"} 2',
        'lag_bucket{p="x",le="1"} 3',
        'lag_bucket{p="x",le="+Inf"} 4',
        'lag_sum{p="x"} 7.65',
        'lag_count{p="x"} 4',
    ]


def test_strange_codes_cannot_make_metrics_without_end():
    before = counts.provider_errors.values()
    try:
        for number in range(3 * counts.MOST_CODES):
            counts.failed(f"odd_{number}")
        assert len(counts.provider_errors.values()) <= counts.MOST_CODES + 1
        assert counts.provider_errors.values()[counts.OTHER] >= 2 * counts.MOST_CODES - len(before)
    finally:
        counts.provider_errors._values = before
