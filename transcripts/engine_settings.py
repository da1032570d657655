"""What owners and managers decide about a team's engines: its key, its defaults, its limit. Each is one transaction
with its entry in the audit record.

Callers have been through `access.py`; nothing here asks for rights again. A key goes in and never comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts.auditing import record
from transcripts.jobs import accounts, hosts
from transcripts.jobs.trial import Step
from transcripts.jobs.wake import wake_on_commit
from transcripts.models import Act, LimitUnit, ProviderKey, Team, TeamEngine
from transcripts.realtime.errors import ProviderError


def of(team: Team) -> TeamEngine:
    """The team's row, not yet stored when nobody has decided anything."""
    return TeamEngine.objects.filter(team=team).first() or TeamEngine(team=team)


def initial_of(team: Team) -> dict[str, Any]:
    """What the form of a new transcript begins with; only what the team has decided."""
    row = of(team)
    found = {"engine": row.engine, "language": row.language, "preset": row.preset, "keyterms": "\n".join(row.keyterms)}
    return {name: value for name, value in found.items() if value}


@transaction.atomic
def set_key(team: Team, person: User, *, key: str, base_url: str, label: str) -> ProviderKey:
    """Seal a new key of the team, in the place of the one before; what paused for that one goes on."""
    values = {
        "key": key, "last_four": key[-4:], "base_url": base_url, "label": label, "set_by": person,
        "set_at": timezone.now(), "tested_at": None, "test": [],
    }  # fmt: skip
    row, _made = ProviderKey.objects.update_or_create(team=team, defaults=values)
    accounts.forget(hosts.endpoint(base_url, key))
    record(Act.KEY_SET, actor=person, team=team, target=f"…{row.last_four}", host=hosts.shown(base_url))
    wake_on_commit()
    return row


@transaction.atomic
def remove_key(team: Team, person: User) -> None:
    """Forget the team's key; hosted work goes on with the operator's where that is shared."""
    row = ProviderKey.objects.filter(team=team).first()
    if row is None:
        return
    record(Act.KEY_REMOVED, actor=person, team=team, target=f"…{row.last_four}", host=hosts.shown(row.base_url))
    row.delete()
    wake_on_commit()


@transaction.atomic
def keep_test(team: Team, person: User, steps: Sequence[Step]) -> None:
    """Keep how a test of the connection went."""
    own = ProviderKey.objects.filter(team=team)
    own.update(tested_at=timezone.now(), test=[step.to_dict() for step in steps])
    failed = next((step for step in steps if step.state == "failed"), None)
    target = f"…{own[0].last_four}" if own else "shared key"
    record(Act.KEY_TESTED, actor=person, team=team, target=target, outcome=failed.name if failed else "ok")


@transaction.atomic
def set_defaults(team: Team, person: User, *, engine: str, language: str, preset: str, keyterms: Sequence[str]) -> None:
    """What new transcripts of the team begin with."""
    values = {"engine": engine, "language": language, "preset": preset, "keyterms": list(keyterms)}
    TeamEngine.objects.update_or_create(team=team, defaults=values)
    record(Act.TEAM_CHANGED, actor=person, team=team, target="engine defaults", terms=len(keyterms))


@transaction.atomic
def set_limit(team: Team, person: User, limit: Decimal | None, unit: LimitUnit) -> None:
    """How much the team may use of the hosted engine in a month; None: no bound. What paused for it goes on."""
    TeamEngine.objects.update_or_create(team=team, defaults={"limit": limit, "limit_unit": unit, "told": ""})
    amount = "" if limit is None else str(limit)
    record(Act.LIMIT_CHANGED, actor=person, team=team, limit=amount, unit=str(unit.value))
    wake_on_commit()


def host_in_use(team: Team) -> tuple[str, str]:
    """The host that hosted work of the team goes to, and why it goes nowhere (code), if so."""
    try:
        endpoint = accounts.of_team(team.pk)
    except ProviderError as error:
        return "", error.code
    return (accounts.host_of(endpoint), "") if endpoint else ("", "no_api_key")
