"""Messages become rows, one for each address that wants them, in the caller's transaction. Sending comes later."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from transcripts.models import Delivery, DeliveryState, Transcript, Webhook, WebhookEvent
from transcripts.webhooks.messages import Message


def listening(team_id: UUID) -> list[Webhook]:
    """The team's addresses that are switched on; their secrets are not read."""
    return list(Webhook.objects.filter(team=team_id, is_enabled=True).defer("secret", "old_secret"))


def queue(webhooks: Sequence[Webhook], transcript: Transcript, messages: Iterable[Message]) -> int:
    """Add the deliveries of ``messages``, in their order; how many there are. One that is there already stays one."""
    rows = [
        _row(webhook, transcript, message)
        for message in messages
        for webhook in webhooks
        if str(message.kind) in webhook.events and message.at >= webhook.since
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _row(webhook: Webhook, transcript: Transcript, message: Message) -> Delivery:
    return Delivery(
        webhook=webhook,
        transcript=transcript,
        event_id=message.id,
        kind=str(message.kind),
        payload=message.payload,
        next_at=timezone.now(),
    )


def forget_old() -> int:
    """Remove deliveries past STTWEB_WEBHOOK_LOG_DAYS that are not waiting any more; how many."""
    before = timezone.now() - timedelta(days=settings.STTWEB_WEBHOOK_LOG_DAYS)
    old = Delivery.objects.filter(made_at__lt=before).exclude(state=DeliveryState.PENDING)
    return old.delete()[0]


#: What a new address is told of unless somebody chooses otherwise.
USUAL = [
    WebhookEvent.COMPLETED,
    WebhookEvent.FAILED,
    WebhookEvent.PAUSED,
    WebhookEvent.APPROVED,
    WebhookEvent.RETURNED,
    WebhookEvent.REOPENED,
    WebhookEvent.ALERT,
]
