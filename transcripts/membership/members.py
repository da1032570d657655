"""Roles, leaving, removing, handing over, and new teams. Each is one transaction under the lock of its team, so that
a team has an owner at every moment, whatever several people do at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts import auditing
from transcripts.membership import errors, rules
from transcripts.models import Act, Invitation, Membership, Role, Team

#: Teams that one person may own.
MOST_OWNED = 50


@contextmanager
def locked(team: Team) -> Iterator[Team]:
    """A transaction in which nobody else changes who belongs to ``team``. Raises Refused when it is gone."""
    with transaction.atomic():
        found = Team.objects.select_for_update().filter(pk=team.pk).first()
        if found is None:
            raise errors.no_member()
        yield found


def member(team: Team, user_id: int) -> Membership:
    """Somebody's place in the team. Raises Refused."""
    found = Membership.objects.select_related("user").filter(team=team, user_id=user_id).first()
    if found is None:
        raise errors.no_member()
    return found


def _managed(team: Team, actor: User, user_id: int) -> Membership:
    """The place of somebody whom ``actor`` may manage. Raises Refused."""
    mine, theirs = member(team, actor.pk), member(team, user_id)
    if not rules.may_manage(Role(mine.role), Role(theirs.role)):
        raise errors.not_allowed()
    return theirs


def require_other_owner(place: Membership) -> None:
    """Somebody else who can log in owns the team, or this was no owner. Raises Refused."""
    owners = Membership.objects.filter(team_id=place.team_id, role=Role.OWNER, user__is_active=True)
    if place.role == Role.OWNER and not owners.exclude(pk=place.pk).exists():
        raise errors.last_owner()


def create_team(name: str, owner: User) -> Team:
    """A new team with its owner. Raises Refused when the person owns as many as one may."""
    with transaction.atomic():
        if Membership.objects.filter(user=owner, role=Role.OWNER).count() >= MOST_OWNED:
            raise errors.too_many(MOST_OWNED)
        team = Team.objects.create(name=name)
        Membership.objects.create(team=team, user=owner, role=Role.OWNER)
        auditing.record(Act.TEAM_CREATED, actor=owner, team=team, target=team)
    return team


def rename_team(team: Team, name: str, actor: User) -> None:
    """Another name for the team."""
    with locked(team) as found:
        before, found.name = found.name, name
        found.save(update_fields=["name"])
        auditing.record(Act.TEAM_CHANGED, actor=actor, team=team, target=found, before=before)


def change_role(team: Team, actor: User, user_id: int, role: Role) -> None:
    """Give a member another role. Raises Refused."""
    with locked(team):
        place = _managed(team, actor, user_id)
        if not rules.may_give(Role(member(team, actor.pk).role), role):
            raise errors.not_allowed()
        if role != Role.OWNER:
            require_other_owner(place)
        set_role(place, role, actor, Act.ROLE_CHANGED)


def set_role(place: Membership, role: Role, actor: User, act: Act, **details: str) -> None:
    """Inside the lock: another role, on record."""
    before = place.role
    if before == role:
        return
    place.role = role
    place.save(update_fields=["role"])
    _take_back_invitations(place, rules.givable(role))
    auditing.record(act, actor=actor, team=place.team_id, target=place.user, before=before, after=str(role), **details)


def remove(team: Team, actor: User, user_id: int) -> User:
    """Take a member out of the team; return who it was. Raises Refused."""
    with locked(team):
        place = _managed(team, actor, user_id)
        require_other_owner(place)
        end(place, actor, Act.REMOVED)
    return place.user


def leave(team: Team, person: User) -> None:
    """Leave the team. Raises Refused for its last owner."""
    with locked(team):
        place = member(team, person.pk)
        require_other_owner(place)
        end(place, person, Act.LEFT)


def end(place: Membership, actor: User, act: Act, **details: str) -> None:
    """Inside the lock: no member any more, on record."""
    auditing.record(act, actor=actor, team=place.team_id, target=place.user, role=place.role, **details)
    _take_back_invitations(place, [])
    place.delete()


def _take_back_invitations(place: Membership, still: list[Role]) -> None:
    """What somebody invited to beyond their role of now must not outlive it."""
    mine = Invitation.objects.open().filter(team_id=place.team_id, created_by_id=place.user_id)
    mine.exclude(role__in=still).update(revoked_at=timezone.now())


def hand_over(team: Team, actor: User, user_id: int) -> User:
    """Make a member owner and step back to manager, in one; return the new owner. Raises Refused."""
    with locked(team):
        mine, theirs = member(team, actor.pk), member(team, user_id)
        if mine.role != Role.OWNER or theirs.pk == mine.pk:
            raise errors.not_allowed()
        set_role(theirs, Role.OWNER, actor, Act.OWNER_CHANGED)
        set_role(mine, Role.MANAGER, actor, Act.OWNER_CHANGED)
    return theirs.user


def join_by_domain(team_id: UUID, person: User) -> None:
    """Into a team as a viewer, as the operator has set it up for a domain; nothing when there is no such team."""
    team = Team.objects.filter(pk=team_id).first()
    if team is None:
        return
    with locked(team):
        _, made = Membership.objects.get_or_create(team=team, user=person, defaults={"role": Role.VIEWER})
        if made:
            auditing.record(Act.JOINED, actor=person, team=team, target=person, role="viewer", by="domain")
