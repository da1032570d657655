"""Keys under which programs submit, so that a request that is sent twice makes one transcript."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Transcript


class SubmitKey(models.Model):
    """One ``Idempotency-Key`` of a person in a team, what was sent with it, and what it made."""

    id = models.BigAutoField(primary_key=True)
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    #: SHA-256 of the request, in hex.
    request = models.CharField(max_length=64)
    #: Empty once that was deleted.
    transcript = models.ForeignKey(Transcript, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("submission key")
        verbose_name_plural = _("submission keys")
        constraints = [models.UniqueConstraint(fields=["team", "person", "key"], name="one_submission_per_key")]

    def __str__(self) -> str:
        return self.key
