"""Where a team wants to be told what happens, and every telling: one row for each message and address."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Transcript
from transcripts.sealing import SealedField


class WebhookEvent(models.TextChoices):
    """What one may be told of; the names are those of the messages. No choices of a column: more need no migration."""

    CREATED = "transcript.created", _("A transcript was made")
    STARTED = "transcript.started", _("Work on it began")
    COMPLETED = "transcript.completed", _("It is complete")
    FAILED = "transcript.failed", _("It failed")
    PAUSED = "transcript.paused", _("It waits for a person")
    CANCELLED = "transcript.cancelled", _("It was cancelled")
    SEGMENT = "segment.committed", _("Text was committed (many messages)")
    APPROVED = "review.approved", _("It was approved")
    RETURNED = "review.returned", _("It was returned to its editor")
    REOPENED = "review.reopened", _("It was opened again")
    COMMENTED = "comment.created", _("Somebody commented or replied")
    RESOLVED = "comment.resolved", _("A comment was resolved")
    ALERT = "alert.hit", _("A watched word was said")
    TEST = "webhook.test", _("Test")


class Webhook(models.Model):
    """An address of a team's own, what it is told of, and how it has answered lately."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.CASCADE, related_name="webhooks")
    url = models.CharField(_("address"), max_length=2048)
    description = models.CharField(_("description"), max_length=200, blank=True)
    #: Names of `WebhookEvent`.
    events = models.JSONField(_("events"), default=list)
    #: ``whsec_…``, sealed. During a rotation messages carry signatures by both, until ``old_until``.
    secret = SealedField(editable=False)
    old_secret = SealedField(blank=True, default="", editable=False)
    old_until = models.DateTimeField(null=True, blank=True, editable=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    #: Why it was switched off by itself: a code (``failing``, ``gone``); empty when a person did.
    disabled_code = models.CharField(max_length=40, blank=True, editable=False)
    #: Nothing that happened earlier is told: when it was made, or switched on again.
    since = models.DateTimeField(default=timezone.now, editable=False)
    #: When the present row of failures began; empty after a success.
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    #: The one sender at a time, and until when nobody else may send.
    sender = models.CharField(max_length=40, blank=True, editable=False)
    sender_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.description or self.url[:80]


class DeliveryState(models.TextChoices):
    """Where a message is."""

    PENDING = "pending", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Given up")


class Delivery(models.Model):
    """One message for one address: what was said, how often it was tried and what the last answer was."""

    id = models.BigAutoField(primary_key=True)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    #: What it tells of; empty for tests. It goes when the transcript goes.
    transcript = models.ForeignKey(Transcript, models.CASCADE, null=True, blank=True, related_name="+")
    #: The same for every try and every address: receivers know by it what they had already.
    event_id = models.CharField(max_length=64)
    kind = models.CharField(_("event"), max_length=40)
    payload = models.JSONField(_("payload"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState, default=DeliveryState.PENDING)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    tried_at = models.DateTimeField(_("last try"), null=True, blank=True)
    #: Our code of what went wrong last; empty after a success.
    code = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=300, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    took_ms = models.PositiveIntegerField(_("ms"), null=True, blank=True)
    #: The beginning of the last answer, cleaned: a stranger's text.
    answer = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id"], name="one_delivery_per_event")]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="delivery_log"),
            models.Index(fields=["next_at"], name="delivery_due", condition=models.Q(state="pending")),
            models.Index(fields=["made_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
