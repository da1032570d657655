from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.conftest import MakeTranscript
from transcripts import services
from transcripts.jobs import leases
from transcripts.jobs.claims import Claim, LeaseLost, Outcome
from transcripts.models import Control, State, Team, Transcript

pytestmark = pytest.mark.django_db

LEASE = 20.0


def claim(worker: str = "one", *, exclude: tuple[object, ...] = ()) -> Claim:
    found = leases.claim_next(worker, LEASE, exclude=exclude)  # type: ignore[arg-type]
    assert found is not None
    return found


def let_lease_pass(transcript: Transcript) -> None:
    Transcript.objects.filter(pk=transcript.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def states(transcript: Transcript) -> list[str]:
    return [event.payload["state"] for event in transcript.events.filter(kind="state")]


def test_a_claim_takes_the_row_and_says_so_in_the_log(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    taken = claim()
    transcript.refresh_from_db()
    assert (taken.transcript_id, taken.epoch, taken.worker) == (transcript.pk, 1, "one")
    assert (transcript.state, transcript.worker, transcript.epoch) == (State.RUNNING, "one", 1)
    assert transcript.lease_until is not None
    assert 15 < (transcript.lease_until - timezone.now()).total_seconds() <= LEASE
    assert transcript.started_at is not None
    assert states(transcript) == ["queued", "running"]
    assert transcript.events.last().epoch == 1


def test_what_is_held_is_not_claimed_again(make_transcript: MakeTranscript) -> None:
    make_transcript()
    claim()
    assert leases.claim_next("two", LEASE) is None


def test_waiting_ones_are_claimed_when_their_time_has_come(make_transcript: MakeTranscript) -> None:
    later = timezone.now() + timedelta(minutes=1)
    transcript = make_transcript(state=State.WAITING, not_before=later)
    assert leases.claim_next("one", LEASE) is None
    Transcript.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    assert claim().transcript_id == transcript.pk


def test_an_expired_lease_is_taken_over_under_a_new_epoch(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    first = claim("one")
    let_lease_pass(transcript)
    second = claim("two")
    transcript.refresh_from_db()
    assert (second.epoch, transcript.worker, transcript.crash_claims) == (first.epoch + 1, "two", 1)
    assert transcript.events.last().payload["code"] == "taken_over"


def test_the_third_takeover_without_progress_is_poison(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    for _ in range(leases.POISON_CLAIMS):
        claim()
        let_lease_pass(transcript)
    assert leases.claim_next("last", LEASE) is None
    transcript.refresh_from_db()
    assert (transcript.state, transcript.code, transcript.worker) == (State.FAILED, "poison", "")
    assert transcript.message
    assert transcript.next_step


def test_an_abandoned_row_that_was_cancelled_is_ended_not_worked_on(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    claim()
    transcript.refresh_from_db()
    services.cancel(transcript)
    let_lease_pass(transcript)
    assert leases.claim_next("two", LEASE) is None
    transcript.refresh_from_db()
    assert transcript.state == State.CANCELLED


def test_live_sources_go_first_and_then_the_oldest(make_transcript: MakeTranscript) -> None:
    oldest, newer, live = make_transcript(), make_transcript(), make_transcript(is_live=True)
    order = [claim().transcript_id for _ in range(3)]
    assert order == [live.pk, oldest.pk, newer.pk]


def test_a_team_with_much_to_do_does_not_hold_up_another(
    make_transcript: MakeTranscript, team: Team, other_team: Team
) -> None:
    flood = [make_transcript() for _ in range(4)]
    late = make_transcript(team=other_team)
    order = [claim().transcript_id for _ in range(3)]
    assert order == [flood[0].pk, late.pk, flood[1].pk]


def test_a_person_has_no_more_at_work_than_their_share(
    make_transcript: MakeTranscript, bob: User, settings: Settings
) -> None:
    settings.STTWEB_USER_SESSIONS = 2
    for _ in range(3):
        make_transcript(created_by=bob)
    claims = [claim(), claim()]
    assert leases.claim_next("one", LEASE) is None
    leases.settle(claims[0], Outcome(State.COMPLETED))
    assert claim().transcript_id not in {taken.transcript_id for taken in claims}
    # Their own abandoned one does not count against its takeover.
    let_lease_pass(Transcript.objects.get(pk=claims[1].transcript_id))
    assert claim("two").transcript_id == claims[1].transcript_id


def test_rows_held_by_this_process_are_left_alone_even_when_their_lease_passed(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    claim()
    let_lease_pass(transcript)
    assert leases.claim_next("one", LEASE, exclude=[transcript.pk]) is None


def test_renewing_moves_the_lease_and_reads_the_controls(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    taken = claim()
    Transcript.objects.update(control=Control.STOP, commit_requests=3)
    let_lease_pass(transcript)
    held = leases.renew("one", [transcript.pk], LEASE)[transcript.pk]
    assert (held.epoch, held.control, held.commit_requests) == (taken.epoch, "stop", 3)
    assert leases.claim_next("two", LEASE) is None


def test_a_lost_row_is_missing_from_the_answer(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    claim("one")
    let_lease_pass(transcript)
    claim("two")
    assert leases.renew("one", [transcript.pk], LEASE) == {}


def test_a_zombie_settles_nothing(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    zombie = claim("one")
    let_lease_pass(transcript)
    claim("two")
    for step in (
        lambda: leases.settle(zombie, Outcome(State.COMPLETED)),
        lambda: leases.finishing(zombie),
        lambda: leases.describe(zombie, True, 5, ""),
    ):
        with pytest.raises(LeaseLost):
            step()
    transcript.refresh_from_db()
    assert (transcript.state, transcript.worker, transcript.is_live) == (State.RUNNING, "two", False)


def test_handing_over_queues_it_for_the_next_worker(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    leases.settle(claim("one"), Outcome(State.QUEUED))
    transcript.refresh_from_db()
    assert (transcript.state, transcript.worker, transcript.lease_until) == (State.QUEUED, "", None)
    assert claim("two").epoch == 2


def test_a_retry_waits_and_counts(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    leases.settle(claim(), Outcome(State.WAITING, "source_unreachable", "Not there.", retry_in=30))
    transcript.refresh_from_db()
    assert transcript.attempts == 1
    assert transcript.not_before is not None
    assert 25 < (transcript.not_before - timezone.now()).total_seconds() <= 30
    assert (transcript.code, transcript.message) == ("source_unreachable", "Not there.")


def test_finishing_twice_is_one_event(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript()
    taken = claim()
    leases.finishing(taken)
    leases.finishing(taken)
    leases.settle(taken, Outcome(State.COMPLETED))
    assert states(transcript) == ["queued", "running", "finishing", "completed"]
    transcript.refresh_from_db()
    assert transcript.finished_at is not None


def test_a_source_of_unknown_length_is_as_long_as_what_was_heard(make_transcript: MakeTranscript) -> None:
    transcript = make_transcript(committed_samples=48_000)
    leases.settle(claim(), Outcome(State.COMPLETED))
    transcript.refresh_from_db()
    assert transcript.duration_samples == 48_000


def test_claiming_one_takes_that_one_only(make_transcript: MakeTranscript) -> None:
    make_transcript()
    wanted = make_transcript()
    taken = leases.claim_one(wanted.pk, "one", LEASE)
    assert taken is not None
    assert taken.transcript_id == wanted.pk
    assert leases.claim_one(wanted.pk, "two", LEASE) is None


@pytest.mark.django_db(transaction=True)
def test_every_row_is_won_once_by_four_racing_workers(make_transcript: MakeTranscript) -> None:
    wanted = {make_transcript().pk for _ in range(40)}

    def race(worker: str) -> list[Claim]:
        won = []
        try:
            while Transcript.objects.filter(state=State.QUEUED).exists():
                if (found := leases.claim_next(worker, LEASE)) is not None:
                    won.append(found)
                time.sleep(0)
        finally:
            connection.close()
        return won

    with ThreadPoolExecutor(4) as pool:
        won = [found for claims in pool.map(race, "abcd") for found in claims]
    assert len(won) == len(wanted)
    assert {found.transcript_id for found in won} == wanted
    assert {found.epoch for found in won} == {1}
    assert all(states(transcript) == ["queued", "running"] for transcript in Transcript.objects.all())
