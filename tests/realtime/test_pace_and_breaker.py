from __future__ import annotations

import itertools

import pytest

from transcripts.realtime.breaker import Breaker
from transcripts.realtime.pace import Pace

SECOND = 16_000


def send_for(pace: Pace, seconds: float, frame: int = 1600) -> float:
    """Seconds of audio that leave in so many seconds of time."""
    now = sent = 0.0
    while now < seconds:
        if wait := pace.wait(frame, now):
            now += wait
            continue
        pace.spend(frame, now)
        sent += frame / SECOND
    return sent


@pytest.mark.parametrize("multiple", [1.0, 4.0])
def test_audio_leaves_at_the_pace_that_was_set(multiple):
    assert send_for(Pace(multiple, 0.5), 60) == pytest.approx(60 * multiple, rel=0.02)


def test_no_pace_means_no_waiting():
    assert Pace(None, 0.5).wait(10 * SECOND, 0.0) == 0.0


def test_a_quiet_source_does_not_save_up_credit():
    pace = Pace(1.0, 0.5)
    pace.wait(SECOND, 0.0)
    pace.spend(SECOND // 2, 0.0)
    assert pace.wait(SECOND, 1000.0) == 0.0
    pace.spend(SECOND, 1000.0)
    assert pace.wait(SECOND // 2, 1000.0) == pytest.approx(1.0, abs=0.01)


def test_slowing_down_is_to_real_time_and_once():
    pace = Pace(None, 0.5)
    assert pace.slow_to_real_time()
    assert not pace.slow_to_real_time()
    assert send_for(pace, 20) <= 20.5
    slow = Pace(0.5, 0.5)
    assert not slow.slow_to_real_time()
    assert slow.multiple == 0.5


def test_five_failures_in_a_minute_open_the_breaker():
    breaker = Breaker()
    for second in range(4):
        breaker.failed(float(second))
    assert breaker.state == "closed"
    breaker.failed(4.0)
    assert breaker.state == "open"
    assert breaker.wait(5.0) == pytest.approx(29.0)


def test_failures_far_apart_do_not():
    breaker = Breaker()
    for second in range(0, 600, 20):
        breaker.failed(float(second))
    assert breaker.state == "closed"


def test_three_sessions_that_end_at_once_do():
    breaker = Breaker()
    breaker.failed(0.0, 0.1, session=True)
    breaker.failed(100.0, 0.1, session=True)
    assert breaker.wait(100.0) == 0.0
    breaker.failed(200.0, 0.1, session=True)
    assert breaker.wait(200.0) > 0


def test_a_long_session_between_them_breaks_the_row():
    breaker = Breaker()
    for lasted in (0.1, 0.1, 30.0, 0.1, 0.1):
        breaker.failed(lasted * 1000, lasted, session=True)
    assert breaker.state == "closed"


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(0.0)
    return breaker


def test_half_open_lets_one_through():
    breaker = opened()
    assert breaker.wait(30.0) == 0.0
    assert breaker.wait(30.1) > 0.0
    assert breaker.remaining(30.1) == 0.0


def test_the_probes_fate_decides():
    breaker = opened()
    breaker.wait(30.0)
    breaker.succeeded()
    assert breaker.wait(31.0) == 0.0
    breaker = opened()
    breaker.wait(30.0)
    breaker.failed(31.0)
    assert breaker.wait(32.0) == pytest.approx(59.0)


def test_a_prober_that_never_comes_back_does_not_lock_the_others_out():
    breaker = opened()
    breaker.wait(30.0)
    assert breaker.wait(61.0) == 0.0


def test_a_service_that_accepts_and_drops_sees_few_connections():
    breaker, now, tries = Breaker(), 0.0, []
    while now < 600:
        if wait := breaker.wait(now):
            now += wait
            continue
        tries.append(now)
        now += 0.05
        breaker.failed(now, 0.05, session=True)
    for start in range(0, 540, 10):
        assert sum(start <= at < start + 60 for at in tries) <= 4
    assert max(later - earlier for earlier, later in itertools.pairwise(tries)) <= 61
