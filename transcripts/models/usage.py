"""What a team has used of the engines, what it may use, and what its new transcripts begin with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Engine


class LimitUnit(models.TextChoices):
    """What a monthly limit is counted in."""

    HOURS = "hours", _("hours of sound")
    MONEY = "money", _("money")


class TeamEngine(models.Model):
    """How a team works with the engines: what new transcripts begin with, and how much it may use in a month."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="engine_settings")
    #: Empty: as the operator set it.
    engine = models.CharField(_("engine"), max_length=12, choices=Engine, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)
    preset = models.CharField(_("preset"), max_length=20, blank=True)
    #: Terms to expect; what ``SessionOptions.keyterms`` takes.
    keyterms = models.JSONField(_("vocabulary"), default=list, blank=True)
    #: Most that may be used of the hosted engine in a calendar month; empty: no bound.
    limit = models.DecimalField(_("monthly limit"), max_digits=9, decimal_places=2, null=True, blank=True)
    limit_unit = models.CharField(_("counted in"), max_length=5, choices=LimitUnit, default=LimitUnit.HOURS)
    #: What was last said about the limit, so that it is said once: month and level.
    told = models.CharField(max_length=20, blank=True, editable=False)

    class Meta:
        verbose_name = _("engine settings")
        verbose_name_plural = _("engine settings")

    def __str__(self) -> str:
        return str(self.team)


def this_month() -> date:
    """The first day of the calendar month, in the installation's time zone."""
    return timezone.localdate().replace(day=1)


class UsageMonth(models.Model):
    """Sound that a team sent to an engine in a calendar month; it stays when the transcripts are erased."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="usage")
    #: The first day.
    month = models.DateField(_("month"))
    engine = models.CharField(_("engine"), max_length=12, choices=Engine)
    #: At 16 kHz, silence and replays included: what the provider bills.
    samples = models.BigIntegerField(_("samples"), default=0)

    class Meta:
        verbose_name = _("usage of a month")
        verbose_name_plural = _("usage by month")
        constraints = [models.UniqueConstraint(fields=["team", "month", "engine"], name="one_usage_per_month")]

    def __str__(self) -> str:
        return f"{self.team_id} {self.month:%Y-%m} {self.engine}"

    @property
    def hours(self) -> Decimal:
        """Hours of sound."""
        return Decimal(self.samples) / (16_000 * 3600)


def count_usage(team_id: UUID, engine: str, samples: int) -> None:
    """Add ``samples`` to this month's usage. In the transaction that makes them true."""
    rows = UsageMonth.objects.filter(team_id=team_id, month=this_month(), engine=engine)
    if rows.update(samples=F("samples") + samples):
        return
    UsageMonth.objects.get_or_create(team_id=team_id, month=this_month(), engine=engine)
    rows.update(samples=F("samples") + samples)
