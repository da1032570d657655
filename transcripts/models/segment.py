"""Committed text as people read and correct it: one row per non-empty commit."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript


class Segment(models.Model):
    """Text for the audio ``[start_ms, end_ms)`` of its transcript.

    ``words`` is a list of ``[text, start_ms, end_ms, confidence or null]`` for the words (spacing left out; audio
    events carry a fifth item, their kind).
    """

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="segments")
    #: 0, 1, 2 … in the order spoken.
    index = models.PositiveIntegerField()
    #: Number of the event that made it.
    seq = models.BigIntegerField()
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField()
    text = models.TextField(_("text"))
    words = models.JSONField(default=list, blank=True)
    language = models.CharField(max_length=16, blank=True)
    speaker = models.CharField(max_length=80, blank=True)
    #: Mean word confidence 0..1, or null when the engine gives none.
    confidence = models.FloatField(null=True, blank=True)
    #: Kept although the provider never confirmed it.
    unconfirmed = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["transcript", "index"], name="one_segment_per_index")]
        indexes = [
            models.Index(fields=["transcript", "start_ms"], name="segment_by_time"),
            # The few of a transcript that the library is asked for.
            models.Index(fields=["transcript"], name="segment_unconfirmed", condition=models.Q(unconfirmed=True)),
            models.Index(fields=["speaker", "transcript"], name="segment_by_speaker", condition=~models.Q(speaker="")),
        ]

    def __str__(self) -> str:
        return self.text[:60]
