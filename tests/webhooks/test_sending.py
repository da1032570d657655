"""Messages on their way: signed, guarded, tried again, once at a time, never lost."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db.models import F
from django.utils import timezone

from tests.conftest import async_db
from tests.webhooks.conftest import INSIDE, is_genuine
from transcripts import news, services
from transcripts.media.errors import BlockedUrl
from transcripts.media.post import post
from transcripts.models import (
    Act,
    AuditEntry,
    Delivery,
    DeliveryState,
    EventKind,
    LogCursor,
    State,
    Transcript,
    Webhook,
    WebhookEvent,
)  # fmt: skip
from transcripts.models.log import Entry, append
from transcripts.webhooks import managing, schedule, sending, signing
from transcripts.webhooks.queueing import forget_old

pytestmark = async_db
INSIDE_URLS = ["http://127.0.0.1/", "http://[::1]/x", "http://10.0.0.8/", "ftp://example.org/", "http://localhost/"]


def send(**arguments):
    async_to_sync(sending.Sender(**arguments).run_once)()


def move_time(seconds):
    """Every wait is over so much sooner."""
    passed = timedelta(seconds=seconds)
    Delivery.objects.exclude(next_at=None).update(next_at=F("next_at") - passed)
    Webhook.objects.update(sender="", sender_until=None)
    Webhook.objects.exclude(failing_since=None).update(failing_since=F("failing_since") - passed)


def end(transcript, state=State.COMPLETED):
    append(transcript.pk, [Entry(EventKind.STATE, {"state": state.value})], when={}, changes={"state": state})


def commit(transcript, index, text):
    payload = {"segment": index, "start_ms": index * 1000, "end_ms": index * 1000 + 900, "text": text, "words": []}
    append(transcript.pk, [Entry(EventKind.COMMIT, payload)], when={})


def test_what_happens_to_a_transcript_arrives_in_order_and_signed(make_hook, make_transcript, receiver):
    hook = make_hook(*(event for event in WebhookEvent if event != WebhookEvent.TEST))
    transcript = make_transcript(title="News")
    end(transcript, State.RUNNING)
    commit(transcript, 0, "Good evening.")
    end(transcript)
    news.read_all()
    send()
    assert receiver.kinds == ["transcript.created", "transcript.started", "segment.committed", "transcript.completed"]
    assert all(is_genuine(hook.secret, headers, body) for headers, body in receiver.got)
    assert receiver.messages[2]["data"]["segments"][0]["text"] == "Good evening."
    assert {message["data"]["transcript"]["title"] for message in receiver.messages} == {"News"}
    assert set(Delivery.objects.values_list("state", "status", "answer")) == {("delivered", 200, "thanks")}


def test_a_changed_body_or_another_secret_is_noticed(make_hook, make_transcript, receiver):
    hook = make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    send()
    ((headers, body),) = receiver.got
    assert not is_genuine(hook.secret, headers, body[:-1] + b" ")
    assert not is_genuine(signing.new_secret(), headers, body)
    assert not is_genuine(hook.secret, headers | {"webhook-timestamp": "1"}, body)
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60


def test_only_what_was_chosen_and_what_happened_since_is_told(make_hook, make_transcript, receiver):
    early = make_transcript()
    make_hook(WebhookEvent.COMPLETED)
    end(early)
    late = make_transcript()
    end(late, State.FAILED)
    news.read_all()
    send()
    assert [(message["type"], message["data"]["transcript"]["id"]) for message in receiver.messages] == [
        ("transcript.completed", str(early.pk))
    ]


def test_a_log_that_cannot_be_read_holds_up_no_other(make_hook, make_transcript, receiver, caplog):
    make_hook(events=[WebhookEvent.COMPLETED])
    odd, fine = sorted((make_transcript(title="Odd"), make_transcript(title="Fine")), key=lambda row: row.pk)
    append(odd.pk, [Entry(EventKind.STATE, {"state": "of a later version"})], when={})
    end(fine)
    news.read_all()
    assert "could not be read" in caplog.text
    assert [row.transcript for row in Delivery.objects.all()] == [fine]
    # It is read again as long as it cannot be read, and goes on from there when it can.
    odd.events.filter(payload__state="of a later version").update(payload={"state": State.COMPLETED})
    news.read_all()
    assert {row.transcript for row in Delivery.objects.all()} == {odd, fine}


def test_a_change_takes_back_nothing_that_the_sender_noted_meanwhile(make_hook, alice):
    read = make_hook()
    noted = timezone.now() - timedelta(hours=2)
    Webhook.objects.update(failing_since=noted)
    managing.change(read, alice, read.url, "Described", read.events, enabled=True)
    assert Webhook.objects.get().failing_since == noted
    # It was switched off since it was read: saying that it is on begins anew.
    Webhook.objects.update(is_enabled=False, disabled_code="failing")
    managing.change(read, alice, read.url, "Described", read.events, enabled=True)
    kept = Webhook.objects.get()
    assert (kept.is_enabled, kept.disabled_code, kept.failing_since) == (True, "", None)
    assert kept.since > noted


def test_half_a_character_in_a_text_stops_no_address(make_hook, receiver):
    parcel = sending.parcel(make_hook(), "msg_1", {"text": "\ud83d"})
    assert parcel.body == b'{"text":"\\ud83d"}'


def test_another_team_hears_nothing(make_hook, make_transcript, receiver, other_team):
    make_hook(WebhookEvent.CREATED)
    make_transcript(team=other_team)
    news.read_all()
    send()
    assert receiver.got == []


def test_reading_twice_tells_once(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    news.read_all()
    send()
    send()
    assert receiver.kinds == ["transcript.created"]


def test_a_reader_that_dies_in_the_middle_loses_and_doubles_nothing(make_hook, make_transcript, receiver, monkeypatch):
    """The place in the log and what was found are one transaction."""
    make_hook(WebhookEvent.CREATED)
    transcript = make_transcript()

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(news, "_tell_pages", die)
        with pytest.raises(KeyboardInterrupt):
            news.read_all()
    assert Delivery.objects.count() == 0
    assert LogCursor.objects.get(transcript=transcript).seq == 0
    news.read_all()
    send()
    assert receiver.kinds == ["transcript.created"]


async def test_what_is_read_goes_out_at_once_without_waiting_for_the_next_look(
    make_hook, make_transcript, receiver, monkeypatch
):
    monkeypatch.setattr(sending, "LOOK_S", 600.0)
    await sync_to_async(make_hook)(WebhookEvent.CREATED)
    sender = asyncio.create_task(sending.Sender().run())
    try:
        await asyncio.sleep(0)
        for count in (1, 2):
            await sync_to_async(make_transcript)()
            async with asyncio.timeout(30):
                while len(receiver.got) < count:
                    await sync_to_async(news.read_all)()
                    await asyncio.sleep(0.05)
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
    assert receiver.kinds == ["transcript.created"] * 2


def test_a_sender_that_dies_with_a_message_in_hand_leaves_it_to_the_next(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    held = sending.claim_webhook("the dead one")
    assert held is not None
    assert sending.next_due(held, "the dead one") is not None
    send()
    assert receiver.got == []
    move_time(0)
    Webhook.objects.update(sender="the dead one", sender_until=timezone.now() - timedelta(seconds=1))
    send()
    assert receiver.kinds == ["transcript.created"]


def test_two_senders_never_hold_the_same_address(make_hook, make_transcript):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    assert sending.claim_webhook("one") is not None
    assert sending.claim_webhook("two") is None


def test_who_lost_the_lease_gets_no_more_messages(make_hook, make_transcript):
    hook = make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    sending.claim_webhook("one")
    Webhook.objects.update(sender="two")
    assert sending.next_due(hook.pk, "one") is None


def test_a_failure_is_tried_again_by_the_schedule_under_the_same_id(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    receiver.status = 500
    send()
    row = Delivery.objects.get()
    assert (row.state, row.attempts, row.code, row.status) == ("pending", 1, "receiver_refused", 500)
    assert row.next_at is not None
    assert row.tried_at is not None
    assert 2 <= (row.next_at - row.tried_at).total_seconds() <= 8
    send()
    assert len(receiver.got) == 1
    move_time(10)
    receiver.status = 204
    send()
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert Delivery.objects.get().state == DeliveryState.DELIVERED
    assert Webhook.objects.get().failing_since is None


def test_the_schedule_takes_three_days_and_then_ends():
    waits = [schedule.delay(attempt, 0.5) for attempt in range(1, 11)]
    assert waits[:4] == [5, 300, 1800, 7200]
    assert waits[-1] is None
    assert 3 * 86400 < sum(wait or 0 for wait in waits) < 3.5 * 86400
    assert (schedule.delay(2, 0.0), schedule.delay(2, 1.0)) == (150, 450)


def test_an_address_that_fails_for_days_is_switched_off_with_a_reason(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    receiver.status = 503
    for _ in range(20):
        send()
        move_time(86400)
    hook = Webhook.objects.get()
    assert (hook.is_enabled, hook.disabled_code) == (False, "failing")
    assert 3 <= len(receiver.got) <= 10
    assert AuditEntry.objects.get(act=Act.WEBHOOK_CHANGED).details == {"switched_off": "failing"}


def test_a_receiver_that_is_gone_is_switched_off_at_once(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    receiver.status = 410
    send()
    assert Webhook.objects.get().disabled_code == "gone"


def test_a_failing_message_does_not_hold_up_the_next(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED, WebhookEvent.COMPLETED)
    transcript = make_transcript()
    news.read_all()
    receiver.status = 500
    send()
    receiver.status = 200
    end(transcript)
    news.read_all()
    send()
    assert list(Delivery.objects.order_by("id").values_list("state", flat=True)) == ["pending", "delivered"]


def test_both_secrets_sign_for_a_day_after_a_rotation(make_hook, make_transcript, receiver, alice):
    hook = make_hook(WebhookEvent.CREATED)
    old = hook.secret
    new = managing.rotate(hook, alice)
    make_transcript()
    news.read_all()
    send()
    Webhook.objects.update(old_until=timezone.now() - timedelta(seconds=1))
    make_transcript()
    news.read_all()
    send()
    verdicts = [[is_genuine(secret, headers, body) for secret in (old, new)] for headers, body in receiver.got]
    assert verdicts == [[True, True], [False, True]]


def test_a_long_answer_is_cut_and_cleaned(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    receiver.answer = b"<b>no\x00 \x1b[31m" + b"x" * 50_000_000
    receiver.status = 400
    send()
    answer = Delivery.objects.get().answer
    assert answer.startswith("<b>no [31mxxx")
    assert len(answer) == 500


def test_a_redirect_is_not_followed(make_hook, make_transcript, receiver, canary):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    receiver.status, receiver.location = 302, canary.url
    send()
    assert Delivery.objects.get().code == "receiver_refused"
    assert canary.got == []


@pytest.mark.parametrize("url", INSIDE_URLS)
def test_an_inside_address_is_refused_when_it_is_saved(team, alice, url):
    with pytest.raises(BlockedUrl):
        managing.make(team, alice, url, "", [])
    assert not Webhook.objects.exists()


def test_an_inside_address_is_refused_again_when_it_is_sent_to(make_hook, make_transcript, canary):
    make_hook(WebhookEvent.CREATED, url=canary.url)
    make_transcript()
    news.read_all()
    send()
    assert Delivery.objects.get().code == "url_address"
    assert canary.got == []


def test_a_name_that_turns_inside_after_it_was_saved_is_refused(make_hook, make_transcript, canary, team, alice):
    """DNS rebinding: the name was fine, its address today is not."""
    hook, _secret = managing.make(team, alice, f"http://hooks.sttweb.org:{canary.port}/", "", ["transcript.created"])
    make_transcript()
    news.read_all()

    async def rebound(_host):
        return [ipaddress.ip_address(INSIDE)]

    send(resolver=rebound)
    assert Delivery.objects.get(webhook=hook).code == "url_address"
    assert canary.got == []


def test_a_receiver_that_says_nothing_is_given_up_after_the_time(make_hook, receiver, monkeypatch):
    monkeypatch.setattr("transcripts.webhooks.sending.post", _short_post)
    gate = threading.Event()
    receiver.before = lambda: gate.wait(30)
    outcome = async_to_sync(managing.test)(make_hook())
    gate.set()
    assert outcome.code in {"source_timeout", "source_too_slow"}


async def _short_post(*arguments, **named):
    return await post(*arguments, **named, total_s=0.3)


def test_the_secret_is_not_in_the_table(make_hook):
    hook = make_hook()
    column = Webhook.objects.extra(select={"raw": "secret"}).values_list("raw", flat=True).get()
    assert hook.secret not in str(column)


def test_deliveries_go_with_their_transcript_and_with_time(make_hook, make_transcript, settings):
    make_hook(WebhookEvent.CREATED)
    transcript = make_transcript()
    other = make_transcript()
    news.read_all()
    services.delete(transcript)
    assert Delivery.objects.count() == 1
    send()
    assert forget_old() == 0
    Delivery.objects.update(made_at=timezone.now() - timedelta(days=31))
    assert forget_old() == 1
    assert Transcript.objects.filter(pk=other.pk).exists()


def test_resending_sends_the_same_message_again(make_hook, make_transcript, receiver):
    make_hook(WebhookEvent.CREATED)
    make_transcript()
    news.read_all()
    send()
    managing.resend(Delivery.objects.get())
    send()
    (first, body), (second, again) = receiver.got
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
