"""Pausing and releasing transcripts that nobody works on. Synchronous; every step is a compare-and-set and an event."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from transcripts.jobs import wake
from transcripts.live.publish import ring_on_commit
from transcripts.media.selftest import UNSAFE
from transcripts.models import EventKind, State, Transcript, Worker, check_transition
from transcripts.models.log import Entry, Fenced, append

#: The reason of those that wait for disk space.
DISK_FULL = "disk_full"
#: The reason of those that wait for a worker whose decoder is in a sandbox that holds.
DECODER_UNSAFE = "decoder_unsafe"
#: A worker heard of within this time is alive.
_ALIVE = timedelta(seconds=30)


def step(row: Transcript, after: State, **reason: str) -> None:
    """Move a row that nobody holds to ``after``, unless somebody was faster."""
    check_transition(State(row.state), after)
    payload = {"state": after.value, **{key: text for key, text in reason.items() if text}}
    changes = {"state": after, "not_before": None, "attempts": 0, **dict.fromkeys(("code", "message", "next_step"), "")}
    when = {"state": row.state, "epoch": row.epoch}
    try:
        last = append(row.pk, [Entry(EventKind.STATE, payload)], when=when, changes=changes | reason)
    except Fenced:
        return
    ring_on_commit(row.pk, row.team_id, last)


def release(rows: Iterable[Transcript]) -> None:
    """Queue paused rows again; they go on after their last committed sample."""
    for row in rows:
        step(row, State.QUEUED)
        wake.wake_on_commit()


def pause_without_decoder() -> None:
    """Nothing can be decoded here: tell those who wait, unless another worker is alive that can take them."""
    able = Worker.objects.filter(heartbeat_at__gt=Now() - _ALIVE).exclude(holding_back=DECODER_UNSAFE)
    if able.exists():
        return
    for row in Transcript.objects.filter(state__in=[State.QUEUED, State.WAITING]):
        step(row, State.PAUSED, code=UNSAFE.code, message=UNSAFE.message, next_step=UNSAFE.next_step)


def release_those_without_decoder() -> None:
    """A worker that can decode is here: go on with what paused for one."""
    release(Transcript.objects.filter(state=State.PAUSED, code=DECODER_UNSAFE))


def release_those_without_disk() -> None:
    """There is space again: go on with what paused for it, each at the time that it said."""
    due = Q(not_before__isnull=True) | Q(not_before__lte=Now())
    release(Transcript.objects.filter(due, state=State.PAUSED, code=DISK_FULL))
