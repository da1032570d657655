"""A public link to the live captions of one transcript: whoever has it reads along, late by a delay, until it ends."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript

#: Random bytes of a token (192 bits): nobody finds one by trying.
TOKEN_BYTES = 24


def new_token() -> str:
    """A token for an address; 32 characters. Shown once, kept by its hash only."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """How a token is kept. No salt: it is random already, and it must be found by what it is."""
    return hashlib.sha256(token.encode()).hexdigest()


class CaptionLinkQuerySet(models.QuerySet["CaptionLink"]):
    """Ways to ask for links."""

    def alive(self) -> CaptionLinkQuerySet:
        """Neither expired nor taken back."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class CaptionLink(models.Model):
    """One link. Ends by itself at ``expires_at``, or when a person takes it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="caption_links")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    #: Text leaves this server so long after it was recognised.
    delay_seconds = models.PositiveSmallIntegerField(_("delay in seconds"), default=0)
    #: Made by Django's hasher; empty: the link alone is enough.
    password = models.CharField(_("password"), max_length=128, blank=True, default="", db_default="", editable=False)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = CaptionLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("caption link")
        verbose_name_plural = _("caption links")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.transcript_id} {self.created_at:%Y-%m-%d %H:%M}"
