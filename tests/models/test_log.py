"""The one way to write to a log: numbers without holes, nothing from a holder that was taken over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.db.models import F

from tests.conftest import async_db
from transcripts.models import Event, EventKind, Transcript
from transcripts.models.log import Entry, Fenced, append


def notice(text="hello"):
    return Entry(EventKind.NOTICE, {"message": text})


@pytest.mark.django_db
def test_numbers_go_on_without_a_hole(make_transcript):
    transcript = make_transcript()
    assert append(transcript.pk, [notice("a"), notice("b")], when={}, epoch=7) == 3
    assert append(transcript.pk, [notice("c")], when={}) == 4
    rows = list(transcript.events.values_list("seq", "kind", "epoch", "payload"))
    assert rows[1:] == [
        (2, "notice", 7, {"message": "a"}),
        (3, "notice", 7, {"message": "b"}),
        (4, "notice", 0, {"message": "c"}),
    ]
    transcript.refresh_from_db()
    assert transcript.last_seq == 4


@pytest.mark.django_db
def test_the_row_changes_together_with_the_log(make_transcript):
    transcript = make_transcript(epoch=2)
    changes = {"committed_samples": 16_000, "billed_samples": F("billed_samples") + 5}
    append(transcript.pk, [notice()], when={"epoch": 2, "committed_samples": 0}, changes=changes, epoch=2)
    transcript.refresh_from_db()
    assert (transcript.committed_samples, transcript.billed_samples) == (16_000, 5)


@pytest.mark.django_db
@pytest.mark.parametrize("when", [{"epoch": 1}, {"epoch": 2, "committed_samples": 5}, {"state": "running"}])
def test_a_writer_with_an_old_belief_writes_nothing(make_transcript, when):
    transcript = make_transcript(epoch=2)
    with pytest.raises(Fenced):
        append(transcript.pk, [notice()], when=when, changes={"committed_samples": 99}, epoch=1)
    transcript.refresh_from_db()
    assert (transcript.last_seq, transcript.committed_samples, transcript.events.count()) == (1, 0, 1)


@pytest.mark.django_db
def test_a_deleted_transcript_fences_its_writer(make_transcript):
    transcript = make_transcript()
    key = transcript.pk
    transcript.delete()
    with pytest.raises(Fenced):
        append(key, [notice()], when={})
    assert not Event.objects.filter(transcript_id=key).exists()


@pytest.mark.django_db
def test_an_entry_that_cannot_be_stored_leaves_the_numbers_as_they_were(make_transcript):
    transcript = make_transcript()
    with pytest.raises(TypeError):
        append(transcript.pk, [notice(), Entry(EventKind.NOTICE, {"bad": object()})], when={})
    transcript.refresh_from_db()
    assert (transcript.last_seq, transcript.events.count()) == (1, 1)


def in_threads(work, number):
    """Run ``work(place)`` in that many threads that begin together; their results."""
    together = threading.Barrier(number)

    def one(place):
        try:
            together.wait(10)
            return work(place)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@async_db
def test_the_tests_run_on_a_real_file():
    if connection.vendor == "sqlite":
        assert ".sqlite3" in str(connection.settings_dict["NAME"])
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@async_db
def test_concurrent_writers_share_the_numbers_without_a_hole_or_a_lock_error(make_transcript):
    transcript = make_transcript()

    def write(place):
        return [append(transcript.pk, [notice(f"{place}.{turn}")] * 2, when={}) for turn in range(10)]

    lasts = [last for result in in_threads(write, 4) for last in result]
    assert sorted(lasts) == list(range(3, 82, 2))
    assert list(transcript.events.values_list("seq", flat=True)) == list(range(1, 82))
    transcript.refresh_from_db()
    assert transcript.last_seq == 81


@async_db
def test_of_concurrent_claims_exactly_one_wins(make_transcript):
    transcript = make_transcript()

    def claim(place):
        try:
            append(transcript.pk, [notice()], when={"epoch": 0}, changes={"epoch": 1, "worker": f"w{place}"}, epoch=1)
        except Fenced:
            return None
        return f"w{place}"

    winners = [winner for winner in in_threads(claim, 4) if winner]
    transcript.refresh_from_db()
    assert winners == [transcript.worker]
    assert transcript.events.count() == 2


@async_db
def test_a_zombie_and_its_successor_never_both_append_at_one_offset(make_transcript):
    transcript = make_transcript(epoch=1)
    Transcript.objects.filter(pk=transcript.pk).update(committed_samples=0)

    def commit(place):
        done = 0
        for turn in range(20):
            when = {"committed_samples": turn * 100}
            try:
                append(
                    transcript.pk, [notice(f"turn {turn}")], when=when, changes={"committed_samples": turn * 100 + 100}
                )
                done += 1
            except Fenced:
                continue
        return done

    done = sum(in_threads(commit, 3))
    texts = list(transcript.events.filter(kind="notice").values_list("payload__message", flat=True))
    assert len(texts) == len(set(texts)) == done
    transcript.refresh_from_db()
    assert transcript.committed_samples == done * 100
    assert texts == [f"turn {turn}" for turn in range(done)]
