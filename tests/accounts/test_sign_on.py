"""Sign-on by OpenID Connect against a real provider on loopback: who gets an account, and which team, if any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.contrib.auth.models import User
from django.core import checks
from django.test import Client

from sttweb import accounts
from tests.accounts.provider import Provider, running
from transcripts.membership import inviting
from transcripts.models import Act, AuditEntry, Membership, Role

pytestmark = pytest.mark.django_db
ERIN = {"sub": "e-17", "email": "erin@news.example.org", "email_verified": True, "preferred_username": "erin",
        "given_name": "Erin", "family_name": "Ash"}  # fmt: skip


@pytest.fixture
def provider(settings: Any, team: Any, alice: Any) -> Iterator[Provider]:
    with running(Provider(person=dict(ERIN))) as here:
        settings.SOCIALACCOUNT_PROVIDERS = accounts.providers(here.issuer, here.client_id, here.client_secret, "Login")
        settings.STTWEB_OIDC_ISSUER, settings.STTWEB_OIDC_CLIENT_ID = here.issuer, here.client_id
        settings.STTWEB_OIDC_DOMAINS, settings.STTWEB_OIDC_TEAM = ["news.example.org"], str(team.pk)
        yield here


def onward(pressed: Any) -> str:
    """Where the page that answers the button goes on to."""
    assert pressed.status_code == 200
    return str(pressed.context["address"])


def sign_on(client: Client, next_page: str = "") -> Any:
    """Press the button, follow the browser's way to the provider and back, and arrive."""
    pressed = client.post(f"/account/oidc/sso/login/?next={next_page}" if next_page else "/account/oidc/sso/login/")
    back = requests.get(onward(pressed), allow_redirects=False, timeout=30).headers["Location"]
    parts = urlsplit(back)
    assert parts.netloc == "testserver"
    return client.get(f"{parts.path}?{parts.query}", follow=True)


def role_of(name: str) -> dict[str, str]:
    return dict(Membership.objects.filter(user__username=name).values_list("team__name", "role"))


def test_a_new_person_of_the_domain_lands_in_the_team_as_a_viewer(provider, client, team):
    assert "Login" in client.get("/login").content.decode()
    page = sign_on(client, "/library")
    assert page.request["PATH_INFO"] == "/library"
    erin = User.objects.get(username="erin")
    assert (erin.email, erin.first_name, erin.has_usable_password()) == (ERIN["email"], "Erin", False)
    assert role_of("erin") == {team.name: Role.VIEWER}
    assert provider.asked == ["/.well-known/openid-configuration", "/authorize", *provider.asked[2:]]
    assert {"/token", "/userinfo"} < set(provider.asked)
    acts = set(AuditEntry.objects.values_list("act", "actor"))
    assert {(Act.JOINED, "erin"), (Act.SIGNED_IN, "erin")} <= acts


def test_the_same_person_is_the_same_account_the_next_time(provider, team):
    sign_on(Client())
    Membership.objects.filter(user__username="erin").update(role=Role.EDITOR)
    provider.person["preferred_username"] = "another-name"
    sign_on(Client())
    assert User.objects.filter(email=ERIN["email"]).count() == 1
    assert role_of("erin") == {team.name: Role.EDITOR}
    Membership.objects.filter(user__username="erin").delete()
    page = sign_on(Client())
    assert page.status_code == 200
    assert role_of("erin") == {}, "who was removed does not come back by logging in"


@pytest.mark.parametrize(
    "person",
    [
        {"email": "erin@elsewhere.example.org"},
        {"email": "erin@news.example.org.evil.example"},
        {"email_verified": False},
    ],
    ids=["elsewhere", "looks-alike", "unverified"],
)
def test_who_is_not_of_the_domain_gets_an_account_and_no_team(provider, client, person):
    provider.person |= person
    sign_on(client)
    assert User.objects.filter(username="erin").exists()
    assert role_of("erin") == {}
    assert "no team" in client.get("/").content.decode()


def test_an_invitation_goes_before_the_domain(provider, client, other_team, charlie):
    _, token = inviting.invite(other_team, charlie, Role.REVIEWER, 1)
    client.get(f"/invitation/{token}")
    sign_on(client)
    assert role_of("erin") == {other_team.name: Role.REVIEWER}


def test_an_account_of_that_address_is_not_taken_over(provider, client):
    own = User.objects.create_user("erin-of-old", str(ERIN["email"]), "a-password-of-mine-1")
    sign_on(client)
    assert client.session.get("_auth_user_id") != str(own.pk)
    assert role_of("erin-of-old") == {}


@pytest.mark.parametrize("lie", ["secret", "issuer", "code"])
def test_whom_the_provider_did_not_let_in_is_not_in(provider, client, lie):
    if lie == "secret":
        provider.client_secret = "another"
    elif lie == "issuer":
        provider.says = "https://evil.example.org"
    pressed = client.post("/account/oidc/sso/login/")
    back = urlsplit(requests.get(onward(pressed), allow_redirects=False, timeout=30).headers["Location"])
    if lie == "code":
        provider.codes.clear()
    page = client.get(f"{back.path}?{back.query}", follow=True)
    assert page.status_code in {200, 401, 403}
    assert "tokens.css" in page.content.decode()
    assert "_auth_user_id" not in client.session
    assert not User.objects.filter(username="erin").exists()


def test_an_answer_that_nobody_asked_for_is_refused(provider, client):
    pressed = client.post("/account/oidc/sso/login/")
    back = urlsplit(requests.get(onward(pressed), allow_redirects=False, timeout=30).headers["Location"])
    page = Client().get(f"{back.path}?{back.query}", follow=True)
    assert page.status_code in {200, 401, 403}
    assert not User.objects.filter(username="erin").exists()


@pytest.mark.parametrize("trouble", ["refused", "no-json", "lacks"])
def test_a_provider_that_cannot_be_used_is_a_page_with_words(provider, settings, client, trouble, monkeypatch):
    if trouble == "refused":
        settings.SOCIALACCOUNT_PROVIDERS = accounts.providers("http://127.0.0.1:9", "sttweb", "x", "Login")
    else:
        about = "nonsense" if trouble == "no-json" else {"issuer": provider.issuer}
        monkeypatch.setattr(provider, "discovery", lambda: about)
    page = client.post("/account/oidc/sso/login/")
    assert page.status_code == 503
    assert "sign_on_unavailable" in page.content.decode()


def found(number: str) -> list[str]:
    return [str(one.msg) for one in checks.run_checks() if one.id == number]


def test_the_start_says_what_is_wrong_with_the_configuration(provider, settings, team):
    numbers = {f"transcripts.E00{number}" for number in range(1, 6)} | {"transcripts.W004", "transcripts.W005"}
    assert [one for one in checks.run_checks() if one.id in numbers and one.id != "transcripts.W005"] == []
    settings.STTWEB_OIDC_ISSUER = "login.example.org"
    assert found("transcripts.E001")
    settings.STTWEB_OIDC_ISSUER = "http://login.example.org"
    assert found("transcripts.W005")
    settings.STTWEB_OIDC_ISSUER = "https://login.example.org"
    assert not found("transcripts.E001")
    assert not found("transcripts.W005")
    settings.STTWEB_OIDC_TEAM = "Newsroom"
    assert found("transcripts.E002")
    settings.STTWEB_OIDC_TEAM, settings.STTWEB_OIDC_DOMAINS = str(team.pk), []
    assert found("transcripts.E003")
    settings.STTWEB_OIDC_DOMAINS = ["@news.example.org"]
    assert found("transcripts.E004")
    settings.STTWEB_OIDC_DOMAINS, settings.STTWEB_OIDC_TEAM = ["news.example.org"], ""
    assert found("transcripts.E003")
    settings.STTWEB_OIDC_ISSUER, settings.STTWEB_OIDC_TEAM = "", str(team.pk)
    assert found("transcripts.W004")


def test_a_team_that_is_not_there_is_said_when_the_database_is_checked(provider, settings, team):
    def with_database() -> list[str]:
        return [one.id for one in checks.run_checks(databases=["default"]) if one.id == "transcripts.W006"]

    assert with_database() == []
    settings.STTWEB_OIDC_TEAM = "00000000-0000-4000-8000-000000000000"
    assert with_database() == ["transcripts.W006"]
