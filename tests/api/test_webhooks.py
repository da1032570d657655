"""Webhooks by the API: made with a secret that is shown once, tried out, looked into, sent again."""

from __future__ import annotations

import pytest

from tests.api.conftest import code_of
from tests.conftest import async_db
from tests.webhooks.conftest import canary, is_genuine, make_hook, receiver  # noqa: F401
from transcripts import news
from transcripts.models import Act, AuditEntry, Delivery, Webhook


def test_the_secret_is_told_when_it_is_made_and_never_again(alices, receiver):  # noqa: F811
    made = alices.post("/webhooks", {"url": receiver.url, "events": ["alert.hit", "alert.hit"], "description": "Desk"})
    assert made.status_code == 201
    hook = Webhook.objects.get()
    assert (made.json()["secret"], hook.events) == (hook.secret, ["alert.hit"])
    path = f"/webhooks/{hook.pk}"
    assert "whsec_" not in (alices.get(path).content + alices.get("/webhooks").content).decode()
    assert alices.get("/webhooks").json()["items"][0]["description"] == "Desk"
    rotated = alices.post(f"{path}/secret").json()["secret"]
    hook.refresh_from_db()
    assert (hook.secret, hook.old_secret) == (rotated, made.json()["secret"])
    assert alices.delete(path).status_code == 204
    acts = AuditEntry.objects.filter(target_kind="webhook").order_by("pk").values_list("act", flat=True)
    assert list(acts) == [Act.WEBHOOK_MADE, Act.WEBHOOK_CHANGED, Act.WEBHOOK_DELETED]


def test_a_webhook_is_changed_in_part_and_switched_off_and_on(alices, make_hook):  # noqa: F811
    hook = make_hook("alert.hit")
    path, since = f"/webhooks/{hook.pk}", hook.since
    assert alices.patch(path, {"is_enabled": False}).json()["is_enabled"] is False
    changed = alices.patch(path, {"is_enabled": True, "events": ["transcript.failed"]}).json()
    assert (changed["events"], changed["url"]) == (["transcript.failed"], hook.url)
    hook.refresh_from_db()
    assert hook.since > since


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "ftp://example.org/", "nonsense"])
def test_an_address_inside_is_refused(alices, url):
    refused = alices.post("/webhooks", {"url": url, "events": ["alert.hit"]})
    assert refused.status_code == 409
    assert code_of(refused).startswith("url")
    assert refused.json()["error"]["fields"].keys() == {"url"}
    assert not Webhook.objects.exists()


def test_there_are_so_many_and_no_more(alices, monkeypatch):
    monkeypatch.setattr("transcripts.webhooks.managing.MOST", 1)
    body = {"url": "https://hooks.example.org/", "events": ["alert.hit"]}
    assert alices.post("/webhooks", body).status_code == 201
    assert code_of(alices.post("/webhooks", body)) == "too_many_webhooks"


@async_db
def test_a_test_says_how_it_went(alices, make_hook, receiver, canary):  # noqa: F811
    hook = make_hook()
    answer = alices.post(f"/webhooks/{hook.pk}/test").json()
    assert (answer["delivered"], answer["status"], answer["answer"]) == (True, 200, "thanks")
    assert is_genuine(hook.secret, *receiver.got[0])
    inside = make_hook(url=canary.url)
    answer = alices.post(f"/webhooks/{inside.pk}/test").json()
    assert (answer["delivered"], answer["code"], answer["step"]) == (False, "url_address", "Judging the address")
    assert canary.got == []


def test_the_log_is_read_page_by_page_and_a_message_sent_again(alices, make_hook, make_transcript):  # noqa: F811
    hook, other = make_hook("transcript.created"), make_hook("transcript.created")
    made = [str(make_transcript().pk) for _ in range(3)]
    news.read_all()
    seen, cursor = [], ""
    while True:
        page = alices.get(f"/webhooks/{hook.pk}/deliveries?limit=2&cursor={cursor}").json()
        seen += page["items"]
        cursor = page["next"]
        if not cursor:
            break
    assert sorted(one["transcript"] for one in seen) == sorted(made)
    assert [one["id"] for one in seen] == sorted((one["id"] for one in seen), reverse=True)
    Delivery.objects.filter(pk=seen[0]["id"]).update(state="failed", attempts=10, next_at=None)
    failed = alices.get(f"/webhooks/{hook.pk}/deliveries?state=failed").json()["items"]
    assert [one["id"] for one in failed] == [seen[0]["id"]]
    again = alices.post(f"/webhooks/{hook.pk}/deliveries/{seen[0]['id']}/resend").json()
    assert (again["state"], again["attempts"], again["event_id"]) == ("pending", 0, seen[0]["event_id"])
    foreign = Delivery.objects.filter(webhook=other).first()
    assert alices.post(f"/webhooks/{hook.pk}/deliveries/{foreign.pk}/resend").status_code == 404
