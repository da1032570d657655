"""Review: where a transcript stands on its way to approval, every version of its text, and who is typing where."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.transcript import Transcript

#: A soft lock that is not renewed for so long has ended (a closed laptop, a lost network).
LOCK_SECONDS = 30


class ReviewState(models.TextChoices):
    """Where a transcript stands. One without a `Review` was never sent to review."""

    OPEN = "open", _("To review")
    RETURNED = "returned", _("Returned")
    APPROVED = "approved", _("Approved")


class Review(models.Model):
    """One per transcript, made when it is sent to review. Changed by `reviewing.flow` only."""

    transcript = models.OneToOneField(Transcript, models.CASCADE, primary_key=True, related_name="review")
    state = models.CharField(_("review"), max_length=10, choices=ReviewState, default=ReviewState.OPEN)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="reviews"
    )
    due_on = models.DateField(_("due"), null=True, blank=True)
    sent_at = models.DateTimeField(_("waiting since"), default=timezone.now)
    #: Who moved it last, when, and why (a return and a reopening have a reason).
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    #: The name as it was, for stamps that outlive the account.
    decided_name = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["sent_at"]
        indexes = [models.Index(fields=["state", "sent_at"], name="review_by_state")]

    def __str__(self) -> str:
        return f"{self.transcript_id} {self.state}"

    @property
    def is_locked(self) -> bool:
        """Approved text is read-only until somebody reopens it with a reason."""
        return self.state == ReviewState.APPROVED


class How(models.TextChoices):
    """What made a version of a segment."""

    EDIT = "edit", _("Corrected")
    SPLIT = "split", _("Split")
    MERGE = "merge", _("Merged")
    REPLACE = "replace", _("Replaced")
    SPEAKER = "speaker", _("Speaker named")
    RESTORE = "restore", _("Restored")


class Revision(models.Model):
    """A version of a segment as it was saved. Version 0, as it was heard, is the commit in the log."""

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="revisions")
    #: Index of the segment, which may have been merged away since.
    segment = models.PositiveIntegerField()
    version = models.PositiveIntegerField()
    how = models.CharField(max_length=10, choices=How)
    #: For a restored one the version, for a split one the index of the segment that it came from.
    origin = models.PositiveIntegerField(null=True, blank=True)
    start_ms = models.BigIntegerField()
    end_ms = models.BigIntegerField()
    text = models.TextField()
    words = models.JSONField(default=list)
    speaker = models.CharField(max_length=80, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    by_name = models.CharField(max_length=150, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("revision")
        verbose_name_plural = _("revisions")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["transcript", "segment", "version"], name="one_revision_per_version")
        ]

    def __str__(self) -> str:
        return f"{self.segment}.{self.version}: {self.text[:60]}"


class EditLockQuerySet(models.QuerySet["EditLock"]):
    """Ways to ask for soft locks."""

    def alive(self) -> EditLockQuerySet:
        """Those that were renewed lately."""
        return self.filter(renewed_at__gt=timezone.now() - timedelta(seconds=LOCK_SECONDS))


class EditLock(models.Model):
    """A person is typing in a segment. Soft: it warns others; what keeps text safe is the version at saving."""

    id = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="edit_locks")
    segment = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    renewed_at = models.DateTimeField(default=timezone.now)

    objects = EditLockQuerySet.as_manager()

    class Meta:
        verbose_name = _("edit lock")
        verbose_name_plural = _("edit locks")
        constraints = [models.UniqueConstraint(fields=["transcript", "segment"], name="one_edit_lock_per_segment")]

    def __str__(self) -> str:
        return f"{self.transcript_id} {self.segment}"
