"""Sound that a client sends itself: what form it has, who is sending, and whether more will come."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript


class AudioStream(models.Model):
    """Belongs to a transcript whose sound comes over a socket. The bytes are in the file of its ``media_key``; how many
    they are is the file's own length."""

    transcript = models.OneToOneField(Transcript, models.CASCADE, primary_key=True, related_name="stream")
    #: ``media.formats``: Encoding, Hz, channels.
    encoding = models.CharField(_("encoding"), max_length=12)
    rate = models.PositiveIntegerField(_("sample rate"))
    channels = models.PositiveSmallIntegerField(_("channels"))
    #: The connection that may write; another number here means that it was taken over.
    connection = models.UUIDField(null=True, editable=False)
    #: When a connection last said that it is there; long ago means that nobody will come back.
    touched_at = models.DateTimeField(_("last connected"))
    #: Nothing more is written after this.
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("audio stream")
        verbose_name_plural = _("audio streams")

    def __str__(self) -> str:
        return f"{self.transcript_id} {self.encoding} {self.rate} Hz"
