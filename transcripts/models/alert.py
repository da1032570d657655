"""Words that a team watches for, and each time that they were said."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Transcript


class Watchlist(models.Model):
    """Terms, where they are watched for, and when nobody wants to hear of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.CASCADE, related_name="watchlists")
    name = models.CharField(_("name"), max_length=100)
    #: Words or phrases; a ``*`` at the end of a word stands for any ending.
    terms = models.JSONField(_("terms"), default=list)
    #: Other endings and other accents count too (`alerts.matching.is_form`).
    any_form = models.BooleanField(_("any form of these words"), default=False, db_default=False)
    #: Language codes, and parts of titles or links; nothing: all.
    languages = models.JSONField(_("languages"), default=list, blank=True)
    sources = models.JSONField(_("sources"), default=list, blank=True)
    live_only = models.BooleanField(_("only live sources"), default=False)
    #: From and until when, by the clock of ``time_zone``, hits are kept but nobody is told.
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    tells_pages = models.BooleanField(_("tell open pages"), default=True)
    tells_webhooks = models.BooleanField(_("tell webhooks"), default=True)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    #: Nothing that was said earlier is matched: when it was made, or switched on again.
    since = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("watchlist")
        verbose_name_plural = _("watchlists")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Hit(models.Model):
    """A term was heard: where, and the words around it. It goes with its transcript and with its watchlist."""

    id = models.BigAutoField(primary_key=True)
    watchlist = models.ForeignKey(Watchlist, models.CASCADE, related_name="hits")
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="hits")
    #: Number of the event and name of the segment in which it ends.
    seq = models.BigIntegerField()
    segment = models.PositiveIntegerField()
    #: Where it begins on the transcript's clock.
    start_ms = models.BigIntegerField()
    term = models.CharField(_("term"), max_length=100)
    before = models.CharField(max_length=400, blank=True)
    said = models.CharField(_("said"), max_length=200)
    after = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("hit")
        verbose_name_plural = _("hits")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["watchlist", "transcript", "segment", "term"], name="one_hit_per_segment")
        ]
        indexes = [
            models.Index(fields=["watchlist", "-id"], name="hit_feed"),
            models.Index(fields=["watchlist"], name="hit_unseen", condition=models.Q(seen_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.term} {self.start_ms}"


class LogCursor(models.Model):
    """How far a transcript's log was read for webhooks and alerts; moved in the transaction that keeps what it says."""

    transcript = models.OneToOneField(Transcript, models.CASCADE, primary_key=True, related_name="+")
    seq = models.BigIntegerField(default=0)
    #: The last heard words, ``[text, start_ms, end_ms]``, for phrases that cross into the next segment.
    tail = models.JSONField(default=list)

    class Meta:
        verbose_name = _("place in a log")
        verbose_name_plural = _("places in logs")

    def __str__(self) -> str:
        return f"{self.transcript_id} {self.seq}"


class LogWatermark(models.Model):
    """The one row: every log was read that has events up to this number (`Event.id`)."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    event_id = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("place in all logs")
        verbose_name_plural = _("places in all logs")

    def __str__(self) -> str:
        return str(self.event_id)
