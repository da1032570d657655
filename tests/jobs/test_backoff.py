from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transcripts.jobs.backoff import CAP_SECONDS, delay


def test_the_wait_doubles_up_to_the_cap() -> None:
    longest = [delay(attempt, draw=lambda: 1.0) for attempt in range(1, 9)]
    assert longest == [2, 4, 8, 16, 32, 60, 60, 60]


def test_jitter_spreads_over_the_whole_range() -> None:
    assert delay(3, draw=lambda: 0.0) == 0
    assert delay(3, draw=lambda: 0.5) == 4


@given(st.integers(min_value=-5, max_value=10**9))
def test_no_number_of_failures_breaks_it(attempt: int) -> None:
    assert 0 <= delay(attempt) <= CAP_SECONDS
