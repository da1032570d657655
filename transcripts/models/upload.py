"""An upload that is on its way: what was announced, how much of it is here, and until when it is waited for."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Engine, Transcript


class Upload(models.Model):
    """A file that arrives in parts. Only the person who began it goes on with it; sizes are bytes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    #: What the file was called: shown, and never a path.
    name = models.CharField(_("name"), max_length=200)
    size = models.BigIntegerField(_("bytes"))
    #: Everything before this byte is here; raised by compare-and-set, under the lock of the file.
    received = models.BigIntegerField(_("received"), default=0)
    media_key = models.CharField(max_length=100, editable=False)

    # How it is to be transcribed, as in Transcript.
    engine = models.CharField(_("engine"), max_length=12, choices=Engine, default=Engine.EMBEDDED)
    options = models.JSONField(_("options"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)

    #: What became of it; kept for a while, so that an answer that was lost can be asked for again.
    transcript = models.ForeignKey(Transcript, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("begun"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(received__gte=0) & models.Q(received__lte=models.F("size")),
                name="upload_received_within",
            )
        ]
        indexes = [models.Index(fields=["expires_at"], name="upload_by_end")]

    def __str__(self) -> str:
        return self.name
