"""The page of a team's tokens: shown once, one's own or all, revoked at once."""

from __future__ import annotations

import re

from transcripts import tokens
from transcripts.access import Scope
from transcripts.models import ApiToken


def make(client, team, **fields):
    return client.post(f"/team/{team.pk}/tokens", {"name": "archive", "scopes": ["read"], "days": "30", **fields})


def test_a_token_is_shown_once_and_works(client, bob, team):
    client.force_login(bob)
    page = make(client, team)
    text = re.search(r'id="fresh-token" readonly value="([^"]+)"', page.content.decode())
    assert text is not None
    assert tokens.find(text[1]).person == bob
    assert page["Cache-Control"] == "no-store"
    assert text[1] not in client.get(f"/team/{team.pk}/tokens").content.decode()


def test_scopes_that_the_role_does_not_have_are_not_offered(client, victor, team):
    client.force_login(victor)
    page = client.get(f"/team/{team.pk}/tokens").content.decode()
    assert 'value="read"' in page
    assert 'value="delete"' not in page
    assert make(client, team, scopes=["read", "delete"]).status_code == 422
    assert not ApiToken.objects.exists()


def test_everybody_sees_their_own_and_managers_see_all(client, alice, bob, victor, team):
    tokens.make(team, bob, "of Bob", [Scope.READ], 1)
    for person, seen in ((alice, True), (bob, True), (victor, False)):
        client.force_login(person)
        assert (b"of Bob" in client.get(f"/team/{team.pk}/tokens").content) == seen


def test_only_its_person_or_a_manager_revokes_it(client, alice, bob, victor, charlie, team):
    token, _ = tokens.make(team, bob, "of Bob", [Scope.READ], 1)
    path = f"/team/{team.pk}/tokens/{token.pk}/revoke"
    for person in (victor, charlie):
        client.force_login(person)
        assert client.post(path).status_code == 404
    client.force_login(alice)
    assert client.get(path).status_code == 405
    assert client.post(path).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_a_stranger_finds_no_page(client, charlie, team):
    client.force_login(charlie)
    assert client.get(f"/team/{team.pk}/tokens").status_code == 404
    assert make(client, team).status_code == 404


def test_a_form_without_a_scope_says_so(client, bob, team):
    client.force_login(bob)
    page = make(client, team, scopes=[])
    assert page.status_code == 422
    assert "archive" in page.content.decode()
