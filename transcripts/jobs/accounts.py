"""When a key is refused or a quota spent, the account stops, not each transcript by itself: no retries are burnt.

All transcripts of the account pause with the same reason. A spent quota is tried again by one of them every ten
minutes; a refused key by none until the key changes. Whoever presses *Retry* is the one that tries. The first answer
that comes lets all of them go on (security_reliability.md B5). Synchronous; every step is a compare-and-set.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from sttweb.env import secret
from transcripts.jobs.claims import Outcome
from transcripts.jobs.pauses import release, step
from transcripts.models import CLAIMABLE, Engine, Event, EventKind, ProviderAccount, State, Transcript
from transcripts.realtime.endpoint import Endpoint

logger = logging.getLogger(__name__)

#: A spent quota is tried again so often.
PROBE_SECONDS = 600.0
#: Pauses that belong to the account. Those of ``QUOTA`` are tried again by themselves.
QUOTA = frozenset({"quota_exceeded"})
KEY = frozenset({"auth_error", "unaccepted_terms", "no_api_key"})
_CODES = QUOTA | KEY


def current() -> Endpoint | None:
    """The hosted service with the key of this moment (a key file is read anew), or None without a key."""
    key = secret("ELEVENLABS_API_KEY") if os.environ.get("ELEVENLABS_API_KEY_FILE") else settings.ELEVENLABS_API_KEY
    return Endpoint(settings.ELEVENLABS_BASE_URL, key) if key else None


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
    _pause_waiting(row.get())


def host_of(endpoint: Endpoint) -> str:
    """The host of a base URL."""
    return urlsplit(endpoint.base_url).netloc.rpartition("@")[2][:200]


def works(endpoint: Endpoint) -> None:
    """The account gave an answer: everything that paused for it goes on."""
    blocked = ProviderAccount.objects.filter(fingerprint=fingerprint(endpoint)).exclude(code="")
    if blocked.update(code="", message="", next_step="", blocked_at=None, probe_at=None):
        logger.warning("work at %s goes on", host_of(endpoint))
        release(_paused(_CODES))


def care() -> None:
    """What time and a changed key ask for; called at every sweep of every worker."""
    endpoint = current()
    if endpoint is None:
        return
    row = ProviderAccount.objects.filter(fingerprint=fingerprint(endpoint)).exclude(code="").first()
    if row is None:
        release(_paused(_CODES))
        return
    _pause_waiting(row)
    due = ProviderAccount.objects.filter(pk=row.pk, code=row.code, probe_at__lte=Now())
    if due.update(probe_at=Now() + timedelta(seconds=PROBE_SECONDS)):
        release(_paused(QUOTA)[:1])


def _hosted(states: Iterable[State]) -> Q:
    return Q(engine=Engine.ELEVENLABS, state__in=list(states))


def _paused(codes: frozenset[str]) -> list[Transcript]:
    return list(Transcript.objects.filter(_hosted([State.PAUSED]), code__in=codes).order_by("created_at"))


def _pause_waiting(account: ProviderAccount) -> None:
    reason = {"code": account.code, "message": account.message, "next_step": account.next_step}
    for row in Transcript.objects.filter(_hosted(CLAIMABLE)):
        if not _was_paused(row.pk):
            step(row, State.PAUSED, **reason)


def _was_paused(transcript_id: UUID) -> bool:
    """Queued out of a pause, by a person or as our own try: that is the one that may find out."""
    told = Event.objects.filter(transcript_id=transcript_id, kind=EventKind.STATE).order_by("-seq")[:2]
    return len(told) == 2 and told[1].payload.get("state") == State.PAUSED
