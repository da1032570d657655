"""A reached limit at work: queued hosted work of the team pauses, and goes on when the limit holds no more.

Synchronous; every step is a compare-and-set.
"""

from __future__ import annotations

from django.db.models import Q

from transcripts.auditing import record
from transcripts.jobs.pauses import release, step
from transcripts.limits import REACHED, reason, standing
from transcripts.models import CLAIMABLE, Act, Engine, State, TeamEngine, Transcript, UsageMonth, this_month


def holds(row: Transcript) -> bool:
    """Whether its team's limit stops it now; then it was paused for that reason."""
    if row.engine != Engine.ELEVENLABS or standing(row.team_id).level != "reached":
        return False
    _pause(row)
    return True


def _pause(row: Transcript) -> None:
    message, next_step = reason()
    step(row, State.PAUSED, code=REACHED, message=message, next_step=next_step)


def care() -> None:
    """Pause what waits behind a limit, release what paused for one that holds no more; called at every sweep."""
    waiting = Q(state__in=CLAIMABLE, team__engine_settings__limit__isnull=False)
    rows = Transcript.objects.filter(waiting | Q(state=State.PAUSED, code=REACHED), engine=Engine.ELEVENLABS)
    teams = list(rows.order_by().values_list("team_id", flat=True).distinct())
    for team_id in teams:
        own = rows.filter(team_id=team_id)
        if standing(team_id).level == "reached":
            for row in own.filter(state__in=CLAIMABLE):
                _pause(row)
        else:
            release(own.filter(state=State.PAUSED))
    _tell()


def _tell() -> None:
    """Say once a month that a limit is near, and once that it is reached: in the audit record."""
    used = UsageMonth.objects.filter(month=this_month(), engine=Engine.ELEVENLABS).values("team_id")
    for row in TeamEngine.objects.filter(limit__isnull=False, team_id__in=used):
        now = standing(row.team_id)
        told = f"{this_month():%Y-%m} {now.level}"
        if now.level and TeamEngine.objects.filter(pk=row.pk, told=row.told).exclude(told=told).update(told=told):
            act = Act.LIMIT_REACHED if now.level == "reached" else Act.LIMIT_NEAR
            record(act, actor="usage", team=row.team_id, percent=now.percent, limit=str(row.limit), unit=row.limit_unit)
