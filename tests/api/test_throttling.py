"""Buckets that all processes share: at most what the limit says, and an honest time to wait."""

from __future__ import annotations

from tests.api.conftest import Program, code_of
from transcripts import throttling
from transcripts.models import TokenBucket
from transcripts.throttling import Limit, take

ONE = Limit(rate=1.0, burst=8.0)


def granted(seconds: list[float], key: str = "k", limit: Limit = ONE) -> int:
    return sum(take(key, limit, now=second) == 0 for second in seconds)


def test_a_burst_and_then_the_rate(db):
    assert granted([1000.0] * 20) == 8
    assert granted([1004.0] * 20) == 4
    assert granted([5000.0] * 20) == 8


def test_two_processes_share_the_bucket(db):
    count = 0
    for _ in range(30):
        count += take("k", ONE, now=1000.0) == 0
        # The other process has taken no turns of its own yet.
        throttling.turns.clear()
    assert 0 < count <= 8


def test_the_wait_is_until_the_next_turn(db):
    granted([1000.0] * 8)
    assert 0 < take("k", Limit(0.5, 8.0), now=1000.0) <= 2.0


def test_keys_do_not_disturb_each_other(db):
    granted([1000.0] * 20)
    assert take("other", ONE, now=1000.0) == 0


def test_turns_that_were_taken_in_advance_cost_no_query(db, django_assert_num_queries):
    take("k", Limit(10, 100), now=1000.0)
    with django_assert_num_queries(0):
        assert granted([1000.0] * 5, limit=Limit(10, 100)) == 5


def test_old_buckets_are_forgotten(db):
    take("old", ONE, now=1000.0)
    take("new", ONE)
    assert throttling.sweep() == 1
    assert list(TokenBucket.objects.values_list("key", flat=True)) == ["new"]


def test_too_many_requests_of_a_token_are_told_when_to_come_back(alices, settings):
    settings.STTWEB_API_PER_MINUTE = 12
    answers = [alices.get("/whoami") for _ in range(4)]
    assert [answer.status_code for answer in answers][:2] == [200, 200]
    assert answers[-1].status_code == 429
    assert code_of(answers[-1]) == "too_many_requests"
    assert 1 <= int(answers[-1]["Retry-After"]) <= 5


def test_trying_tokens_soon_ends_for_an_address(db, settings):
    settings.STTWEB_API_ADDRESS_PER_MINUTE = 240
    answers = [Program(f"sttweb_{number}.x").get("/whoami").status_code for number in range(8)]
    assert answers[:3] == [401, 401, 401]
    assert answers[-1] == 429
