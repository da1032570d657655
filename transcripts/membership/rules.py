"""Who may do what to whom in a team. Pure: roles in, a word out."""

from __future__ import annotations

from transcripts.access import RIGHTS, Right
from transcripts.models import Role


def may_give(giver: Role, role: Role) -> bool:
    """Whether somebody with the role ``giver`` may hand out ``role``: owners all, managers all but owner."""
    if Right.OWN in RIGHTS[giver]:
        return True
    return Right.MANAGE in RIGHTS[giver] and role is not Role.OWNER


def may_manage(actor: Role, target: Role) -> bool:
    """Whether ``actor`` may change or remove somebody whose role is ``target``."""
    return may_give(actor, target)


def givable(giver: Role) -> list[Role]:
    """The roles that somebody may hand out, the highest first."""
    return [role for role in Role if may_give(giver, role)]
