"""An invitation that names an address is for the account that has it (IDOR-008 of the security reference)."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from transcripts import access
from transcripts.membership import inviting
from transcripts.models import Invitation, Role

pytestmark = pytest.mark.django_db
PASSWORD = "correct-horse-battery-9"
FORM = {"username": "erin", "email": "", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def token(team, alice) -> str:
    return inviting.invite(team, alice, Role.REVIEWER, 1, "Erin@example.org")[1]


def test_another_account_is_refused_and_does_not_read_the_address(client, token, team, charlie):
    client.force_login(charlie)
    for answer in (client.get(f"/invitation/{token}"), client.post(f"/invitation/{token}")):
        assert answer.status_code == 403
        page = answer.content.decode()
        assert "another e-mail address" in page
        assert "Erin" not in page
    assert access.membership(charlie, team.pk) is None
    assert Invitation.objects.open().count() == 1, "it still waits for whom it was made"


def test_the_account_that_has_the_address_joins_whatever_its_case(client, token, team):
    erin = User.objects.create_user("erin", "erin@example.org")
    client.force_login(erin)
    assert client.post(f"/invitation/{token}").status_code == 302
    assert access.membership(erin, team.pk).role == Role.REVIEWER


@pytest.mark.parametrize("typed", ["", "mallory@example.org"])
def test_sign_up_that_it_opens_is_for_its_address_alone(client, token, team, typed):
    client.get(f"/invitation/{token}")
    answer = client.post("/account/signup/", FORM | {"email": typed})
    assert answer.status_code == 200
    assert "the invitation was made for" in answer.content.decode()
    assert not User.objects.filter(username="erin").exists()
    client.post("/account/signup/", FORM | {"email": "erin@example.org"})
    assert access.membership(User.objects.get(username="erin"), team.pk).role == Role.REVIEWER


def test_where_mail_is_set_up_an_address_counts_when_it_is_confirmed(client, token, team, settings):
    settings.STTWEB_MAIL_URL = "memory://"
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    client.get(f"/invitation/{token}")
    client.post("/account/signup/", FORM | {"email": "erin@example.org"})
    erin = User.objects.get(username="erin")
    assert access.membership(erin, team.pk) is None
    told = client.get(f"/invitation/{token}")
    assert (told.status_code, "/account/email/" in told.content.decode()) == (403, True)
    link = re.search(r"http://testserver(/account/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert link is not None
    client.post(link[1])
    assert EmailAddress.objects.get(user=erin).verified
    assert access.membership(erin, team.pk).role == Role.REVIEWER, "the session kept the invitation meanwhile"


def test_an_address_that_somebody_only_claims_lets_nobody_in(token, team, charlie, settings):
    settings.STTWEB_MAIL_URL = "memory://"
    EmailAddress.objects.create(user=charlie, email="erin@example.org", verified=False)
    client = Client()
    client.force_login(charlie)
    assert client.post(f"/invitation/{token}").status_code == 403
    EmailAddress.objects.filter(user=charlie).update(verified=True)
    assert client.post(f"/invitation/{token}").status_code == 302
