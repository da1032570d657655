"""What was erased: a tombstone for each transcript or recording, so that a restored backup forgets it again."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Erased(models.TextChoices):
    """How much is gone."""

    ALL = "all", _("Text and recording")
    MEDIA = "media", _("Recording")


class Why(models.TextChoices):
    """What made it go."""

    DELETED = "deleted", _("Deleted by a person")
    RETENTION = "retention", _("The team's retention")
    REPLAYED = "replayed", _("Erased before the backup was restored")


class Erasure(models.Model):
    """Written in the transaction that removes the rows; the files follow. Holds ids and times, no content.

    ``finished_at`` stays empty until the files are gone as well, so this is also the list of what is left to do.
    """

    id = models.BigAutoField(primary_key=True)
    transcript = models.UUIDField(_("transcript"), db_index=True)
    team = models.UUIDField(_("team"))
    what = models.CharField(_("what"), max_length=10, choices=Erased, default=Erased.ALL)
    why = models.CharField(_("why"), max_length=12, choices=Why, default=Why.DELETED)
    #: A pseudonym of the person: the same for the same person, and meaningless without the secret key.
    who = models.CharField(_("who"), max_length=16, blank=True)
    #: The file that is still to be removed; empty once it is.
    media_key = models.CharField(max_length=100, blank=True, editable=False)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], name="erasure_unfinished", condition=models.Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.transcript} {self.what}"
