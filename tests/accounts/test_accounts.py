"""Accounts: limits, what a stranger can learn, second factors, who may sign up, and what is on record."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.test import Client

from transcripts import access, sealing
from transcripts.membership import inviting
from transcripts.models import Act, AuditEntry, Role

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery-9"


@pytest.fixture
def dora(alice) -> User:
    return User.objects.create_user("dora", "dora@example.org", PASSWORD)


def log_in(client: Client, password: str = PASSWORD, name: str = "dora", address: str = "192.0.2.1"):
    return client.post("/login", {"login": name, "password": password}, REMOTE_ADDR=address)


def acts() -> list[tuple[str, str, str]]:
    return [(row.act, row.actor, row.outcome) for row in AuditEntry.objects.order_by("id")]


def test_name_or_address_let_in_and_out_and_both_are_on_record(client, dora):
    assert log_in(client).url == "/"
    client.post("/logout")
    assert log_in(client, name="dora@example.org").url == "/"
    assert acts() == [(act, "dora", "ok") for act in (Act.SIGNED_IN, Act.SIGNED_OUT, Act.SIGNED_IN)]
    assert AuditEntry.objects.first().address == "192.0.2.1"


def test_a_wrong_password_is_on_record_and_what_was_typed_is_not(client, dora):
    assert log_in(client, "wrong").status_code == 200
    assert log_in(client, "wrong", name="my-secret-passphrase").status_code == 200
    assert acts() == [(Act.SIGN_IN_FAILED, "dora", "refused"), (Act.SIGN_IN_FAILED, "", "refused")]
    assert "secret" not in str(list(AuditEntry.objects.values()))


def test_guessing_is_stopped_even_from_many_addresses_and_then_the_right_password_as_well(dora):
    for number in range(5):
        assert log_in(Client(), "wrong", address=f"192.0.2.{number}").status_code == 200
    answer = log_in(Client(), address="192.0.2.77")
    assert answer.status_code == 200
    assert "Too many failed login attempts" in answer.content.decode()
    assert Act.SIGNED_IN not in [act for act, *_ in acts()]


def test_one_address_that_tries_many_names_is_stopped(dora):
    answers = [log_in(Client(), "wrong", name=f"name{number}") for number in range(11)]
    assert "Too many failed" in answers[-1].content.decode()
    assert "Too many failed" not in answers[0].content.decode()


def test_behind_a_proxy_the_limit_is_by_what_the_proxy_wrote(dora, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(10):
        Client().post(
            "/login",
            {"login": f"name{number}", "password": "wrong"},
            REMOTE_ADDR="10.0.0.1",
            HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.9",  # the first was written by the visitor
        )
    one, other = (
        Client().post(
            "/login", {"login": "x", "password": "y"}, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"{address}"
        )
        for address in ("203.0.113.9", "203.0.113.10")
    )
    assert "Too many failed" in one.content.decode()
    assert "Too many failed" not in other.content.decode()


def test_the_admin_has_no_door_of_its_own(client, db):
    assert client.get("/admin/").url.startswith("/admin/login/")
    assert client.get("/admin/login/?next=/admin/").url == "/login?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "owner", "password": "guess"}).status_code == 302


def test_a_reset_says_the_same_whoever_asks(client, dora, settings):
    settings.STTWEB_MAIL_URL = "memory://"
    pages = []
    for address in ("dora@example.org", "nobody@example.org"):
        answer = client.post("/account/password/reset/", {"email": address})
        pages.append((answer.status_code, answer.url, client.get(answer.url).content.decode().replace(address, "")))
    strip = [re.sub(r'value="[\w-]{64}"', "", page[2]) for page in pages]
    assert pages[0][:2] == pages[1][:2]
    assert strip[0] == strip[1]
    assert [message.to for message in mail.outbox] == [["dora@example.org"], ["nobody@example.org"]]


def test_a_forgotten_password_is_set_anew_by_the_mailed_link_once(client, dora, settings):
    settings.STTWEB_MAIL_URL = "memory://"
    client.post("/account/password/reset/", {"email": "dora@example.org"})
    link = re.search(r"http://testserver(/account/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link is not None
    form = client.get(link[1]).url
    fresh = "another-good-one-77"
    assert client.post(form, {"password1": fresh, "password2": fresh}).status_code == 302
    assert log_in(Client(), fresh).url == "/"
    assert "password1" not in Client().get(link[1], follow=True).content.decode()
    assert (Act.PASSWORD_CHANGED, "dora", "ok") in acts()


def test_without_mail_no_reset_is_promised(client, db):
    assert "/account/password/reset" not in client.get("/login").content.decode()
    assert "sends no mail" in client.get("/account/password/reset/").content.decode()


def test_sign_up_is_closed_and_opens_by_a_setting(client, db, settings):
    data = {"username": "erin", "email": "", "password1": PASSWORD, "password2": PASSWORD}
    assert "closed" in client.post("/account/signup/", data).content.decode()
    assert not User.objects.filter(username="erin").exists()
    settings.STTWEB_SIGNUP = True
    client.post("/account/signup/", data)
    erin = User.objects.get(username="erin")
    assert access.teams_of(erin) == []


def test_an_invitation_opens_sign_up_for_one_and_puts_them_into_the_team(client, team, alice):
    _, token = inviting.invite(team, alice, Role.REVIEWER, 1)
    data = {"username": "erin", "email": "", "password1": PASSWORD, "password2": PASSWORD}
    assert "/account/signup/" in client.get(f"/invitation/{token}").content.decode()
    assert client.get("/account/signup/").status_code == 200
    assert client.post("/account/signup/", data).status_code == 302
    erin = User.objects.get(username="erin")
    assert access.membership(erin, team.pk).role == Role.REVIEWER
    assert client.get("/").context["team"] == team
    late = Client()
    late.get(f"/invitation/{token}")
    assert "closed" in late.post("/account/signup/", data | {"username": "frank"}).content.decode()
    assert not User.objects.filter(username="frank").exists()


def totp_now(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def prove(client: Client) -> None:
    """Give the password once more, as the screens of second factors ask."""
    assert client.post("/account/reauthenticate/", {"password": PASSWORD}).status_code == 302


def test_a_one_time_code_is_asked_for_and_its_secret_is_unreadable_in_the_database(
    client, dora, django_capture_on_commit_callbacks
):
    log_in(client)
    assert client.get("/account/2fa/totp/activate/").url.startswith("/account/reauthenticate/")
    prove(client)
    page = client.get("/account/2fa/totp/activate/")
    secret = page.context["form"].secret
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/account/2fa/totp/activate/", {"code": totp_now(secret)}).status_code == 302
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in str(list(Authenticator.objects.values()))
    assert sealing.unseal(stored) == secret
    cache.clear()  # the code was used a moment ago, and is refused a second time
    again = Client()
    assert log_in(again).url.startswith("/account/2fa/authenticate/")
    assert again.get("/").status_code == 302, "not in yet"
    again.post("/account/2fa/authenticate/", {"code": "000000"})
    assert again.get("/").status_code == 302
    cache.clear()
    assert again.post("/account/2fa/authenticate/", {"code": totp_now(secret)}).status_code == 302
    assert again.get("/").status_code == 200
    seen = [row[:1] + row[2:] for row in acts()]
    assert (Act.FACTOR_CHANGED, "ok") in seen
    assert (Act.SIGN_IN_FAILED, "second_factor") in seen


def test_a_changed_password_ends_the_other_sessions(client, dora):
    other = Client()
    log_in(other)
    log_in(client)
    fresh = "another-good-one-77"
    client.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh})
    assert client.get("/account/sessions/").status_code == 200
    assert other.get("/account/sessions/").status_code == 302
    assert (Act.PASSWORD_CHANGED, "dora", "ok") in acts()


def test_other_sessions_are_listed_and_ended(client, dora):
    other = Client()
    log_in(other, address="198.51.100.4")
    log_in(client)
    assert "198.51.100.4" in client.get("/account/sessions/").content.decode()
    client.post("/account/sessions/")
    assert other.get("/account/sessions/").status_code == 302
    assert client.get("/account/sessions/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["login", "account/2fa/", "account/2fa/totp/activate/", "account/password/change/", "account/email/",
     "account/sessions/", "account/reauthenticate/", "account/2fa/webauthn/", "account/2fa/webauthn/add/",
     "account/3rdparty/", "account/2fa/recovery-codes/generate/"],
)  # fmt: skip
def test_every_screen_is_ours_and_has_no_script_of_its_own(client, dora, path):
    if path != "login":
        log_in(client)
        prove(client)
    page = client.get(f"/{path}", follow="recovery" in path or path.endswith("webauthn/"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "tokens.css" in text
    assert "<style" not in text
    assert not re.search(r"\son\w+=", text)
    for attributes in re.findall(r"<script([^>]*)>", text):
        assert "src=" in attributes or "application/json" in attributes
    assert "script-src 'self'" in page["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("host", "works"), [("127.0.0.1:8000", False), ("[::1]:8000", False), ("localhost", True)], ids=["4", "6", "name"]
)
def test_passkeys_are_offered_only_under_a_name(client, dora, settings, host, works):
    settings.ALLOWED_HOSTS = ["127.0.0.1", "[::1]", "localhost"]
    client.defaults["HTTP_HOST"] = host
    assert ('id="passkey_login"' in client.get("/login").content.decode()) is works
    log_in(client)
    prove(client)
    page = client.get("/account/2fa/webauthn/add/").content.decode()
    assert ('id="mfa_webauthn_add"' in page) is works
    assert ("No passkey at this address" in page) is not works


def test_the_first_start_is_explained_until_somebody_has_logged_in(client, dora):
    assert "First start?" in client.get("/login").content.decode()
    log_in(client)
    assert "First start?" not in Client().get("/login").content.decode()
