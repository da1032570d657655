"""The pages of members, invitations, new teams and the table of rights."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from transcripts import access
from transcripts.access import Right
from transcripts.membership import inviting
from transcripts.models import Invitation, Membership, Role, Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(alice) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def page(client: Client, team: Team) -> str:
    return client.get(reverse("team-members", args=[team.pk])).content.decode()


def invite(client: Client, team: Team, **data: str) -> tuple[int, str]:
    answer = client.post(reverse("team-invite", args=[team.pk]), {"role": "editor", "days": "7", "email": "", **data})
    found = re.search(r"/invitation/([\w-]{32})", answer.content.decode())
    return answer.status_code, found[1] if found else ""


def test_everybody_sees_who_is_there_and_only_managers_see_the_means(owner, client, team, bob, victor):
    assert "bob@example.org" in page(owner, team)
    client.force_login(victor)
    seen = page(client, team)
    assert "Alice" in seen
    assert "Bob" in seen
    assert "bob@example.org" not in seen
    assert "/role" not in seen.replace("/roles", "")
    assert reverse("team-invite", args=[team.pk]) not in seen


def test_a_link_is_shown_once_and_lets_one_person_in(owner, team, charlie):
    status, token = invite(owner, team, role="reviewer")
    assert status == 200
    assert token not in page(owner, team)
    assert token not in str(list(Invitation.objects.values()))
    guest = Client()
    guest.force_login(charlie)
    address = reverse("invitation", args=[token])
    shown = guest.get(address)
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store"
    assert shown["Referrer-Policy"] == "no-referrer"
    assert guest.post(address).status_code == 302
    assert access.membership(charlie, team.pk).role == Role.REVIEWER
    assert "Newsroom" in guest.get("/").content.decode(), "the new team is the one to work in"
    assert guest.get(address).status_code == 404
    assert guest.post(address).status_code == 404


@pytest.mark.parametrize("ending", ["revoked", "expired", "unknown", "long"])
def test_an_invitation_that_ended_says_the_same_whatever_ended_it(owner, client, team, charlie, ending):
    _, token = invite(owner, team)
    invitation = Invitation.objects.get()
    if ending == "revoked":
        owner.post(reverse("invitation-revoke", args=[team.pk, invitation.pk]))
    elif ending == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        token = "x" * (32 if ending == "unknown" else 3000)
    client.force_login(charlie)
    answer = client.post(reverse("invitation", args=[token]))
    assert answer.status_code == 404
    assert "Newsroom" not in answer.content.decode()
    assert "Ask the person who invited you" in answer.content.decode()
    assert access.membership(charlie, team.pk) is None


def test_who_is_in_already_keeps_their_role_and_the_invitation(owner, client, team, bob):
    _, token = invite(owner, team, role="viewer")
    client.force_login(bob)
    assert "already" in client.get(reverse("invitation", args=[token])).content.decode()
    client.post(reverse("invitation", args=[token]))
    assert access.membership(bob, team.pk).role == Role.EDITOR
    inviting.find(token)  # or it raises


def test_nobody_joins_without_an_account(client, owner, team):
    _, token = invite(owner, team)
    answer = client.post(reverse("invitation", args=[token]))
    assert answer.status_code == 200
    assert "/login?next=/invitation/" in answer.content.decode()
    assert Membership.objects.count() == 1


def test_a_link_is_mailed_when_mail_is_set_up(owner, team, settings):
    settings.STTWEB_MAIL_URL = "memory://"
    _, token = invite(owner, team, email="dora@example.org")
    (sent,) = mail.outbox
    assert sent.to == ["dora@example.org"]
    assert token in sent.body
    settings.STTWEB_MAIL_URL = ""
    answer = owner.post(
        reverse("team-invite", args=[team.pk]), {"role": "editor", "days": "7", "email": "dora@example.org"}
    )
    assert "was not mailed" in answer.content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "data", [{"role": "emperor"}, {"role": ""}, {"days": "31"}, {"days": "0"}, {"email": "no"}, {"email": "a@b\n.org"}]
)
def test_nonsense_is_refused_where_it_was_typed(owner, team, data):
    assert invite(owner, team, **data) == (422, "")
    assert not Invitation.objects.exists()


def test_a_manager_is_not_offered_what_is_the_owners(client, team, alice, bob):
    Membership.objects.filter(user=bob).update(role=Role.MANAGER)
    client.force_login(bob)
    seen = page(client, team)
    assert 'value="owner"' not in seen
    assert reverse("member-remove", args=[team.pk, alice.pk]) not in seen
    assert invite(client, team, role="owner") == (422, "")
    client.post(reverse("member-remove", args=[team.pk, alice.pk]))
    assert client.post(reverse("member-own", args=[team.pk, alice.pk])).status_code == 403
    assert access.membership(alice, team.pk).role == Role.OWNER


def test_roles_change_people_go_and_the_team_gets_another_name(owner, team, bob, victor):
    owner.post(reverse("member-role", args=[team.pk, bob.pk]), {"role": "manager"})
    assert access.membership(bob, team.pk).role == Role.MANAGER
    owner.post(reverse("member-role", args=[team.pk, bob.pk]), {"role": "emperor"})
    owner.post(reverse("member-remove", args=[team.pk, victor.pk]))
    owner.post(reverse("member-remove", args=[team.pk, 2**62]))
    assert access.membership(victor, team.pk) is None
    owner.post(reverse("team-rename", args=[team.pk]), {"name": " Night\x07 desk "})
    owner.post(reverse("team-rename", args=[team.pk]), {"name": "\x07"})
    team.refresh_from_db()
    assert team.name == "Night desk"
    owner.post(reverse("member-own", args=[team.pk, bob.pk]))
    owner.post(reverse("team-leave", args=[team.pk]))
    assert list(team.memberships.values_list("user__username", "role")) == [("bob", "owner")]


def test_the_last_owner_is_told_what_to_do(owner, team, alice):
    answer = owner.post(reverse("team-leave", args=[team.pk]), follow=True)
    assert "Hand the team over to somebody else first." in answer.content.decode()
    assert access.membership(alice, team.pk) is not None


def test_anybody_makes_a_team_and_works_in_it_at_once(client, victor, team):
    client.force_login(victor)
    assert client.get("/teams/new").status_code == 200
    assert client.post("/teams/new", {"name": "x" * 101}).status_code == 422
    client.post("/teams/new", {"name": "Evening desk"})
    made = Team.objects.get(name="Evening desk")
    assert access.membership(victor, made.pk).role == Role.OWNER
    assert client.session["team"] == str(made.pk)
    board = client.get("/").content.decode()
    assert reverse("team", args=[team.pk]) in board, "the switcher offers the other team"


def test_a_chosen_team_is_honoured_by_every_page_and_left_when_it_is_lost(client, team, other_team, alice):
    alice.memberships.create(team=other_team, role=Role.VIEWER)
    client.force_login(alice)
    client.post(reverse("team", args=[team.pk]))
    assert client.get("/new").context["team"] == team
    client.post(reverse("team", args=[other_team.pk]))
    assert client.get("/new").status_code == 403, "a viewer there"
    for path in ("/", "/library", "/tags", "/roles"):
        assert client.get(path).context["team"] == other_team
    alice.memberships.filter(team=other_team).delete()
    assert client.get("/").context["team"] == team


def test_the_table_of_rights_shows_what_is_enforced(client, victor):
    client.force_login(victor)
    seen = client.get("/roles").content.decode()
    cells = re.findall(r'data-right="(\w+)" data-role="(\w+)" data-allowed="(\w+)"', seen)
    shown = {(Role(role), Right(right)): allowed == "yes" for right, role, allowed in cells}
    assert shown == {(role, right): right in access.RIGHTS[role] for role in Role for right in Right}
