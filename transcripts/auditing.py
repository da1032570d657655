"""Writing the audit record: one call beside each sensitive act, in the same transaction.

Callers name the act; who and from where comes from the person and the request that is being answered.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model

from sttweb.visiting import current_address, current_program
from transcripts.models import Act, AuditEntry, Team

#: Longest texts of the columns.
_NAME, _TARGET = 150, 200


def record(
    act: Act,
    *,
    actor: User | AnonymousUser | str | None = None,
    team: Team | UUID | None = None,
    target: Model | str = "",
    outcome: str = "ok",
    **details: Any,
) -> AuditEntry:
    """Append one entry.

    ``actor`` is a person, or the name of what acted (``token:…``, a command); ``target`` a row or a name; ``details``
    are small JSON facts, never speech and never a secret. What a program does by the API has the name of its token
    under ``token``.
    """
    if program := current_program():
        details = {"token": program, **details}
    person = actor if isinstance(actor, User) else None
    row = target if isinstance(target, Model) else None
    return AuditEntry.objects.create(
        act=act,
        team_id=team.pk if isinstance(team, Team) else team,
        actor_id=person.pk if person is not None else None,
        actor=(person.get_username() if person is not None else str(actor or ""))[:_NAME],
        target_kind=row._meta.model_name or "" if row is not None else "",
        target_id=str(row.pk) if row is not None else "",
        target=str(target)[:_TARGET],
        address=current_address(),
        outcome=outcome[:30],
        details=details,
    )
