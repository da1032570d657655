"""Small facts that all processes remember together for a while: what limits have counted, which codes were used."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Remembered(models.Model):
    """One fact. Read and written by `sharedcache.SharedCache` only."""

    #: SHA-256 of the name, which may hold somebody's address.
    key = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField(null=True)
    #: When it is forgotten, in seconds since 1970; null: never.
    expires_at = models.FloatField(null=True, db_index=True)

    class Meta:
        verbose_name = _("remembered fact")
        verbose_name_plural = _("remembered facts")

    def __str__(self) -> str:
        return self.key
