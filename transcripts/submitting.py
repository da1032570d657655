"""The one door of new transcripts: pages, feeds and the API ask here, so that all keep the same bounds.

Callers have been through `access.py` (Right.SUBMIT); nothing here asks for rights again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts import limits, services
from transcripts.models import SubmitKey, Team, Transcript
from transcripts.services import Submission

#: How long a key of a program is remembered, at least.
KEPT = timedelta(hours=24)


class KeyRefused(Exception):
    """A key that stands for something else. ``code``, ``message``, ``next_step``: for people."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.next_step = code, message, next_step


def submit_all(team: Team, person: User, submissions: Iterable[Submission]) -> list[Transcript]:
    """Queue all of them, or none. Raises services.TooMany, limits.LimitReached."""
    wanted = list(submissions)
    with transaction.atomic():
        # One after the other for each person, so that none passes the bound beside another.
        User.objects.select_for_update(no_key=True).filter(pk=person.pk).first()
        services.require_room(person, len(wanted))
        for engine in sorted({str(one.engine) for one in wanted}):
            limits.require(team.pk, engine)
        return [services.submit(team, person, one) for one in wanted]


def once(team: Team, person: User, key: str, request: bytes, make: Callable[[], Transcript]) -> tuple[Transcript, bool]:
    """What ``make`` makes, and whether it was made before: the same ``key`` of a person in a team makes one transcript,
    however often a program sends it. ``request`` is what was sent; without a key every request makes another one.

    Raises KeyRefused (``key_reused`` for another request, ``key_deleted``) and what ``make`` raises: then the key is
    free again.
    """
    if not key:
        return make(), False
    digest = hashlib.sha256(request).hexdigest()
    try:
        with transaction.atomic():
            # Whoever comes second waits here for the end of the first one's transaction.
            row = SubmitKey.objects.create(team=team, person=person, key=key, request=digest)
            row.transcript = make()
            row.save(update_fields=["transcript"])
            return row.transcript, False
    except IntegrityError:
        known = SubmitKey.objects.select_related("transcript__team").filter(team=team, person=person, key=key).first()
        if known is None:
            raise
    return _made_before(known, digest), True


def _made_before(row: SubmitKey, digest: str) -> Transcript:
    if row.request != digest:
        step = _("Send another Idempotency-Key for another request.")
        raise KeyRefused("key_reused", _("This Idempotency-Key was sent with another request before."), step)
    if row.transcript is None:
        step = _("Send another Idempotency-Key to make it again.")
        raise KeyRefused("key_deleted", _("What this Idempotency-Key made was deleted."), step)
    return row.transcript


def forget_keys() -> int:
    """Remove keys older than KEPT; how many."""
    return SubmitKey.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
