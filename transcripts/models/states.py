"""The life of a transcript as one checked graph: which state may follow which, and what people are told.

Pure: no database. The graph is the specification of security_reliability.md part B2.
"""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class State(TextChoices):
    """Where a transcript is in its life."""

    #: Accepted, nobody works on it yet.
    QUEUED = "queued", _("Queued")
    #: A worker holds the lease and audio is flowing.
    RUNNING = "running", _("Running")
    #: A retryable failure; runs again by itself at ``not_before``.
    WAITING = "waiting", _("Waiting to retry")
    #: Needs a person (key, quota, storage); ``code`` says why.
    PAUSED = "paused", _("Paused")
    #: No more audio is taken; the last words are on their way.
    FINISHING = "finishing", _("Finishing")
    COMPLETED = "completed", _("Done")
    #: Done, but some audio could not be heard; the text shows where.
    COMPLETED_WITH_GAPS = "completed_with_gaps", _("Done, with gaps")
    #: Ended by an error; the text so far stays.
    FAILED = "failed", _("Failed")
    CANCELLING = "cancelling", _("Cancelling")
    CANCELLED = "cancelled", _("Cancelled")


#: Every allowed step. A state maps to the states that may follow it.
TRANSITIONS: dict[State, frozenset[State]] = {
    # Paused without a try: the account that it needs is refused, or the disk is full.
    State.QUEUED: frozenset({State.RUNNING, State.PAUSED, State.CANCELLED, State.FAILED}),
    State.RUNNING: frozenset(
        {
            State.FINISHING,
            State.COMPLETED,
            State.COMPLETED_WITH_GAPS,
            State.WAITING,
            State.PAUSED,
            State.FAILED,
            State.CANCELLING,
            State.CANCELLED,
            State.QUEUED,
        }
    ),
    State.FINISHING: frozenset(
        {
            State.COMPLETED,
            State.COMPLETED_WITH_GAPS,
            State.WAITING,
            State.PAUSED,
            State.FAILED,
            State.CANCELLING,
            State.CANCELLED,
            State.QUEUED,
        }
    ),
    State.WAITING: frozenset({State.QUEUED, State.RUNNING, State.PAUSED, State.CANCELLED, State.FAILED}),
    State.PAUSED: frozenset({State.QUEUED, State.CANCELLED, State.FAILED}),
    State.CANCELLING: frozenset({State.CANCELLED}),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
    State.COMPLETED: frozenset(),
    State.COMPLETED_WITH_GAPS: frozenset(),
}

#: Held by a worker under a lease.
ACTIVE = frozenset({State.RUNNING, State.FINISHING, State.CANCELLING})
#: Nothing happens any more unless a person asks.
FINAL = frozenset({State.COMPLETED, State.COMPLETED_WITH_GAPS, State.FAILED, State.CANCELLED})
#: A worker may claim these when ``not_before`` has passed.
CLAIMABLE = frozenset({State.QUEUED, State.WAITING})
#: Most urgent first, for the board.
BOARD_ORDER = [
    State.RUNNING,
    State.FINISHING,
    State.CANCELLING,
    State.PAUSED,
    State.FAILED,
    State.WAITING,
    State.QUEUED,
    State.COMPLETED_WITH_GAPS,
    State.COMPLETED,
    State.CANCELLED,
]


#: How one is called that a person paused: nothing is wrong with it.
RESTED = "rested"
#: Why one rests that a person paused: nothing but a person lets it go on.
BY_PERSON = {
    "code": "paused_by_person",
    "message": "Somebody paused it.",
    "next_step": "Resume it, and it goes on.",
}


class IllegalTransition(Exception):
    """A step that the graph does not allow was asked for; nothing was changed."""

    def __init__(self, before: State, after: State) -> None:
        super().__init__(f"A transcript cannot go from {before} to {after}.")
        self.before, self.after = before, after


def check_transition(before: State, after: State) -> None:
    """Raise IllegalTransition unless ``after`` may follow ``before``."""
    if after not in TRANSITIONS[before]:
        raise IllegalTransition(before, after)


def _check_graph() -> None:
    """The graph names every state, ends where FINAL says, and every state can be reached from QUEUED."""
    if set(TRANSITIONS) != set(State):
        raise AssertionError("TRANSITIONS must name every state")
    reached, frontier = set(), {State.QUEUED}
    while frontier:
        reached |= frontier
        frontier = {after for before in frontier for after in TRANSITIONS[before]} - reached
    if reached != set(State):
        raise AssertionError(f"unreachable states: {set(State) - reached}")


_check_graph()
