"""Who works on what: claim, renew, hand on, settle. Compare-and-set on the row, judged by the database's clock.

The same statements run on SQLite and PostgreSQL. Every step is also an event of the transcript's log, written by the
statement that takes the row (models/log.py), so a worker that was taken over changes nothing. All functions are
synchronous and may be called from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import LessThan

from transcripts.jobs import budget, wake
from transcripts.jobs.claims import Claim, Held, LeaseLost, Outcome
from transcripts.live.publish import ring_on_commit
from transcripts.models import (
    ACTIVE,
    CLAIMABLE,
    FINAL,
    Control,
    EventKind,
    State,
    Transcript,
    check_transition,
    count_usage,
)
from transcripts.models.log import Entry, Fenced, append
from transcripts.models.states import TRANSITIONS
from transcripts.titling import title_of_link

#: Takeovers in a row without any progress after which a job is taken for what kills the workers.
POISON_CLAIMS = 3
#: Rows looked at for one claim; others may win the first ones.
CANDIDATES = 16

_POISON = {
    "code": "poison",
    "message": "The work on this recording was broken off three times without getting any further.",
    "next_step": "Check that the recording plays elsewhere, then start it again.",
}
TAKEN_OVER = {
    "code": "taken_over",
    "message": "The worker stopped answering; another one goes on after the last committed word.",
}


def _after(seconds: float) -> Combinable:
    """The database's time ``seconds`` from now."""
    return ExpressionWrapper(Now() + timedelta(seconds=seconds), output_field=DateTimeField())


def _open_to_claims() -> Q:
    due = Q(state__in=CLAIMABLE) & (Q(not_before__isnull=True) | Q(not_before__lte=Now()))
    abandoned = Q(state__in=ACTIVE) & (Q(lease_until__isnull=True) | Q(lease_until__lt=Now()))
    return due | abandoned


def _candidates(exclude: Collection[UUID]) -> list[Transcript]:
    """Live sources first, then teams with the least running, then the oldest; no person has more than their share."""
    rows = Transcript.objects.filter(_open_to_claims()).exclude(pk__in=list(exclude))
    if most := settings.STTWEB_USER_SESSIONS:
        within = Q(state__in=ACTIVE) | Q(created_by__isnull=True) | Q(LessThan(_running_with("created_by"), most))
        rows = rows.filter(within)
    return list(rows.order_by("-is_live", _running_with("team"), "created_at")[:CANDIDATES])


def _running_with(field: str) -> Combinable:
    """How many are at work now that share ``field`` with the row."""
    busy = Transcript.objects.filter(state__in=ACTIVE, **{field: OuterRef(field)}).order_by().values(field)
    return Coalesce(Subquery(busy.annotate(number=Count("pk")).values("number"), output_field=IntegerField()), Value(0))


def claim_next(worker: str, lease_seconds: float, *, exclude: Collection[UUID] = ()) -> Claim | None:
    """Claim the most urgent transcript for ``worker``, or None when there is nothing to do.

    1. Ask for rows that are due, or whose holder let its lease pass; ``exclude`` names those already held here.
    2. Take the first one by compare-and-set; when another worker was faster, the next.
    3. What was cancelled meanwhile, or has killed its workers too often, is ended instead of taken.
    """
    for row in _candidates(exclude):
        claim = _take(row, worker, lease_seconds)
        if claim is not None:
            return claim
    return None


def claim_one(transcript_id: UUID, worker: str, lease_seconds: float) -> Claim | None:
    """Claim this transcript, or None when it is not open to claims."""
    row = Transcript.objects.filter(_open_to_claims(), pk=transcript_id).first()
    return None if row is None else _take(row, worker, lease_seconds)


def _take(row: Transcript, worker: str, lease_seconds: float) -> Claim | None:
    taken_at = time.monotonic()
    try:
        if row.state in ACTIVE and _ended_instead(row):
            return None
        if row.state in CLAIMABLE and budget.holds(row):
            return None
        return _claim(row, worker, lease_seconds, taken_at)
    except Fenced:
        return None


def _claim(row: Transcript, worker: str, lease_seconds: float, taken_at: float) -> Claim:
    takeover = row.state in ACTIVE
    if takeover:
        # Two steps of the graph at once: given back by the lease's end, taken again.
        check_transition(State(row.state), State.QUEUED)
    check_transition(State.QUEUED if takeover else State(row.state), State.RUNNING)
    epoch = row.epoch + 1
    changes = {
        "state": State.RUNNING,
        "epoch": epoch,
        "worker": worker,
        "lease_until": _after(lease_seconds),
        "not_before": None,
        "started_at": Coalesce("started_at", Now()),
        "crash_claims": row.crash_claims + 1 if takeover else row.crash_claims,
        **dict.fromkeys(("code", "message", "next_step"), ""),
    }
    details = TAKEN_OVER if takeover else {}
    _append(row.pk, row.team_id, State.RUNNING, details, when=_as_seen(row), changes=changes, epoch=epoch)
    return Claim(row.pk, row.team_id, epoch, worker, taken_at, row.engine)


def _ended_instead(row: Transcript) -> bool:
    """End an abandoned row that nobody should go on with. Raises Fenced when its holder is back."""
    if row.control == Control.CANCEL or row.state == State.CANCELLING:
        after, details = State.CANCELLED, dict[str, str]()
    elif row.crash_claims + 1 >= POISON_CLAIMS:
        after, details = State.FAILED, _POISON
    else:
        return False
    check_transition(State(row.state), after)
    changes = {"state": after, "epoch": row.epoch + 1, "finished_at": Now(), **_LET_GO, **details}
    _append(row.pk, row.team_id, after, details, when=_as_seen(row), changes=changes, epoch=row.epoch + 1)
    return True


#: A row that nobody holds.
_LET_GO: Mapping[str, Any] = {"worker": "", "lease_until": None}


def _as_seen(row: Transcript) -> dict[str, Any]:
    """Lookups that still match only if nothing of what decided the claim has changed."""
    seen: dict[str, Any] = {"epoch": row.epoch, "state": row.state}
    if row.state not in ACTIVE:
        return seen
    return seen | ({"lease_until__lt": Now()} if row.lease_until else {"lease_until__isnull": True})


def _append(
    transcript_id: UUID,
    team_id: UUID,
    state: State,
    details: Mapping[str, str | int],
    *,
    when: Mapping[str, Any],
    changes: Mapping[str, Any],
    epoch: int,
) -> None:
    """Log a state with the change that makes it true, and ring. Raises Fenced."""
    payload = {"state": state.value, **{key: text for key, text in details.items() if text}}
    entry = Entry(EventKind.STATE, payload)
    last = append(transcript_id, [entry], when=when, changes=changes, epoch=epoch)
    ring_on_commit(transcript_id, team_id, last)


def renew(worker: str, transcript_ids: Collection[UUID], lease_seconds: float) -> dict[UUID, Held]:
    """Renew the leases of all these rows that ``worker`` still holds, and read what was asked of them.

    Rows missing from the answer, or with another epoch than the claim's, are lost.
    """
    held = Transcript.objects.filter(pk__in=list(transcript_ids), worker=worker, state__in=ACTIVE)
    held.update(lease_until=_after(lease_seconds))
    return look(worker, transcript_ids)


def look(worker: str, transcript_ids: Collection[UUID]) -> dict[UUID, Held]:
    """Read the controls of the rows that ``worker`` holds, without renewing."""
    held = Transcript.objects.filter(pk__in=list(transcript_ids), worker=worker, state__in=ACTIVE)
    return {
        pk: Held(epoch, control, requests)
        for pk, epoch, control, requests in held.values_list("pk", "epoch", "control", "commit_requests")
    }


def finishing(claim: Claim, within_ms: int = 0) -> None:
    """No more audio is taken: RUNNING to FINISHING. A row that is there already stays. ``within_ms``: how soon the last
    words are there or asked for again. Raises LeaseLost."""
    when = {"epoch": claim.epoch, "worker": claim.worker, "state": State.RUNNING}
    changes = {"state": State.FINISHING}
    soon = {"within_ms": within_ms}
    try:
        _append(
            claim.transcript_id, claim.team_id, State.FINISHING, soon, when=when, changes=changes, epoch=claim.epoch
        )
    except Fenced as error:
        held = look(claim.worker, [claim.transcript_id]).get(claim.transcript_id)
        if held is None or held.epoch != claim.epoch:
            raise LeaseLost from error


def describe(claim: Claim, is_live: bool, duration_samples: int, sha256: str) -> None:
    """Keep what was learned when the source was opened (no known length: 0; no file: no hash), and that files are
    kept of it from now on. Raises LeaseLost."""
    held = Transcript.objects.filter(pk=claim.transcript_id, epoch=claim.epoch, worker=claim.worker, state__in=ACTIVE)
    changes: dict[str, Any] = {"is_live": is_live, "duration_samples": duration_samples, "is_kept": True}
    if not held.update(**changes, **({"media_sha256": sha256} if sha256 else {})):
        raise LeaseLost


def entitle(claim: Claim, title: str, published_at: datetime | None) -> None:
    """What a web page says of its recording: its title takes the place of the one that was made from the link, and of
    nothing that a person wrote; its date where none is known. Does nothing for a claim that was lost."""
    mine = {"epoch": claim.epoch, "worker": claim.worker}
    row = Transcript.objects.filter(pk=claim.transcript_id, **mine).first()
    if row is None:
        return
    if published_at is not None:
        Transcript.objects.filter(pk=row.pk, published_at=None, **mine).update(published_at=published_at)
    if not title or row.title != title_of_link(row.source_url)[:200]:
        return
    entry = Entry(EventKind.REVISE, {"title": title[:200]})
    with suppress(Fenced):
        when, changes = {**mine, "title": row.title}, {"title": title[:200]}
        last = append(row.pk, [entry], when=when, changes=changes, epoch=claim.epoch)
        ring_on_commit(row.pk, row.team_id, last)


def settle(claim: Claim, outcome: Outcome, billed: int = 0) -> None:
    """Let go of a transcript in its next state; QUEUED hands it to another worker. Raises LeaseLost.

    ``billed`` is samples sent to the provider that no event has told yet.
    """
    before = [state for state in ACTIVE if outcome.state in TRANSITIONS[state]]
    when = {"epoch": claim.epoch, "worker": claim.worker, "state__in": before}
    details = {"code": outcome.code, "message": outcome.message, "next_step": outcome.next_step}
    changes = {"state": outcome.state, **details, **_LET_GO, **_clock(outcome)}
    if billed:
        changes["billed_samples"] = F("billed_samples") + billed
    try:
        with transaction.atomic():
            _append(
                claim.transcript_id, claim.team_id, outcome.state, details, when=when, changes=changes,
                epoch=claim.epoch,
            )  # fmt: skip
            if billed:
                count_usage(claim.team_id, claim.engine, billed)
    except Fenced as error:
        raise LeaseLost from error
    if outcome.state == State.QUEUED:
        wake.wake_on_commit()


def _clock(outcome: Outcome) -> dict[str, Any]:
    """What the next state means for the row's times and counters."""
    if outcome.state in FINAL:
        return {"finished_at": Now(), "control": Control.NONE} | _length(outcome)
    if outcome.state == State.WAITING:
        return {"not_before": _after(outcome.retry_in), "attempts": F("attempts") + 1}
    return {"not_before": _after(outcome.retry_in)} if outcome.retry_in else {}


def _length(outcome: Outcome) -> dict[str, Any]:
    """A source that did not say how long it is has been heard to its end now."""
    if outcome.state not in {State.COMPLETED, State.COMPLETED_WITH_GAPS}:
        return {}
    return {
        "duration_samples": Case(When(duration_samples=0, then=F("committed_samples")), default=F("duration_samples"))
    }
