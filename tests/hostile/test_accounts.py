"""Hostile visitors of accounts: guessing, resets, sign-up and the first run (AUTH-001, 003, 004, 008)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.db import connection
from django.test import Client

from tests.conftest import async_db
from transcripts.management import firstrun
from transcripts.models import Act, AuditEntry, Membership, Team
from transcripts.upkeep import numbers, sentences

PASSWORD = "correct-horse-battery-9"
FRESH = {"password1": "another-good-one-77", "password2": "another-good-one-77"}


@pytest.fixture
def dora(db: None) -> User:
    return User.objects.create_user("dora", "dora@example.org", PASSWORD)


def log_in(password: str, name: str = "dora", address: str = "192.0.2.1", path: str = "/login") -> Any:
    return Client().post(path, {"login": name, "password": password}, REMOTE_ADDR=address)


def test_the_right_password_works_again_after_the_window(dora: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        log_in("wrong", address=f"192.0.2.{number}")
    assert log_in(PASSWORD, address="192.0.2.9").status_code == 200
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 301)
    assert log_in(PASSWORD, address="192.0.2.9").status_code == 302


def test_one_guess_for_each_of_many_accounts_passes_the_limits_and_alarms_the_operators(db: None) -> None:
    for _ in range(sentences.MANY_REFUSALS - 1):
        AuditEntry.objects.create(act=Act.SIGN_IN_FAILED)
    AuditEntry.objects.create(act=Act.SIGNED_IN)
    quiet = numbers.read()
    assert not [word for word in sentences.degraded(quiet) if "sign-ins" in word.text]
    log_in("Summer2026", name="somebody", address="198.51.100.1")
    alarmed = numbers.read()
    assert (quiet.refused_sign_ins, alarmed.refused_sign_ins) == (99, 100)
    assert any("100 sign-ins were refused" in word.text for word in sentences.degraded(alarmed))


def test_an_unknown_name_costs_as_much_as_a_known_one(dora: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    encode = ScryptPasswordHasher.encode

    def counted(self: ScryptPasswordHasher, password: str, *arguments: Any, **more: Any) -> str:
        hashed.append(password)
        return encode(self, password, *arguments, **more)

    monkeypatch.setattr(ScryptPasswordHasher, "encode", counted)
    costs = {}
    for name in ("dora", "nobody", "dora@example.org", "nobody@example.org"):
        hashed.clear()
        log_in("guess", name=name)
        costs[name] = len(hashed)
    assert costs["dora"] == costs["nobody"] > 0
    assert costs["dora@example.org"] == costs["nobody@example.org"] > 0


def test_sign_up_with_a_taken_address_looks_like_any_other(dora: User, settings: Any) -> None:
    settings.STTWEB_SIGNUP, settings.STTWEB_MAIL_URL = True, "memory://"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # as sttweb.accounts has it for open sign-up with mail
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
    seen = []
    for name, address in (("erin", "erin@example.org"), ("fritz", "dora@example.org")):
        visitor = Client()
        form = {"username": name, "email": address, "password1": PASSWORD, "password2": PASSWORD}
        answer = visitor.post("/account/signup/", form)
        page = visitor.get(answer["Location"]).content.decode().replace(address, "")
        seen.append((answer.status_code, answer["Location"], re.sub(r'value="[\w-]{64}"', "", page)))
    assert seen[0] == seen[1]
    assert [message.to for message in mail.outbox] == [["erin@example.org"], ["dora@example.org"]]
    assert not User.objects.filter(username="fritz").exists()


def reset_link(settings: Any, **headers: str) -> str:
    settings.STTWEB_MAIL_URL = "memory://"
    Client().post("/account/password/reset/", {"email": "dora@example.org"}, headers=headers)
    found = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def opens(link: str) -> bool:
    return "password1" in Client().get(link, follow=True).content.decode()


def use(link: str) -> None:
    visitor = Client()
    assert visitor.post(visitor.get(link)["Location"], FRESH).status_code == 302


def change_password(_: str) -> None:
    dora = User.objects.get(username="dora")
    dora.set_password("something-else-entirely-4")
    dora.save()


@pytest.mark.parametrize("ending", [use, change_password], ids=["used", "password changed"])
def test_a_reset_link_that_was_used_or_overtaken_is_dead(
    dora: User, settings: Any, ending: Callable[[str], None]
) -> None:
    link = reset_link(settings)
    assert opens(link)
    ending(link)
    assert not opens(link)


def test_a_reset_link_is_dead_after_an_hour(dora: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    link, now = reset_link(settings), PasswordResetTokenGenerator()._now()
    for passed, living in ((timedelta(minutes=59), True), (timedelta(minutes=61), False)):
        monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda _, passed=passed: now + passed)
        assert opens(link) is living


def test_a_reset_that_is_asked_for_under_another_host_is_never_mailed(dora: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["sttweb.example.org"]
    settings.STTWEB_MAIL_URL = "memory://"
    data = {"email": "dora@example.org"}
    answer = Client().post("/account/password/reset/", data, headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert mail.outbox == []
    named = {"host": "sttweb.example.org", "x-forwarded-host": "evil.example"}
    Client().post("/account/password/reset/", data, headers=named)
    assert "http://sttweb.example.org/account/password/reset/key/" in mail.outbox[0].body
    assert "evil" not in mail.outbox[0].body


@async_db
def test_two_first_runs_at_once_make_one_owner_and_there_is_no_set_up_page() -> None:
    made: list[firstrun.Login | None] = []
    together = threading.Barrier(2)

    def run() -> None:
        together.wait(30)
        try:
            made.append(firstrun.first_login())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (login,) = [one for one in made if one]
    assert len(made) == 2
    assert list(User.objects.values_list("username", "is_superuser")) == [(login.username, True)]
    assert Team.objects.count() == Membership.objects.count() == 1
    assert firstrun.first_login() is None
    for path in ("/setup", "/setup/", "/install", "/first-run", "/account/setup/"):
        assert Client().get(path).status_code == 404
