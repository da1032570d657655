"""What a team has used of the hosted engine in a calendar month, against the limit that it has set.

New hosted work is refused and queued work pauses once the limit is reached; what runs may finish. The month resets it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from transcripts.models import Engine, LimitUnit, TeamEngine, UsageMonth, this_month

#: The code of work that was refused or paused for a limit.
REACHED = "limit_reached"
#: From this share of the limit on people are warned, in percent.
NEAR_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Month:
    """Usage of one calendar month: hours of sound by engine, and what the hosted ones cost at today's price."""

    first: date
    hosted_hours: Decimal
    embedded_hours: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a team stands this month: ``used`` of ``limit`` (both in ``unit``; no limit: None), in percent."""

    used: Decimal
    limit: Decimal | None
    unit: str

    @property
    def percent(self) -> int:
        """Share of the limit that is used, at most 999."""
        if self.limit is None:
            return 0
        return 100 if not self.limit else min(999, int(self.used * 100 / self.limit))

    @property
    def level(self) -> str:
        """``reached``, ``near`` or nothing."""
        if self.limit is None:
            return ""
        return "reached" if self.percent >= 100 else "near" if self.percent >= NEAR_PERCENT else ""


class LimitReached(Exception):
    """The team has used what it may use of the hosted engine this month. ``message``, ``next_step``: for people."""

    code = REACHED

    def __init__(self) -> None:
        self.message, self.next_step = reason()
        super().__init__(self.message)


def reason() -> tuple[str, str]:
    """Sentence and next step of the limit."""
    return (
        _("The team's monthly limit for the hosted engine is reached."),
        _("Use the embedded engine, wait for the next month, or ask an owner to raise the limit."),
    )


def price() -> tuple[str, Decimal]:
    """Currency as written, and the price of an hour, from STTWEB_HOSTED_PRICE; a text without a number costs 0."""
    found = re.search(r"[0-9]+(?:[.,][0-9]+)?", settings.STTWEB_HOSTED_PRICE)
    if found is None:
        return "", Decimal(0)
    currency = settings.STTWEB_HOSTED_PRICE.replace(found[0], "").strip()
    return currency, Decimal(found[0].replace(",", "."))


def month_before(first: date) -> date:
    """The first day of the month before."""
    return (first - timedelta(days=1)).replace(day=1)


def month_of(team_id: UUID, first: date) -> Month:
    """What was used in the month that begins with ``first``."""
    rows = {row.engine: row.hours for row in UsageMonth.objects.filter(team_id=team_id, month=first)}
    hosted = rows.get(Engine.ELEVENLABS, Decimal(0))
    return Month(first, hosted, rows.get(Engine.EMBEDDED, Decimal(0)), hosted * price()[1])


def standing(team_id: UUID) -> Standing:
    """Where the team stands now."""
    row = TeamEngine.objects.filter(team_id=team_id).first()
    if row is None or row.limit is None:
        return Standing(Decimal(0), None, LimitUnit.HOURS)
    month = month_of(team_id, this_month())
    return Standing(month.cost if row.limit_unit == LimitUnit.MONEY else month.hosted_hours, row.limit, row.limit_unit)


def require(team_id: UUID, engine: str) -> None:
    """The team may begin work with this engine. Raises LimitReached."""
    if engine == Engine.ELEVENLABS and standing(team_id).level == "reached":
        raise LimitReached
