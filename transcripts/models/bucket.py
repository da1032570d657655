"""Token buckets that all processes share: how much somebody may still ask for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TokenBucket(models.Model):
    """What is left under a key. Changed by `throttling.take` only."""

    key = models.CharField(max_length=80, primary_key=True)
    level = models.FloatField()
    #: When ``level`` was right, in seconds since 1970.
    at = models.FloatField(db_index=True)

    class Meta:
        verbose_name = _("token bucket")
        verbose_name_plural = _("token buckets")

    def __str__(self) -> str:
        return f"{self.key}: {self.level:.1f}"
