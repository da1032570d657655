"""Tokens of programs: made and shown once, found by what a request carries, taken back.

Callers have been through `access.py` for the team; `find` is the door of the API, and what it lets in has no more
rights than `access.holder` says.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts import auditing
from transcripts.access import Holder, Scope, holder
from transcripts.models import Act, ApiToken, Team
from transcripts.models.apitoken import new_secret, secret_hash

#: Most live tokens of one person in a team, longest life in days, and longest header that is looked at.
MOST_TOKENS, LONGEST_DAYS, TOKEN_CHARS = 50, 3650, 200
#: How exact ``last_used_at`` is.
USED_MINUTES = 5
#: Compared with when there is no such token, so that the answer takes as long.
_NOBODY = secret_hash("")


class TokenRefused(Exception):
    """A token that does not open anything, or cannot be made: ``code``, a sentence and the next step."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.next_step = code, message, next_step


@transaction.atomic
def make(team: Team, person: User, name: str, scopes: Collection[Scope], days: int | None) -> tuple[ApiToken, str]:
    """A token and its whole text, which nobody can ask for again. ``days`` None: until it is revoked.

    Raises TokenRefused (``too_many_tokens``, ``no_scope``).
    """
    if not scopes:
        raise TokenRefused("no_scope", _("A token without a scope allows nothing."), _("Choose at least one."))
    User.objects.select_for_update(no_key=True).filter(pk=person.pk).first()
    if ApiToken.objects.alive().filter(team=team, person=person).count() >= MOST_TOKENS:
        message = _("You have %(count)s tokens in this team, the most there can be.") % {"count": MOST_TOKENS}
        raise TokenRefused("too_many_tokens", message, _("Revoke one that is not used any more."))
    secret = new_secret()
    token = ApiToken.objects.create(
        team=team,
        person=person,
        name=" ".join(name.split())[:60],
        secret_hash=secret_hash(secret),
        scopes=sorted(scope.value for scope in scopes),
        expires_at=None if days is None else timezone.now() + timedelta(days=min(days, LONGEST_DAYS)),
    )
    auditing.record(Act.TOKEN_MADE, actor=person, team=team, target=token, scopes=token.scopes, days=days)
    return token, f"{token.prefix}.{secret}"


@transaction.atomic
def revoke(token: ApiToken, person: User) -> bool:
    """End a token now; whether it was still alive. What it listens to ends within seconds."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return False
    auditing.record(Act.TOKEN_REVOKED, actor=person, team=token.team_id, target=token)
    return True


def find(text: str) -> Holder:
    """Who asks by the token ``text``. Raises TokenRefused: ``bad_token``, ``token_revoked``, ``token_expired`` or
    ``token_without_member``. Blocks on the database.
    """
    token = _genuine(text)
    if token is None:
        raise _unknown()
    return _alive(token)


def again(token: ApiToken) -> Holder:
    """Who holds a token that was found before, as things are now. Raises as `find`. Blocks on the database."""
    now = ApiToken.objects.select_related("person", "team").filter(pk=token.pk).first()
    if now is None:
        raise _unknown()
    return _alive(now)


def _unknown() -> TokenRefused:
    message = _("This token is not known.")
    return TokenRefused("bad_token", message, _("Copy it anew, or make another one in the team's settings."))


def _alive(token: ApiToken) -> Holder:
    if token.revoked_at is not None:
        raise TokenRefused("token_revoked", _("This token was revoked."), _("Make another one."))
    if token.is_expired:
        raise TokenRefused("token_expired", _("This token has expired."), _("Make another one."))
    held = holder(token)
    if held is None:
        message = _("The person who made this token is not in the team any more.")
        raise TokenRefused("token_without_member", message, _("Somebody in the team can make another one."))
    return held


def note_use(token: ApiToken) -> None:
    """Remember that it was used, to some minutes."""
    now = timezone.now()
    before = now - timedelta(minutes=USED_MINUTES)
    if token.last_used_at is None or token.last_used_at < before:
        rows = ApiToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=before), pk=token.pk)
        rows.update(last_used_at=now)


def _genuine(text: str) -> ApiToken | None:
    """The token whose secret was sent, dead or alive."""
    if len(text) > TOKEN_CHARS or not text.isascii() or "\x00" in text:
        return None
    prefix, _dot, secret = text.partition(".")
    token = ApiToken.objects.select_related("person", "team").filter(prefix=prefix).first()
    same = hmac.compare_digest(secret_hash(secret), token.secret_hash if token is not None else _NOBODY)
    return token if token is not None and same else None
