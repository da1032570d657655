"""The team's webhooks and the log of what was sent. Scope `manage`."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import Http404
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from transcripts import access
from transcripts.access import Right
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.hookschemas import (
    DeliveriesOut,
    DeliveryOut,
    OutcomeOut,
    SecretOut,
    WebhookIn,
    WebhookMade,
    WebhookOut,
    WebhookPatch,
    WebhooksOut,
)
from transcripts.api.paging import MOST_ID, PageQuery, newest_first
from transcripts.api.schemas import OneOf
from transcripts.jobs.clean import clean_text
from transcripts.media.errors import BlockedUrl
from transcripts.models import Delivery, DeliveryState, Webhook
from transcripts.views.webhooks import step_of
from transcripts.webhooks import managing

router = Router(tags=["webhooks"])
ONE = "/{uuid:webhook_id}"
StateName = Annotated[str, OneOf(DeliveryState.values)]


class DeliveriesQuery(PageQuery):
    """Which part of the log."""

    state: StateName | SkipJsonSchema[None] = Field(None, description="only those that stand so")


def _held(request: HolderRequest, webhook_id: UUID) -> Webhook:
    """The webhook, if it is the team's and the token may manage it. Raises Http404, PermissionDenied."""
    held = request.auth
    access.require(held, Right.MANAGE)
    found = Webhook.objects.defer("secret", "old_secret").filter(pk=webhook_id, team=held.team).first()
    if found is None:
        raise Http404("No such webhook.")
    return found


def _shown(hook: Webhook) -> dict[str, Any]:
    names = ("url", "description", "events", "is_enabled", "disabled_code", "failing_since", "created_at")
    return {name: getattr(hook, name) for name in names} | {"id": hook.pk}


def _bad_address(error: BlockedUrl) -> Refusal:
    return Refusal(error.code, _(error.message), _(error.next_step) if error.next_step else "", fields={"url": []})


@router.get("", response=WebhooksOut)
def list_webhooks(request: HolderRequest) -> dict[str, Any]:
    """The team's webhooks. Scope `manage`."""
    access.require(request.auth, Right.MANAGE)
    hooks = Webhook.objects.filter(team=request.auth.team).defer("secret", "old_secret")
    return {"items": [_shown(hook) for hook in hooks]}


@router.post("", response={201: WebhookMade})
def make_webhook(request: HolderRequest, data: WebhookIn) -> Status[dict[str, Any]]:
    """Tell an address what happens in the team. Its `secret` is in the answer, this once. Scope `manage`."""
    held = request.auth
    access.require(held, Right.MANAGE)
    events = list(dict.fromkeys(data.events))
    try:
        hook, secret = managing.make(held.team, held.person, data.url, clean_text(data.description), events)
    except BlockedUrl as error:
        raise _bad_address(error) from error
    except managing.TooManyWebhooks as error:
        message = _("This team has as many webhooks as it may have. Delete one first.")
        raise Refusal(error.code, message) from error
    return Status(201, _shown(hook) | {"secret": secret})


@router.get(ONE, response=WebhookOut)
def read_webhook(request: HolderRequest, webhook_id: UUID) -> dict[str, Any]:
    """One webhook and how it fares. Scope `manage`."""
    return _shown(_held(request, webhook_id))


@router.patch(ONE, response=WebhookOut)
def change_webhook(request: HolderRequest, webhook_id: UUID, data: WebhookPatch) -> dict[str, Any]:
    """Change it, or switch it on and off. Scope `manage`."""
    hook = _held(request, webhook_id)
    given = data.model_dump(exclude_unset=True)
    url, description = given.get("url", hook.url), clean_text(given.get("description", hook.description))
    events = list(dict.fromkeys(given.get("events", hook.events)))
    try:
        enabled = given.get("is_enabled", hook.is_enabled)
        managing.change(hook, request.auth.person, url, description, events, enabled=enabled)
    except BlockedUrl as error:
        raise _bad_address(error) from error
    return _shown(hook)


@router.delete(ONE, response={204: None})
def delete_webhook(request: HolderRequest, webhook_id: UUID) -> Status[None]:
    """Delete it with its log; what waits is not sent. Scope `manage`."""
    managing.remove(_held(request, webhook_id), request.auth.person)
    return Status(204, None)


@router.post(ONE + "/secret", response=SecretOut)
def rotate_secret(request: HolderRequest, webhook_id: UUID) -> dict[str, str]:
    """Another secret, shown this once; the one before signs too for 24 hours. Scope `manage`."""
    return {"secret": managing.rotate(_held(request, webhook_id), request.auth.person)}


@router.post(ONE + "/test", response=OutcomeOut)
def test_webhook(request: HolderRequest, webhook_id: UUID) -> dict[str, Any]:
    """Send `webhook.test` now, once, and say how that went. Scope `manage`."""
    outcome = async_to_sync(managing.test)(_held(request, webhook_id))
    answer = outcome.answer
    return {
        "delivered": not outcome.code,
        "code": outcome.code,
        "message": outcome.message,
        "step": step_of(outcome.code) if outcome.code else "",
        "status": answer.status if answer else None,
        "took_ms": answer.took_ms if answer else None,
        "answer": clean_text(answer.body.decode("utf-8", "replace"), 500) if answer else "",
    }


@router.get(ONE + "/deliveries", response=DeliveriesOut)
def list_deliveries(request: HolderRequest, webhook_id: UUID, query: Query[DeliveriesQuery]) -> dict[str, Any]:
    """What was sent and how it was answered, the newest first. Scope `manage`."""
    rows = Delivery.objects.filter(webhook=_held(request, webhook_id))
    if query.state:
        rows = rows.filter(state=query.state)
    page, following = newest_first(rows, query)
    return {"items": [_sent(row) for row in page], "next": following}


@router.post(ONE + "/deliveries/{int:delivery_id}/resend", response=DeliveryOut)
def resend_delivery(request: HolderRequest, webhook_id: UUID, delivery_id: int) -> dict[str, Any]:
    """Send one message again soon, under its id. Scope `manage`."""
    hook = _held(request, webhook_id)
    row = Delivery.objects.filter(webhook=hook, pk=delivery_id).first() if delivery_id <= MOST_ID else None
    if row is None:
        raise Http404("No such delivery.")
    managing.resend(row)
    row.refresh_from_db()
    return _sent(row)


def _sent(row: Delivery) -> dict[str, Any]:
    names = (
        "event_id", "state", "attempts", "next_at", "tried_at", "code", "message", "status", "took_ms", "answer",
        "made_at", "payload",
    )  # fmt: skip
    values = {name: getattr(row, name) for name in names}
    return values | {"id": row.pk, "type": row.kind, "transcript": row.transcript_id}
