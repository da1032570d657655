"""Tokens by which programs ask in a person's name: bound to one team, kept by their hash, at an end by themselves."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team

#: Random bytes of the secret (256 bits), and of the public part by which a token is looked up.
SECRET_BYTES, PREFIX_BYTES = 32, 6
#: So a token begins, that scanners of code may know it.
MARK = "sttweb_"


def new_prefix() -> str:
    """The public part of a token: shown in lists, looked up by."""
    return MARK + secrets.token_hex(PREFIX_BYTES)


def new_secret() -> str:
    """The secret part, 43 characters. Shown once, kept by its hash only."""
    return secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """How a secret is kept. No salt and no stretching: 256 random bits are not found by trying."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Ways to ask for tokens."""

    def alive(self) -> ApiTokenQuerySet:
        """Neither expired nor taken back."""
        unended = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(unended, revoked_at=None)


class ApiToken(models.Model):
    """``prefix.secret``. It allows what its scopes and the person's present role in the team both allow."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.CASCADE, related_name="api_tokens")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=60)
    prefix = models.CharField(max_length=32, unique=True, default=new_prefix, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    #: Names of `access.Scope`.
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    #: To some minutes: it is not written at every request.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    @property
    def is_expired(self) -> bool:
        """Its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_alive(self) -> bool:
        """Neither expired nor taken back."""
        return self.revoked_at is None and not self.is_expired
