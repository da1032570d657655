"""The accounts at the hosted speech service, as far as they stop the work: a refused key, a spent quota."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Engine
from transcripts.sealing import SealedField


class KeyManager(models.Manager["ProviderKey"]):
    """Reads rows without the key itself, which only the worker that uses it asks for."""

    def get_queryset(self) -> models.QuerySet[ProviderKey]:
        """All rows, the sealed column left out."""
        return super().get_queryset().defer("key")


class ProviderKey(models.Model):
    """A team's own account at the hosted speech service. Reading ``key`` asks the database for it, and raises
    ``sealing.Unreadable`` without the master key."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="provider_key")
    provider = models.CharField(_("provider"), max_length=12, choices=Engine, default=Engine.ELEVENLABS)
    key = SealedField(_("key"), editable=False)
    #: What people may see of it.
    last_four = models.CharField(_("last four characters"), max_length=4)
    #: Where it is good for: a region of the provider or a host of the team's own.
    base_url = models.CharField(_("host"), max_length=300)
    label = models.CharField(_("name"), max_length=60, blank=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    set_at = models.DateTimeField(_("set"))
    #: When the connection was tested last, and how each step went (``jobs.trial.Step.to_dict``).
    tested_at = models.DateTimeField(_("tested"), null=True, blank=True)
    test = models.JSONField(_("test"), default=list, blank=True)

    objects = KeyManager()

    class Meta:
        verbose_name = _("provider key")
        verbose_name_plural = _("provider keys")

    def __str__(self) -> str:
        return f"{self.label or self.get_provider_display()} …{self.last_four}"

    @property
    def works(self) -> bool:
        """The last test went well."""
        return bool(self.test) and all(step.get("state") == "ok" for step in self.test)


class ProviderAccount(models.Model):
    """One base URL with one key. Named by a fingerprint; the key itself is never stored."""

    fingerprint = models.CharField(primary_key=True, max_length=32)
    #: Host of the base URL, for people.
    host = models.CharField(_("host"), max_length=200, blank=True)
    #: Why no work of this account is begun (``auth_error``, ``quota_exceeded``, …); empty: it works.
    code = models.CharField(_("code"), max_length=60, blank=True)
    message = models.CharField(_("message"), max_length=500, blank=True)
    next_step = models.CharField(_("next step"), max_length=300, blank=True)
    blocked_at = models.DateTimeField(_("blocked since"), null=True, blank=True)
    #: When one transcript may try again by itself; empty: only with another key, or when a person asks.
    probe_at = models.DateTimeField(_("next try"), null=True, blank=True)

    class Meta:
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")
        ordering = ["host", "fingerprint"]

    def __str__(self) -> str:
        return f"{self.host} {self.code or 'ok'}"
