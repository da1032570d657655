"""Teams and people in the admin: a team always has an owner, whichever way somebody goes about it; all on record."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.conftest import member
from transcripts.membership import members, staff
from transcripts.membership.errors import Refused
from transcripts.models import Act, AuditEntry, Invitation, Membership, Role, Team
from transcripts.upkeep.erasing import pseudonym

A = "/admin/transcripts"
PEOPLE = "/admin/auth/user/"
SAID = "A team always has an owner."


def role_of(person) -> str | None:
    return Membership.objects.filter(user_id=person.pk).values_list("role", flat=True).first()


def place_of(person) -> Membership:
    return Membership.objects.get(user=person)


def acts(*which: Act) -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.filter(act__in=which).order_by("id").values_list("act", "actor", "target"))


def members_form(team: Team, *rows: tuple[Membership | None, int, str, bool], name: str = "Newsroom") -> dict[str, str]:
    """The form of a team's page: ``(place or None, person, role, to be deleted)`` for each row."""
    data = {"name": name, "memberships-TOTAL_FORMS": str(len(rows))}
    data["memberships-INITIAL_FORMS"] = str(sum(1 for place, *_ in rows if place))
    for number, (place, person, role, gone) in enumerate(rows):
        fields = {"user": person, "role": role, "team": team.pk if place else "", "id": place.pk if place else ""}
        data |= {f"memberships-{number}-{key}": str(value) for key, value in fields.items()}
        if gone:
            data[f"memberships-{number}-DELETE"] = "on"
    return data


@pytest.mark.parametrize(("role", "gone"), [("manager", False), ("owner", True)])
def test_on_the_page_of_a_team_its_last_owner_is_neither_demoted_nor_removed(desk, team, alice, bob, role, gone):
    rows = [(place_of(alice), alice.pk, role, gone), (place_of(bob), bob.pk, "editor", False)]
    answer = desk.post(f"{A}/team/{team.pk}/change/", members_form(team, *rows))
    assert answer.status_code == 200
    assert SAID in answer.content.decode()
    assert role_of(alice) == Role.OWNER


def test_on_the_page_of_a_team_ownership_changes_hands_in_one_step_and_on_record(desk, team, alice, bob, victor):
    rows = [
        (place_of(alice), alice.pk, "manager", False),
        (place_of(bob), bob.pk, "owner", False),
        (place_of(victor), victor.pk, "viewer", True),
    ]
    assert desk.post(f"{A}/team/{team.pk}/change/", members_form(team, *rows, name="Desk")).status_code == 302
    assert (role_of(alice), role_of(bob), role_of(victor)) == (Role.MANAGER, Role.OWNER, None)
    assert acts(Act.TEAM_CHANGED, Act.ROLE_CHANGED, Act.REMOVED) == [
        ("team_changed", "olga", "Desk"),
        ("role_changed", "olga", "bob"),
        ("role_changed", "olga", "alice"),
        ("removed", "olga", "victor"),
    ]


def test_a_team_begins_with_an_owner(desk, alice):
    data = members_form(Team(name="X"), (None, alice.pk, "editor", False), name="Archive")
    assert SAID in desk.post(f"{A}/team/add/", data).content.decode()
    assert not Team.objects.filter(name="Archive").exists()
    data = members_form(Team(name="X"), (None, alice.pk, "owner", False), name="Archive")
    assert desk.post(f"{A}/team/add/", data).status_code == 302
    assert Membership.objects.get(team__name="Archive").role == Role.OWNER
    assert ("joined", "olga", "alice") in acts(Act.JOINED)


def test_the_membership_of_a_last_owner_stays_what_it_is(desk, team, alice, bob):
    place = place_of(alice)
    answer = desk.post(f"{A}/membership/{place.pk}/change/", {"role": "viewer"})
    assert SAID in answer.content.decode()
    answer = desk.post(f"{A}/membership/{place.pk}/delete/", {"post": "yes"})
    assert "Newsroom would have no owner" in answer.content.decode()
    assert role_of(alice) == Role.OWNER
    members.change_role(team, alice, bob.pk, Role.OWNER)
    assert desk.post(f"{A}/membership/{place.pk}/change/", {"role": "viewer"}).status_code == 302
    assert desk.post(f"{A}/membership/{place.pk}/delete/", {"post": "yes"}).status_code == 302
    assert role_of(alice) is None
    assert acts(Act.REMOVED) == [("removed", "olga", "alice")]


def test_no_membership_moves_to_another_team_or_person(desk, team, other_team, alice, bob, charlie):
    data = {"role": "owner", "user": charlie.pk, "team": other_team.pk}
    desk.post(f"{A}/membership/{place_of(bob).pk}/change/", data)
    place = place_of(bob)
    assert (place.team, place.role) == (team, Role.OWNER)


def test_both_owners_together_are_not_removed_by_the_dozen_and_one_of_them_is(desk, team, alice, bob, victor):
    members.change_role(team, alice, bob.pk, Role.OWNER)
    data = {"action": "delete_selected", "post": "yes"}
    both = [str(place_of(person).pk) for person in (alice, bob)]
    answer = desk.post(f"{A}/membership/", {**data, "_selected_action": both})
    assert "Newsroom would have no owner" in answer.content.decode()
    assert Membership.objects.count() == 3
    some = [str(place_of(person).pk) for person in (alice, victor)]
    desk.post(f"{A}/membership/", {**data, "_selected_action": some})
    assert list(Membership.objects.values_list("user__username", flat=True)) == ["bob"]
    assert sorted(target for _act, _who, target in acts(Act.REMOVED)) == ["alice", "victor"]


def test_a_person_who_is_a_last_owner_is_not_deleted_alone_or_with_others(desk, team, alice, bob):
    answer = desk.post(f"{PEOPLE}{alice.pk}/delete/", {"post": "yes"})
    assert "Newsroom would have no owner" in answer.content.decode()
    members.change_role(team, alice, bob.pk, Role.OWNER)
    data = {"action": "delete_selected", "post": "yes", "_selected_action": [str(alice.pk), str(bob.pk)]}
    assert "Newsroom would have no owner" in desk.post(PEOPLE, data).content.decode()
    assert Membership.objects.count() == 2
    number = alice.pk
    desk.post(PEOPLE, {**data, "_selected_action": [str(number)]})
    assert role_of(alice) is None
    assert acts(Act.REMOVED, Act.ERASED_PERSON) == [
        ("removed", "olga", pseudonym(number)),
        ("erased_person", "olga", pseudonym(number)),
    ]
    assert AuditEntry.objects.get(act=Act.REMOVED).team_id == team.pk


def test_what_somebody_else_did_in_the_same_moment_is_said_and_changes_nothing(desk, team, alice, bob, monkeypatch):
    # Whoever asks first whether an owner is left gets the answer from before the other's change.
    monkeypatch.setattr(staff, "orphaned", lambda **_: [])
    answer = desk.post(f"{A}/membership/{place_of(alice).pk}/change/", {"role": "viewer"}, follow=True)
    assert SAID in answer.content.decode()
    answer = desk.post(f"{A}/membership/{place_of(alice).pk}/delete/", {"post": "yes"}, follow=True)
    assert SAID in answer.content.decode()
    data = {"action": "delete_selected", "post": "yes", "_selected_action": [str(place_of(alice).pk)]}
    assert SAID in desk.post(f"{A}/membership/", data, follow=True).content.decode()
    assert role_of(alice) == Role.OWNER
    assert acts(Act.REMOVED, Act.ROLE_CHANGED) == []


def person_form(person, **changes: str) -> dict[str, str]:
    """The form of a person's page, without the tick that lets them log in."""
    joined = person.date_joined
    data = {"username": person.username, "date_joined_0": f"{joined:%Y-%m-%d}", "date_joined_1": f"{joined:%H:%M:%S}"}
    return data | changes


def test_a_last_owner_is_not_switched_off_before_somebody_else_owns_the_team(desk, team, alice, bob):
    answer = desk.post(f"{PEOPLE}{alice.pk}/change/", person_form(alice))
    assert "Newsroom would have no owner" in answer.content.decode()
    alice.refresh_from_db()
    assert alice.is_active
    members.change_role(team, alice, bob.pk, Role.OWNER)
    assert desk.post(f"{PEOPLE}{alice.pk}/change/", person_form(alice)).status_code == 302
    alice.refresh_from_db()
    assert not alice.is_active


def test_an_owner_who_is_switched_off_does_not_count_as_one_who_is_left(desk, team, alice, bob):
    members.change_role(team, alice, bob.pk, Role.OWNER)
    assert desk.post(f"{PEOPLE}{bob.pk}/change/", person_form(bob)).status_code == 302
    answer = desk.post(f"{PEOPLE}{alice.pk}/change/", person_form(alice))
    assert "Newsroom would have no owner" in answer.content.decode()
    with pytest.raises(Refused):
        members.leave(team, alice)
    # What else stands on the page of the one who is off can still be changed, and they can be removed.
    renamed = person_form(bob, first_name="Robert")
    assert desk.post(f"{PEOPLE}{bob.pk}/change/", renamed).status_code == 302
    assert desk.post(f"{A}/membership/{place_of(bob).pk}/delete/", {"post": "yes"}).status_code == 302


def test_two_who_switch_off_the_last_two_owners_at_once_leave_one(desk, team, alice, monkeypatch):
    # The form of the slower one saw the other owner still there.
    real = staff.orphaned
    early: list[list[str]] = [[]]
    monkeypatch.setattr(staff, "orphaned", lambda **asked: early.pop() if early else real(**asked))
    answer = desk.post(f"{PEOPLE}{alice.pk}/change/", person_form(alice), follow=True)
    assert SAID in answer.content.decode()
    alice.refresh_from_db()
    assert alice.is_active


def test_a_team_that_is_deleted_takes_its_owner_along(desk, team, alice):
    assert desk.post(f"{A}/team/{team.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Membership.objects.exists()
    assert acts(Act.DELETED) == [("deleted", "olga", "Newsroom")]


def test_invitations_beyond_a_new_role_are_taken_back_here_too(operator, team, alice, bob):
    from transcripts.membership import inviting

    members.change_role(team, alice, bob.pk, Role.OWNER)
    inviting.invite(team, bob, Role.OWNER, 1)
    staff.change_role(place_of(bob), Role.VIEWER, operator)
    assert not Invitation.objects.open().exists()


@pytest.mark.django_db
def test_of_teams_with_several_owners_none_is_orphaned(team, other_team, alice, charlie):
    second = member("second", team, Role.OWNER)
    assert staff.orphaned(people=[alice.pk]) == []
    assert staff.orphaned(people=[alice.pk, second.pk]) == [team]
    assert set(staff.orphaned(people=[alice.pk, second.pk, charlie.pk])) == {team, other_team}
    assert Client().post(f"{PEOPLE}{alice.pk}/delete/", {"post": "yes"}).status_code == 302
    assert role_of(alice) == Role.OWNER
