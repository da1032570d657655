"""The life of a transcript, step by step."""

from __future__ import annotations

from itertools import product

import pytest

from transcripts.models.states import (
    ACTIVE,
    BOARD_ORDER,
    CLAIMABLE,
    FINAL,
    TRANSITIONS,
    IllegalTransition,
    State,
    check_transition,
)

#: The graph of security_reliability.md B2, written a second time by hand: before -> after.
ALLOWED = """
queued running · queued paused · queued cancelled · queued failed
running finishing · running completed · running completed_with_gaps · running waiting · running paused
running failed · running cancelling · running cancelled · running queued
finishing completed · finishing completed_with_gaps · finishing waiting · finishing paused
finishing failed · finishing cancelling · finishing cancelled · finishing queued
waiting queued · waiting running · waiting paused · waiting cancelled · waiting failed
paused queued · paused cancelled · paused failed
cancelling cancelled
failed queued
cancelled queued
"""
STEPS = {tuple(map(State, step.split())) for step in ALLOWED.replace("\n", " · ").split(" · ") if step.strip()}


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_exactly_the_written_steps_are_allowed(before, after):
    if (before, after) in STEPS:
        check_transition(before, after)
    else:
        with pytest.raises(IllegalTransition) as refused:
            check_transition(before, after)
        assert (refused.value.before, refused.value.after) == (before, after)


def test_what_is_done_stays_done():
    assert not TRANSITIONS[State.COMPLETED]
    assert not TRANSITIONS[State.COMPLETED_WITH_GAPS]


def test_every_unfinished_state_leads_to_an_end():
    for state in set(State) - FINAL:
        reached, frontier = set(), {state}
        while frontier:
            reached |= frontier
            frontier = {after for before in frontier for after in TRANSITIONS[before]} - reached
        assert reached & FINAL


def test_the_groups_of_states_do_not_overlap():
    assert not ACTIVE & FINAL
    assert not ACTIVE & CLAIMABLE
    assert not CLAIMABLE & FINAL
    assert ACTIVE | FINAL | CLAIMABLE | {State.PAUSED} == set(State)


def test_the_board_orders_every_state_once():
    assert sorted(BOARD_ORDER) == sorted(State)
