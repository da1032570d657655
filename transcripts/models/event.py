"""The append-only log: everything lasting that happened to a transcript, numbered without holes."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript


class EventKind(models.TextChoices):
    """What an event says; the names are the wire's own (see `live/events.py`)."""

    STATE = "state", _("State")
    SESSION = "session", _("Provider session")
    COMMIT = "commit", _("Committed text")
    GAP = "gap", _("Gap")
    NOTICE = "notice", _("Notice")
    ANNOTATION = "annotation", _("Annotation")
    REVISE = "revise", _("Correction")
    SOURCE = "source", _("Source")
    REVIEW = "review", _("Review")
    FLAG = "flag", _("Flag")
    COMMENT = "comment", _("Comment")


#: What did not go well, for those who watch over everything.
TROUBLE = (EventKind.NOTICE, EventKind.GAP)


class AppendOnly(Exception):
    """An event was about to be changed or deleted by itself; the log is only ever appended to."""


class Event(models.Model):
    """One numbered fact. Written only by the recorder and by services, never changed."""

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="events")
    #: 1, 2, 3 … within the transcript, allocated by the statement that checks the fence.
    seq = models.BigIntegerField()
    #: The claim under which it was written (0: by a person).
    epoch = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=12, choices=EventKind)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["transcript", "seq"], name="one_event_per_number")]
        # Few rows among many, asked for by time (upkeep/numbers.py): what went wrong lately, in all transcripts.
        indexes = [models.Index(fields=["at"], name="trouble_by_time", condition=models.Q(kind__in=TROUBLE))]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse to change a stored event. Raises AppendOnly."""
        if not self._state.adding:
            raise AppendOnly("Events are never changed.")
        super().save(*args, **kwargs)
