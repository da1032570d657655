"""Roles, removing, leaving, handing over: who may do what to whom, and a team never loses its last owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import close_old_connections, connection

from tests.conftest import async_db, member
from transcripts.membership import inviting, members, rules
from transcripts.membership.errors import Refused
from transcripts.models import Act, AuditEntry, Invitation, Membership, Role

#: Who may manage whom, as the product promises it: rows act, columns are acted on.
TABLE = """
          owner manager editor reviewer viewer
owner     x     x       x      x        x
manager   .     x       x      x        x
editor    .     .       .      .        .
reviewer  .     .       .      .        .
viewer    .     .       .      .        .
"""


def cells():
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return [
        (Role(actor), Role(target), mark == "x")
        for actor, *marks in rows
        for target, mark in zip(head, marks, strict=True)
    ]


def role_of(person) -> str | None:
    return Membership.objects.filter(user=person).values_list("role", flat=True).first()


@pytest.mark.parametrize(("actor", "target", "allowed"), cells())
def test_each_cell_of_who_manages_whom(team, alice, actor, target, allowed):
    acting, other = member("acting", team, actor), member("other", team, target)
    assert rules.may_manage(actor, target) == allowed
    if allowed:
        members.change_role(team, acting, other.pk, Role.VIEWER)
        assert role_of(other) == Role.VIEWER
        members.remove(team, acting, other.pk)
        assert role_of(other) is None
        return
    for act in (lambda: members.change_role(team, acting, other.pk, Role.VIEWER),
                lambda: members.remove(team, acting, other.pk)):  # fmt: skip
        with pytest.raises(Refused, match="role") as refused:
            act()
        assert refused.value.code == "role_not_enough"
    assert role_of(other) == target


@pytest.mark.parametrize(("actor", "role", "allowed"), cells())
def test_nobody_gives_more_than_they_may(team, alice, actor, role, allowed):
    acting, other = member("acting", team, actor), member("other", team, Role.VIEWER)
    if allowed:
        members.change_role(team, acting, other.pk, role)
        inviting.invite(team, acting, role, 1)
        assert role_of(other) == role
        return
    with pytest.raises(Refused):
        members.change_role(team, acting, other.pk, role)
    with pytest.raises(Refused):
        inviting.invite(team, acting, role, 1)
    assert role_of(other) == Role.VIEWER
    assert not Invitation.objects.exists()


def test_the_last_owner_stays_owner(team, alice, bob):
    for act in (
        lambda: members.leave(team, alice),
        lambda: members.remove(team, alice, alice.pk),
        lambda: members.change_role(team, alice, alice.pk, Role.MANAGER),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "last_owner"
    assert role_of(alice) == Role.OWNER
    members.change_role(team, alice, bob.pk, Role.OWNER)
    members.leave(team, alice)
    assert role_of(alice) is None


def test_handing_over_swaps_in_one(team, alice, bob):
    members.hand_over(team, alice, bob.pk)
    assert (role_of(alice), role_of(bob)) == (Role.MANAGER, Role.OWNER)
    with pytest.raises(Refused):
        members.hand_over(team, alice, bob.pk)
    with pytest.raises(Refused):
        members.hand_over(team, bob, bob.pk)


def test_a_member_of_another_team_cannot_be_touched(team, alice, charlie):
    for act in (members.remove, members.hand_over):
        with pytest.raises(Refused) as refused:
            act(team, alice, charlie.pk)
        assert refused.value.code == "no_member"
    assert role_of(charlie) == Role.OWNER


@async_db
def test_two_owners_who_leave_at_the_same_moment_do_not_both_leave(team, alice, bob):
    members.change_role(team, alice, bob.pk, Role.OWNER)
    together = Barrier(2)

    def leave(person):
        try:
            together.wait(30)
            members.leave(team, person)
        except Refused as refused:
            return refused.code
        finally:
            close_old_connections()
            connection.close()
        return "left"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(leave, [alice, bob]))
    assert said == ["last_owner", "left"]
    assert Membership.objects.filter(team=team, role=Role.OWNER).count() == 1


def test_every_change_is_on_record_without_the_token(team, alice, bob, victor):
    invitation, token = inviting.invite(team, alice, Role.VIEWER, 1, "dora@example.org")
    inviting.revoke(invitation, alice)
    members.change_role(team, alice, bob.pk, Role.REVIEWER)
    members.remove(team, alice, victor.pk)
    members.hand_over(team, alice, bob.pk)
    members.leave(team, alice)
    rows = AuditEntry.objects.order_by("id")
    assert [(row.act, row.actor, row.team_id) for row in rows] == [
        (act, "alice", team.pk)
        for act in (
            Act.INVITED,
            Act.INVITATION_REVOKED,
            Act.ROLE_CHANGED,
            Act.REMOVED,
            Act.OWNER_CHANGED,
            Act.OWNER_CHANGED,
            Act.LEFT,
        )
    ]
    assert rows[2].details == {"before": "editor", "after": "reviewer"}
    assert token not in str(list(rows.values()))


def test_what_somebody_invited_to_does_not_outlive_their_own_right(team, alice, bob):
    members.change_role(team, alice, bob.pk, Role.OWNER)
    tokens = {role: inviting.invite(team, bob, role, 1)[1] for role in (Role.OWNER, Role.EDITOR)}
    members.change_role(team, alice, bob.pk, Role.MANAGER)
    assert inviting.find(tokens[Role.EDITOR]).role == Role.EDITOR
    with pytest.raises(Refused):
        inviting.find(tokens[Role.OWNER])
    members.remove(team, alice, bob.pk)
    with pytest.raises(Refused):
        inviting.find(tokens[Role.EDITOR])


def test_teams_that_one_person_owns_are_bounded(alice, monkeypatch):
    monkeypatch.setattr(members, "MOST_OWNED", 2)
    members.create_team("Second", alice)
    with pytest.raises(Refused) as refused:
        members.create_team("Third", alice)
    assert refused.value.code == "too_many"
