"""Comments: what people of a team say to each other about a transcript, beside its text and never part of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript


class CommentQuerySet(models.QuerySet["Comment"]):
    """Ways to ask for comments."""

    def threads(self) -> CommentQuerySet:
        """Those that are no answers."""
        return self.filter(parent=None)

    def in_order(self) -> CommentQuerySet:
        """By the place in the sound, then as they were written."""
        return self.order_by("start_ms", "id")


class Comment(models.Model):
    """A remark on a passage (``segment``) or on a time, or with a ``parent`` an answer to one: there is one level of
    answers. Written by `reviewing.comments` only. One without text was deleted and stays for its answers."""

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="comments")
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="replies")
    #: Index of the segment; None for a remark on a time, or on the whole.
    segment = models.PositiveIntegerField(_("segment"), null=True, blank=True)
    #: Where in the sound, in ms.
    start_ms = models.BigIntegerField(default=0)
    text = models.TextField(_("text"), blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)
    #: Rises with each change of its words, so that of two changes at once one is told.
    version = models.PositiveIntegerField(default=0, db_default=0)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    #: When somebody said that nothing is left to do, and who.
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_name = models.CharField(max_length=150, blank=True)

    objects = CommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["start_ms", "id"]
        indexes = [models.Index(fields=["transcript", "start_ms"], name="comment_by_time")]

    def __str__(self) -> str:
        return self.text[:60]
