"""What those who manage a team do with its webhooks. Each verb is one transaction with its audit entry.

Callers have been through `access.py` (Right.MANAGE).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts import auditing
from transcripts.jobs.source import policy
from transcripts.media.guard import judge_url
from transcripts.models import Act, Delivery, DeliveryState, Team, Webhook, WebhookEvent
from transcripts.sealing import Unreadable
from transcripts.webhooks import sending, signing

#: Webhooks that a team may have.
MOST = 20
#: How long the earlier secret still signs after a rotation.
BOTH = timedelta(hours=24)


class TooManyWebhooks(Exception):
    """The team has as many as it may have."""

    code = "too_many_webhooks"


@transaction.atomic
def make(team: Team, person: User, url: str, description: str, events: Sequence[str]) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown this once. Raises BlockedUrl and TooManyWebhooks."""
    judged = str(judge_url(url, policy()))
    Team.objects.select_for_update().get(pk=team.pk)
    if Webhook.objects.filter(team=team).count() >= MOST:
        raise TooManyWebhooks
    secret = signing.new_secret()
    webhook = Webhook.objects.create(
        team=team, url=judged, description=description, events=list(events), secret=secret, created_by=person
    )
    auditing.record(Act.WEBHOOK_MADE, actor=person, team=team, target=webhook, events=list(events))
    return webhook, secret


@transaction.atomic
def change(webhook: Webhook, person: User, url: str, description: str, events: Sequence[str], *, enabled: bool) -> None:
    """Change it. Switched on again it begins anew: what happened meanwhile is not told. Raises BlockedUrl."""
    # As it is now: the sender may have switched it off since the caller read it.
    again = enabled and not Webhook.objects.select_for_update().values_list("is_enabled", flat=True).get(pk=webhook.pk)
    fields = ["url", "description", "events", "is_enabled"]
    webhook.url, webhook.description, webhook.events = str(judge_url(url, policy())), description, list(events)
    webhook.is_enabled = enabled
    if again:
        webhook.since, webhook.failing_since = timezone.now(), None
        fields += ["since", "failing_since"]
    if again or not enabled:
        webhook.disabled_code = ""
        fields.append("disabled_code")
    webhook.save(update_fields=fields)
    auditing.record(
        Act.WEBHOOK_CHANGED, actor=person, team=webhook.team_id, target=webhook, events=list(events), enabled=enabled
    )


@transaction.atomic
def rotate(webhook: Webhook, person: User) -> str:
    """A new secret, shown this once; the one before signs too for BOTH, if it can still be read."""
    secret = signing.new_secret()
    try:
        webhook.old_secret = Webhook.objects.get(pk=webhook.pk).secret
        webhook.old_until = timezone.now() + BOTH
    except Unreadable:
        webhook.old_secret, webhook.old_until = "", None
    webhook.secret = secret
    webhook.save(update_fields=["secret", "old_secret", "old_until"])
    auditing.record(Act.WEBHOOK_CHANGED, actor=person, team=webhook.team_id, target=webhook, secret="rotated")  # noqa: S106
    return secret


@transaction.atomic
def remove(webhook: Webhook, person: User) -> None:
    """Delete it with its log; what waits is not sent."""
    auditing.record(Act.WEBHOOK_DELETED, actor=person, team=webhook.team_id, target=webhook)
    webhook.delete()


@transaction.atomic
def resend(delivery: Delivery) -> None:
    """Send it again soon, with the whole schedule before it; receivers know it by its id."""
    values = {"state": DeliveryState.PENDING, "attempts": 0, "next_at": timezone.now()}
    Delivery.objects.filter(pk=delivery.pk).update(**values)


async def test(webhook: Webhook) -> sending.Outcome:
    """Send ``webhook.test`` now, once, and say how that went."""
    event_id, payload = f"msg_{uuid4().hex}", {"type": str(WebhookEvent.TEST)}
    payload |= {"timestamp": timezone.now().isoformat(timespec="milliseconds")}
    body = payload | {"data": {"webhook": str(webhook.pk), "text": "This is a test."}}
    try:
        secrets = await Webhook.objects.aget(pk=webhook.pk)
        outcome = await sending.try_once(sending.parcel(secrets, event_id, body))
    except Unreadable as error:
        outcome = sending.Outcome(error.code, error.message)
    row = Delivery(webhook=webhook, event_id=event_id, kind=str(WebhookEvent.TEST), payload=body)
    sending.note(row, outcome)
    await row.asave()
    return outcome
