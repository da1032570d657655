"""Tokens: shown once, hashed, never more than the person may, over at once when they are over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import Http404
from django.test import Client
from django.utils import timezone

from tests.api.conftest import Program, code_of
from transcripts import access, tokens
from transcripts.access import RIGHTS, SCOPES, Right, Scope
from transcripts.models import Act, ApiToken, AuditEntry, Membership, Role


def test_a_token_is_kept_by_the_hash_of_a_secret_of_256_bits(team, alice):
    token, text = tokens.make(team, alice, "archive", [Scope.READ], 30)
    prefix, secret = text.split(".")
    assert prefix == token.prefix
    assert len(secret) == 43
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret not in str(row)
    assert row["secret_hash"] != secret


def test_whoami_says_for_whom_a_token_speaks(team, alice, program):
    answer = program(alice, Scope.READ, Scope.EDIT).get("/whoami").json()
    assert (answer["person"], answer["role"], answer["team"]["id"]) == ("Alice", "owner", str(team.pk))
    assert answer["scopes"] == ["edit", "read"]
    assert answer["rights"] == ["comment", "edit", "see"]


def test_every_scope_has_rights_and_all_rights_but_owning_are_in_one():
    assert SCOPES.keys() == set(Scope)
    assert frozenset().union(*SCOPES.values()) == frozenset(Right) - {Right.OWN}


@pytest.mark.parametrize("role", list(Role), ids=str)
@pytest.mark.parametrize("scope", list(Scope), ids=str)
def test_a_token_allows_what_both_scope_and_role_allow(team, alice, role, scope):
    _token, text = tokens.make(team, alice, "one", [scope], None)
    alice.memberships.update(role=role)
    assert tokens.find(text).rights == SCOPES[scope] & RIGHTS[role]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer sttweb_0.0", f"Bearer {9000 * 'x'}"]
)
def test_without_a_token_nothing_is_answered(alices, header):
    response = Program("").ask("get", "/whoami", **({"Authorization": header} if header else {}))
    assert response.status_code == 401
    assert code_of(response) in {"no_token", "bad_token"}
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_another_secret_under_a_known_prefix_opens_nothing(alices):
    prefix = alices.token.partition(".")[0]
    assert code_of(Program(f"{prefix}.{'A' * 43}").get("/whoami")) == "bad_token"


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "key", "authorization"])
def test_a_token_in_the_address_opens_nothing(alices, name):
    answer = Client().get("/api/v1/whoami", {name: alices.token})
    assert (answer.status_code, code_of(answer)) == (401, "no_token")


def test_a_session_cookie_is_no_token(alice):
    client = Client()
    client.force_login(alice)
    assert client.get("/api/v1/whoami").status_code == 401


def test_tokens_end_when_they_expire_are_revoked_or_their_person_leaves(team, alice, bob, program):
    bobs, other = program(bob), program(bob)
    assert bobs.get("/whoami").status_code == 200
    ApiToken.objects.filter(prefix=other.token.partition(".")[0]).update(expires_at=timezone.now() - timedelta(1))
    assert code_of(other.get("/whoami")) == "token_expired"
    tokens.revoke(ApiToken.objects.get(prefix=bobs.token.partition(".")[0]), alice)
    assert code_of(bobs.get("/whoami")) == "token_revoked"
    third = program(bob)
    bob.memberships.all().delete()
    assert code_of(third.get("/whoami")) == "token_without_member"


def test_a_deactivated_person_has_no_token_any_more(bob, program):
    bobs = program(bob)
    bob.is_active = False
    bob.save()
    assert bobs.get("/whoami").status_code == 401


def test_making_and_revoking_stand_in_the_audit_record(team, alice):
    token, text = tokens.make(team, alice, "archive", [Scope.READ], 30)
    assert tokens.revoke(token, alice)
    assert not tokens.revoke(token, alice)
    acts = AuditEntry.objects.filter(team_id=team.pk).order_by("id")
    assert [entry.act for entry in acts] == [Act.TOKEN_MADE, Act.TOKEN_REVOKED]
    assert text.partition(".")[2] not in str(list(acts.values()))


def test_the_last_use_is_written_once_in_some_minutes(alices, django_assert_num_queries):
    alices.get("/whoami")
    used = ApiToken.objects.get().last_used_at
    assert used is not None
    alices.get("/whoami")
    assert ApiToken.objects.get().last_used_at == used
    # The bucket has turns left: the token with its person and team, and the membership.
    with django_assert_num_queries(2):
        alices.get("/whoami")


def test_a_person_has_so_many_tokens_and_no_more(team, alice, monkeypatch):
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    tokens.make(team, alice, "one", [Scope.READ], 1)
    with pytest.raises(tokens.TokenRefused, match="too_many_tokens"):
        tokens.make(team, alice, "two", [Scope.READ], 1)


def test_a_token_of_one_team_does_not_see_another_of_the_same_person(alice, other_team, make_transcript, program):
    Membership.objects.create(team=other_team, user=alice, role=Role.OWNER)
    mine, theirs = make_transcript(), make_transcript(team=other_team)
    held = tokens.find(program(alice).token)
    assert [row.pk for row in access.transcripts_held(held)] == [mine.pk]
    with pytest.raises(Http404):
        access.transcript_held(held, theirs.pk)
