"""Committed text as people read and correct it: one row per non-empty commit."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript

#: Indexes from here on belong to segments that people made by splitting; a live stream goes on counting below.
FIRST_SPLIT = 1 << 23


class SegmentQuerySet(models.QuerySet["Segment"]):
    """Ways to ask for segments."""

    def in_order(self) -> SegmentQuerySet:
        """As spoken."""
        return self.order_by("start_ms", "index")

    def newest_first(self) -> SegmentQuerySet:
        """The last one spoken first."""
        return self.order_by("-start_ms", "-index")

    def ahead_of(self, segment: Segment) -> SegmentQuerySet:
        """Those that were spoken before ``segment``."""
        return self.filter(Q(start_ms__lt=segment.start_ms) | Q(start_ms=segment.start_ms, index__lt=segment.index))

    def behind(self, segment: Segment) -> SegmentQuerySet:
        """Those that were spoken after ``segment``."""
        return self.filter(Q(start_ms__gt=segment.start_ms) | Q(start_ms=segment.start_ms, index__gt=segment.index))


class Segment(models.Model):
    """Text for the audio ``[start_ms, end_ms)`` of its transcript.

    ``words`` is a list of ``[text, start_ms, end_ms, confidence or null]`` for the words (spacing left out; audio
    events carry a fifth item, their kind).
    """

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="segments")
    #: Its name within the transcript, for ever: 0, 1, 2 … as committed; from FIRST_SPLIT on, made by splitting one.
    index = models.PositiveIntegerField()
    #: Number of the event that made it (split ones: that made what they were split from).
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
    #: Raised by every correction (`reviewing.editing`); 0 is the text as it was heard.
    version = models.PositiveIntegerField(default=0, db_default=0)
    #: A person read it and found it right, in this version.
    is_checked = models.BooleanField(_("checked"), default=False, db_default=False)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        # Parts of a split segment stand between their neighbours, whatever their index.
        ordering = ["start_ms", "index"]
        constraints = [models.UniqueConstraint(fields=["transcript", "index"], name="one_segment_per_index")]
        indexes = [
            models.Index(fields=["transcript", "start_ms"], name="segment_by_time"),
            # The few of a transcript that the library is asked for.
            models.Index(fields=["transcript"], name="segment_unconfirmed", condition=models.Q(unconfirmed=True)),
            models.Index(fields=["speaker", "transcript"], name="segment_by_speaker", condition=~models.Q(speaker="")),
        ]

    def __str__(self) -> str:
        return self.text[:60]
