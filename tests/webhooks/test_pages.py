"""The pages of webhooks: made, tried out, changed and looked into by those who manage the team."""

from __future__ import annotations

import re

import pytest

from tests.conftest import async_db
from tests.webhooks.conftest import is_genuine
from transcripts import news
from transcripts.models import Act, AuditEntry, Delivery, Webhook, WebhookEvent


@pytest.fixture
def page(client, alice, team):
    client.force_login(alice)
    return f"/team/{team.pk}/webhooks"


def fields(receiver, **more):
    return {"url": receiver.url, "description": "Desk", "events": ["transcript.created"], **more}


def test_the_secret_is_shown_once(client, page, receiver):
    made = client.post(page, fields(receiver)).content.decode()
    (secret,) = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", made))
    assert Webhook.objects.get().secret == secret
    hook = f"{page}/{Webhook.objects.get().pk}"
    assert "whsec_" not in client.get(page).content.decode() + client.get(hook).content.decode()
    assert AuditEntry.objects.get(act=Act.WEBHOOK_MADE).details == {"events": ["transcript.created"]}
    rotated = client.post(f"{hook}/rotate").content.decode()
    assert Webhook.objects.get().secret in rotated
    assert Webhook.objects.get().old_secret == secret
    assert "whsec_" not in client.get(hook).content.decode()


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost/x", "nonsense", "https://u:p@example.org/"])
def test_an_address_that_must_not_be_reached_is_refused_with_a_sentence(client, page, url):
    answer = client.post(page, {"url": url, "events": ["transcript.created"]})
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_nothing_chosen_is_refused(client, page, receiver):
    assert client.post(page, fields(receiver, events=[])).status_code == 422


@async_db
def test_the_test_button_sends_a_signed_message_and_says_how_it_went(client, page, receiver, make_hook):
    hook = make_hook()
    said = client.post(f"{page}/{hook.pk}/test").content.decode()
    assert "The test arrived: status 200" in said
    assert receiver.kinds == ["webhook.test"]
    assert is_genuine(hook.secret, *receiver.got[0])
    receiver.status = 500
    assert "<strong>The receiver&#x27;s answer:</strong>" in client.post(f"{page}/{hook.pk}/test").content.decode()


@async_db
def test_the_test_button_names_the_step_that_failed(client, page, canary, make_hook):
    hook = make_hook(url=canary.url)
    assert "<strong>Judging the address:</strong>" in client.post(f"{page}/{hook.pk}/test").content.decode()
    assert canary.got == []


def test_the_log_shows_what_a_receiver_said_as_text_and_sends_again(client, page, make_hook, make_transcript):
    hook = make_hook(WebhookEvent.CREATED)
    make_transcript(title="<script>alert(1)</script>")
    news.read_all()
    Delivery.objects.update(
        state="failed", answer="<img src=x onerror=alert(1)>", code="receiver_refused", next_at=None
    )
    shown = client.get(f"{page}/{hook.pk}").content.decode()
    assert "&lt;img src=x" in shown
    assert "<img src=x" not in shown
    assert "<script>alert(1)" not in shown
    assert client.post(f"{page}/{hook.pk}/resend/{Delivery.objects.get().pk}").status_code == 302
    assert Delivery.objects.get().state == "pending"


def test_switching_on_again_forgets_the_failure_and_what_happened_meanwhile(client, page, make_hook, receiver):
    hook = make_hook(is_enabled=False, disabled_code="failing")
    before = hook.since
    assert "for three days" in client.get(f"{page}/{hook.pk}").content.decode()
    client.post(f"{page}/{hook.pk}", fields(receiver, enabled="on"))
    hook.refresh_from_db()
    assert (hook.is_enabled, hook.disabled_code) == (True, "")
    assert hook.since > before


def test_a_webhook_is_deleted_with_its_log(client, page, make_hook):
    hook = make_hook()
    client.post(f"{page}/{hook.pk}/delete")
    assert not Webhook.objects.exists()
    assert AuditEntry.objects.filter(act=Act.WEBHOOK_DELETED).exists()


@pytest.mark.parametrize(("person", "status"), [("charlie", 404), ("bob", 403), ("victor", 403)])
def test_only_those_who_manage_the_team_reach_it(request, client, team, make_hook, person, status):
    hook = make_hook()
    client.force_login(request.getfixturevalue(person))
    for path in ("", f"/{hook.pk}"):
        assert client.get(f"/team/{team.pk}/webhooks{path}").status_code == status
    for act in ("test", "rotate", "delete", "resend/1"):
        assert client.post(f"/team/{team.pk}/webhooks/{hook.pk}/{act}").status_code == status
    assert Webhook.objects.exists()


def test_a_webhook_of_another_team_is_not_there(client, page, make_hook, other_team):
    hook = make_hook(team=other_team)
    assert client.get(f"{page}/{hook.pk}").status_code == 404
