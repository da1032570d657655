"""The accounts at the hosted speech service, as far as they stop the work: a refused key, a spent quota."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
