"""Flags: places of a transcript that a person should look at, and how far it has been searched for them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript


class FlagKind(models.TextChoices):
    """Why a person should look. All but the last are found by `reviewing.detectors`, whose names these are."""

    CONFIDENCE = "confidence", _("Low confidence")
    UNCONFIRMED = "unconfirmed", _("Never confirmed")
    GAP = "gap", _("Audio missing")
    LOOP = "loop", _("Repeats itself")
    SILENCE = "silence", _("Text where nobody speaks")
    RATE = "rate", _("Faster than anyone speaks")
    REFRAIN = "refrain", _("The same words in many pauses")
    PERSON = "person", _("Flagged by a person")


#: What one flag of a kind, at full score, adds to how much its transcript needs a person.
WEIGHTS: dict[FlagKind, float] = {
    FlagKind.CONFIDENCE: 1.0,
    FlagKind.UNCONFIRMED: 2.0,
    FlagKind.GAP: 2.0,
    FlagKind.LOOP: 3.0,
    FlagKind.SILENCE: 3.0,
    FlagKind.RATE: 2.0,
    FlagKind.REFRAIN: 2.0,
    FlagKind.PERSON: 4.0,
}


class FlagState(models.TextChoices):
    """Whether somebody still has to look."""

    OPEN = "open", _("Open")
    RESOLVED = "resolved", _("Mended")
    DISMISSED = "dismissed", _("Dismissed")


class FlagQuerySet(models.QuerySet["Flag"]):
    """Ways to ask for flags."""

    def left(self) -> FlagQuerySet:
        """Those that nobody has answered."""
        return self.filter(state=FlagState.OPEN)

    def in_order(self) -> FlagQuerySet:
        """As spoken."""
        return self.order_by("start_ms", "id")


class Flag(models.Model):
    """One reason to look at one place; never a change of text. Written by `reviewing.flags` and `.scanning`."""

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="flags")
    #: Index of the segment; None for a gap, which lies between segments.
    segment = models.PositiveIntegerField(_("segment"), null=True, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=FlagKind)
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField()
    #: How sure the detector is, 0..1; 1 for people.
    score = models.FloatField(_("score"), default=1.0)
    #: Small facts for the reason: a number of words, of repetitions, a gap's reason, a person's note.
    details = models.JSONField(default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=FlagState, default=FlagState.OPEN)
    #: Who raised it (a person's) or answered it last, and when.
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = FlagQuerySet.as_manager()

    class Meta:
        verbose_name = _("flag")
        verbose_name_plural = _("flags")
        ordering = ["start_ms", "id"]
        # A kind flags a moment once: searching twice finds the same flags, answered ones stay answered.
        constraints = [models.UniqueConstraint(fields=["transcript", "kind", "start_ms"], name="one_flag_per_moment")]
        indexes = [
            models.Index(fields=["transcript", "start_ms"], name="flag_by_time"),
            models.Index(fields=["kind", "transcript"], name="flag_open", condition=models.Q(state="open")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.start_ms} ms"

    @property
    def is_open(self) -> bool:
        """Nobody has answered it."""
        return self.state == FlagState.OPEN


def _no_confidences() -> list[int]:
    return []


class Scan(models.Model):
    """How far a transcript was searched for flags, and what that came to. Made at the first search."""

    transcript = models.OneToOneField(Transcript, models.CASCADE, primary_key=True, related_name="scan")
    #: The log was searched up to this event, the text up to before this index.
    seq = models.BigIntegerField(default=0)
    segments = models.PositiveIntegerField(default=0)
    #: Nothing more will come: the transcript had ended when it was searched.
    is_settled = models.BooleanField(default=False)
    #: Words with a confidence so far, those among them that were low when they were read, and how many lie in each
    #: step of 0..1: the median without reading all words again.
    words = models.PositiveIntegerField(default=0)
    low_words = models.PositiveIntegerField(_("low words"), default=0)
    confidences: models.JSONField[Any, list[int]] = models.JSONField(default=_no_confidences, blank=True)
    #: Open flags, and the sum of their weights by score.
    flags_left = models.PositiveIntegerField(_("flags left"), default=0)
    weight = models.FloatField(default=0.0)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("search for flags")
        verbose_name_plural = _("searches for flags")

    def __str__(self) -> str:
        return f"{self.transcript_id} up to {self.seq}"
