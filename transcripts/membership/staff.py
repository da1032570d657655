"""Memberships changed by those who operate the server, who need no place in the team: on record, under the lock of the
team, and never so that a team is left without an owner."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from django.contrib.auth.models import User
from django.db.models import Count, Q

from transcripts import auditing
from transcripts.membership import errors
from transcripts.membership.members import end, locked, member, require_other_owner, set_role
from transcripts.models import Act, Membership, Role, Team

#: What stands beside each entry: no member did it.
BY = "staff"


def add(team: Team, person: User, role: Role, actor: User) -> Membership:
    """Put somebody into a team, or give them the role when they are there."""
    with locked(team):
        place, made = Membership.objects.get_or_create(team=team, user=person, defaults={"role": role})
        if made:
            auditing.record(Act.JOINED, actor=actor, team=team, target=person, role=str(role), by=BY)
    if not made:
        change_role(place, role, actor)
    return place


def change_role(place: Membership, role: Role, actor: User) -> None:
    """Give a member another role. Raises Refused for a team's last owner."""
    with locked(place.team):
        found = member(place.team, place.user_id)
        if role != Role.OWNER:
            require_other_owner(found)
        set_role(found, role, actor, Act.ROLE_CHANGED, by=BY)


def remove(place: Membership, actor: User) -> None:
    """Take somebody out of their team. Raises Refused for its last owner."""
    with locked(place.team):
        found = member(place.team, place.user_id)
        require_other_owner(found)
        end(found, actor, Act.REMOVED, by=BY)


def orphaned(places: Iterable[int] = (), people: Collection[int] = ()) -> list[Team]:
    """The teams that would have no owner who can log in without these memberships and these people, by their ids."""
    going = Q(memberships__pk__in=list(places)) | Q(memberships__user_id__in=list(people))
    owners = Q(memberships__role=Role.OWNER)
    left = Count("memberships", filter=owners & Q(memberships__user__is_active=True) & ~going)
    losing = Team.objects.filter(owners & going).values("pk")
    return list(Team.objects.filter(pk__in=losing).annotate(owners_left=left).filter(owners_left=0))


def require_other_owners(people: Collection[User]) -> None:
    """Each team that one of them owns has another owner. Holds their teams to the transaction's end. Raises Refused."""
    numbers = [person.pk for person in people]
    # In one order, so that two who change something at once do not wait for each other.
    list(Team.objects.select_for_update(of=("self",)).filter(memberships__user_id__in=numbers).order_by("pk"))
    if orphaned(people=numbers):
        raise errors.last_owner()


def let_go(people: Collection[User], actor: User, name: Callable[[int], str]) -> None:
    """People are about to be erased: put it on record under the names that stand for them from then on.

    Call inside the transaction that erases them; it holds their teams. Raises Refused when a team would have no owner.
    """
    require_other_owners(people)
    numbers = [person.pk for person in people]
    for place in Membership.objects.filter(user_id__in=numbers).select_related("team"):
        stands = name(place.user_id)
        auditing.record(Act.REMOVED, actor=actor, team=place.team, target=stands, role=place.role, by=BY)
    for number in numbers:
        auditing.record(Act.ERASED_PERSON, actor=actor, target=name(number), by=BY)
