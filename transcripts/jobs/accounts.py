"""When a key is refused or a quota spent, the account stops, not each transcript by itself: no retries are burnt.

Each team works with its own key, or with the operator's where it has none. All transcripts of the account pause with
the same reason. A spent quota is tried again by one of them every ten minutes; a refused key by none until the key
changes. Whoever presses *Retry* is the one that tries. The first answer that comes lets all of them go on
(security_reliability.md B5). Synchronous; every step is a compare-and-set.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from sttweb.env import secret
from transcripts.jobs import hosts
from transcripts.jobs.claims import Outcome
from transcripts.jobs.pauses import release, step
from transcripts.models import CLAIMABLE, Engine, Event, EventKind, ProviderAccount, ProviderKey, State, Transcript
from transcripts.realtime.endpoint import Endpoint
from transcripts.realtime.errors import ErrorClass, ProviderError
from transcripts.sealing import Unreadable

logger = logging.getLogger(__name__)

#: A spent quota is tried again so often.
PROBE_SECONDS = 600.0
#: Pauses that belong to the account. Those of ``QUOTA`` are tried again by themselves.
QUOTA = frozenset({"quota_exceeded"})
KEY = frozenset({"auth_error", "unaccepted_terms", "no_api_key", "key_unreadable", hosts.BLOCKED})
_CODES = QUOTA | KEY


def current() -> Endpoint | None:
    """The hosted service with the operator's key of this moment (a key file is read anew), or None without a key."""
    key = secret("ELEVENLABS_API_KEY") if os.environ.get("ELEVENLABS_API_KEY_FILE") else settings.ELEVENLABS_API_KEY
    return Endpoint(settings.ELEVENLABS_BASE_URL, key) if key else None


def shared() -> Endpoint | None:
    """The operator's account, where teams without a key of their own may use it."""
    return current() if settings.STTWEB_SHARED_KEY else None


def of_team(team_id: UUID) -> Endpoint | None:
    """The account that a team works with: its own, else the operator's, else None.

    Raises ProviderError (``key_unreadable``) when its key was sealed with a master key that is not here.
    """
    own = ProviderKey.objects.filter(team_id=team_id).first()
    if own is None:
        return shared()
    try:
        return hosts.endpoint(own.base_url, own.key)
    except Unreadable:
        raise ProviderError(
            "key_unreadable",
            ErrorClass.FATAL_KEY,
            "The team's key for the hosted service cannot be read with the master key of this installation.",
            next_step="Ask an owner to enter the key again in the team's settings; it then goes on by itself.",
        ) from None


def is_ready(team_id: UUID) -> bool:
    """A team can use the hosted service: it has a key, or may use the operator's."""
    shared_key = settings.STTWEB_SHARED_KEY and bool(settings.ELEVENLABS_API_KEY)
    return shared_key or ProviderKey.objects.filter(team_id=team_id).exists()


def fingerprint(endpoint: Endpoint) -> str:
    """Names an account without telling its key."""
    return hashlib.sha256("\n".join(endpoint.account).encode()).hexdigest()[:32]


def block(endpoint: Endpoint, outcome: Outcome) -> None:
    """The account was refused with ``outcome``: remember it and pause what waits for it."""
    reason = {"code": outcome.code, "message": outcome.message, "next_step": outcome.next_step}
    probe = Now() + timedelta(seconds=PROBE_SECONDS) if outcome.code in QUOTA else None
    name = fingerprint(endpoint)
    ProviderAccount.objects.get_or_create(fingerprint=name, defaults={"host": host_of(endpoint)})
    row = ProviderAccount.objects.filter(fingerprint=name)
    if row.exclude(code=outcome.code).update(**reason, blocked_at=Now(), probe_at=probe):
        logger.error("work at %s stops: %s %s", host_of(endpoint), outcome.message, outcome.next_step)
    else:
        row.update(probe_at=probe)
    _pause_waiting(row.get(), _using(name, CLAIMABLE))


def forget(endpoint: Endpoint) -> None:
    """Somebody entered this account anew: what was known of it is no longer held against it."""
    ProviderAccount.objects.filter(fingerprint=fingerprint(endpoint)).delete()


def host_of(endpoint: Endpoint) -> str:
    """The host of a base URL."""
    return urlsplit(endpoint.base_url).netloc.rpartition("@")[2][:200]


def works(endpoint: Endpoint) -> None:
    """The account gave an answer: everything that paused for it goes on."""
    name = fingerprint(endpoint)
    blocked = ProviderAccount.objects.filter(fingerprint=name).exclude(code="")
    if blocked.update(code="", message="", next_step="", blocked_at=None, probe_at=None):
        logger.warning("work at %s goes on", host_of(endpoint))
        release(_paused(_CODES, _using(name, [State.PAUSED])))


def care() -> None:
    """What time and a changed key ask for; called at every sweep of every worker."""
    blocked = {row.fingerprint: row for row in ProviderAccount.objects.exclude(code="")}
    teams = _teams(Q(state=State.PAUSED, code__in=_CODES) | (Q(state__in=CLAIMABLE) if blocked else Q(pk=None)))
    names = {team: name for team in teams if (name := _account_of(team)) is not None}
    free = [team for team, name in names.items() if name not in blocked]
    if free:
        release(_paused(_CODES, free))
    for name in set(names.values()) & blocked.keys():
        _care_for(blocked[name], [team for team, of in names.items() if of == name])


def _care_for(row: ProviderAccount, teams: Sequence[UUID]) -> None:
    _pause_waiting(row, teams)
    due = ProviderAccount.objects.filter(pk=row.pk, code=row.code, probe_at__lte=Now())
    if due.update(probe_at=Now() + timedelta(seconds=PROBE_SECONDS)):
        release(_paused(QUOTA, teams)[:1])


def _account_of(team_id: UUID) -> str | None:
    """The name of the account that a team works with, or None when it has none that can be used."""
    try:
        endpoint = of_team(team_id)
    except ProviderError:
        return None
    return None if endpoint is None else fingerprint(endpoint)


def _using(name: str, states: Iterable[State]) -> list[UUID]:
    """The teams with hosted work in ``states`` that work with this account."""
    return [team for team in _teams(Q(state__in=list(states))) if _account_of(team) == name]


def _teams(which: Q) -> list[UUID]:
    rows = Transcript.objects.filter(which, engine=Engine.ELEVENLABS).order_by()
    return list(rows.values_list("team_id", flat=True).distinct())


def _hosted(teams: Sequence[UUID], states: Iterable[State]) -> Q:
    return Q(engine=Engine.ELEVENLABS, state__in=list(states), team_id__in=list(teams))


def _paused(codes: frozenset[str], teams: Sequence[UUID]) -> list[Transcript]:
    rows = Transcript.objects.filter(_hosted(teams, [State.PAUSED]), code__in=codes)
    return list(rows.order_by("created_at"))


def _pause_waiting(account: ProviderAccount, teams: Sequence[UUID]) -> None:
    reason = {"code": account.code, "message": account.message, "next_step": account.next_step}
    for row in Transcript.objects.filter(_hosted(teams, CLAIMABLE)):
        if not _was_paused(row.pk):
            step(row, State.PAUSED, **reason)


def _was_paused(transcript_id: UUID) -> bool:
    """Queued out of a pause, by a person or as our own try: that is the one that may find out."""
    told = Event.objects.filter(transcript_id=transcript_id, kind=EventKind.STATE).order_by("-seq")[:2]
    return len(told) == 2 and told[1].payload.get("state") == State.PAUSED
