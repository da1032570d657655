"""What a worker holds: the proof of a claim, what it was asked meanwhile, and how it left."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from transcripts.models.states import State
from transcripts.models.transcript import Engine


class LeaseLost(Exception):
    """Another worker holds the transcript now, or it was deleted: stop at once and write nothing more."""


class Outdated(Exception):
    """The tables are not those of this program any more: a worker of the program that they belong to must go on."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write to one transcript, until another claim raises the epoch.

    ``taken_at`` is this process's monotonic clock in seconds, read before the claim was made: the lease is at least
    that old.
    """

    transcript_id: UUID
    team_id: UUID
    epoch: int
    worker: str
    taken_at: float
    #: Who transcribes it, for the count of what is used.
    engine: str = Engine.EMBEDDED


@dataclass(frozen=True, slots=True)
class Held:
    """What the row of a held transcript says now: whose it is, and what people asked of its session."""

    epoch: int
    control: str
    commit_requests: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session left its transcript: the next state, and for people why and what to do.

    ``retry_in`` is seconds until it may be claimed again (WAITING only).
    """

    state: State
    code: str = ""
    message: str = ""
    next_step: str = ""
    retry_in: float = 0.0
