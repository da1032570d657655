"""What goes in and out of the API around webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from transcripts.api.schemas import NO_NUL, Line, OneOf, Strict, example
from transcripts.models import WebhookEvent

EventName = Annotated[str, OneOf(event.value for event in WebhookEvent if event != WebhookEvent.TEST)]
Address = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=NO_NUL)]


class WebhookIn(Strict):
    """An address, and what it is told of."""

    model_config = example(url="https://hooks.example.org/sttweb", events=["transcript.completed", "alert.hit"])

    url: Address = Field(description="reached over the internet; redirects are not followed")
    description: Line = ""
    events: list[EventName] = Field(min_length=1, max_length=20, description="docs/webhooks.md says what each holds")


class WebhookPatch(Strict):
    """What to change; what is left out stays. Switched on again, what happened meanwhile is not told."""

    model_config = example(is_enabled=False)

    url: Address = Field(None)  # type: ignore[assignment]
    description: Line = Field(None)  # type: ignore[assignment]
    events: list[EventName] = Field(None, min_length=1, max_length=20)  # type: ignore[arg-type]
    is_enabled: bool = Field(None)  # type: ignore[assignment]


class WebhookOut(Schema):
    """A webhook; its secret is shown when it is made and when it is changed, never here."""

    id: UUID
    url: str
    description: str
    events: list[str]
    is_enabled: bool
    disabled_code: str = Field(description="why it was switched off by itself: failing, gone; empty otherwise")
    failing_since: datetime | None
    created_at: datetime


class WebhooksOut(Schema):
    """The team's webhooks."""

    items: list[WebhookOut]


class WebhookMade(WebhookOut):
    """A webhook with its secret, which nobody can ask for again."""

    secret: str = Field(description="whsec_…: verify messages with it")


class SecretOut(Schema):
    """Another secret; the one before signs too for 24 hours."""

    secret: str


class OutcomeOut(Schema):
    """How a test went. ``step`` says in words which step failed."""

    delivered: bool
    code: str
    message: str
    step: str
    status: int | None
    took_ms: int | None
    answer: str = Field(description="the beginning of the receiver's answer")


class DeliveryOut(Schema):
    """One message for one address: how often it was tried, and what the receiver said last."""

    id: int
    event_id: str = Field(description="the header webhook-id, the same for every try")
    type: str
    transcript: UUID | None
    state: str = Field(description="pending, delivered or failed")
    attempts: int
    next_at: datetime | None
    tried_at: datetime | None
    code: str
    message: str
    status: int | None
    took_ms: int | None
    answer: str
    made_at: datetime
    payload: dict[str, Any]


class DeliveriesOut(Schema):
    """A page of the log, the newest first. ``next``: the cursor of what follows; empty at the end."""

    items: list[DeliveryOut]
    next: str
