"""The processes that do the work, as they last reported themselves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Worker(models.Model):
    """One running worker; gone from the list when it stops cleanly, stale when its heartbeat is old."""

    name = models.CharField(primary_key=True, max_length=80)
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()
    capacity = models.PositiveIntegerField()
    running = models.PositiveIntegerField(default=0)
    #: Why it takes nothing new (``disk_low``, ``schema_newer``, …); empty: it takes what is due.
    holding_back = models.CharField(_("holds back"), max_length=60, blank=True, default="", db_default="")
    #: Breakers of this process that are not closed: host of the provider -> seconds until a connection may be tried.
    breakers = models.JSONField(_("resting providers"), null=True, blank=True)

    #: What its process counted since its start (jobs/counts.py): family -> label -> number.
    counts = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
