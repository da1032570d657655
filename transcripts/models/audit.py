"""Who did what to what, when and from where: the record of sensitive acts. Holds names and ids, never speech."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.models.event import AppendOnly


class Act(models.TextChoices):
    """What was done. No choices of the column: a new act is a line here and no migration."""

    SIGNED_IN = "signed_in", _("Signed in")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    SIGNED_OUT = "signed_out", _("Signed out")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    FACTOR_CHANGED = "factor_changed", _("Second factor changed")
    TEAM_CREATED = "team_created", _("Team created")
    TEAM_CHANGED = "team_changed", _("Team settings changed")
    INVITED = "invited", _("Invitation made")
    INVITATION_REVOKED = "invitation_revoked", _("Invitation taken back")
    JOINED = "joined", _("Joined the team")
    LEFT = "left", _("Left the team")
    REMOVED = "removed", _("Removed from the team")
    ROLE_CHANGED = "role_changed", _("Role changed")
    OWNER_CHANGED = "owner_changed", _("Ownership handed over")
    KEY_SET = "key_set", _("Provider key set")
    KEY_REMOVED = "key_removed", _("Provider key removed")
    KEY_TESTED = "key_tested", _("Provider key tested")
    LIMIT_NEAR = "limit_near", _("Usage limit nearly reached")
    LIMIT_REACHED = "limit_reached", _("Usage limit reached")
    LIMIT_CHANGED = "limit_changed", _("Usage limit changed")
    TOKEN_MADE = "token_made", _("API token made")
    TOKEN_REVOKED = "token_revoked", _("API token revoked")
    WEBHOOK_MADE = "webhook_made", _("Webhook made")
    WEBHOOK_CHANGED = "webhook_changed", _("Webhook changed")
    WEBHOOK_DELETED = "webhook_deleted", _("Webhook deleted")
    WATCHLIST_CHANGED = "watchlist_changed", _("Watchlist changed")
    CAPTION_LINK_MADE = "caption_link_made", _("Public caption link made")
    CAPTION_LINK_REVOKED = "caption_link_revoked", _("Public caption link taken back")
    EXPORTED = "exported", _("Exported")
    DELETED = "deleted", _("Deleted")
    APPROVED = "approved", _("Approved")
    REOPENED = "reopened", _("Reopened")
    RETURNED = "returned", _("Returned to its editor")
    COMMENT_DELETED = "comment_deleted", _("Comment of somebody else deleted")
    KEEPING_CHANGED = "keeping_changed", _("Retention changed")
    NETWORK_REACHED = "network_reached", _("Allowed private network reached")
    RETRIED = "retried", _("Queued again")
    CANCELLED = "cancelled", _("Cancelled")
    RENAMED = "renamed", _("Renamed")
    ERASED_PERSON = "erased_person", _("Person erased")
    OPENED_BY_STAFF = "opened_by_staff", _("Opened by staff")
    HEARD_BY_STAFF = "heard_by_staff", _("Listened to by staff")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Only ever appended to; the exceptions, which the law asks for, have names."""

    def update(self, **changes: Any) -> int:
        """Refused. Raises AppendOnly."""
        raise AppendOnly("The audit record is never changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refused. Raises AppendOnly."""
        raise AppendOnly("The audit record is never deleted from.")

    def expire(self, before: datetime) -> int:
        """Forget what is older than the record's own retention; return how many entries."""
        return super().filter(at__lt=before)._raw_delete(using=self.db)

    def pseudonymise(self, actor_id: int, pseudonym: str) -> int:
        """Replace a person who was erased by a pseudonym (at most 150 characters), also as what was acted on; return
        in how many entries they acted."""
        met = super().filter(target_kind="user", target_id=str(actor_id)).order_by()
        met._replace(target_id="", target=pseudonym)
        return super().filter(actor_id=actor_id).order_by()._replace(actor_id=None, actor=pseudonym)

    def forget_title(self, team_id: UUID, transcript_id: UUID) -> int:
        """Leave only the id of a transcript that was erased, for its title is content; return in how many entries."""
        of = super().filter(team_id=team_id, target_kind="transcript", target_id=str(transcript_id))
        return of.order_by()._replace(target="(erased)")

    def _replace(self, **changes: Any) -> int:
        return super().update(**changes)


class AuditEntry(models.Model):
    """One act. It outlives the person, the team and the thing it names, so it holds no foreign keys."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("at"), default=timezone.now)
    team_id = models.UUIDField(_("team"), null=True, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    #: The name at that time, or what acted (a token, a command).
    actor = models.CharField(_("who"), max_length=150, blank=True)
    act = models.CharField(_("act"), max_length=30)
    #: What it was done to: the kind of thing, its id, and the name that people know it by.
    target_kind = models.CharField(max_length=30, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target = models.CharField(_("what"), max_length=200, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=30, default="ok")
    #: Small facts: the role before and after, a format, a number. Never speech, never secrets.
    details = models.JSONField(_("details"), default=dict, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["team_id", "-id"], name="audit_of_a_team"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.act} {self.target}"

    def save(self, *args: Any, **options: Any) -> None:
        """Insert. Raises AppendOnly for one that is there already."""
        if not self._state.adding:
            raise AppendOnly("The audit record is never changed.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Refused. Raises AppendOnly."""
        raise AppendOnly("The audit record is never deleted from.")

    @property
    def label(self) -> str:
        """The act in words; an act that this program does not know keeps its name."""
        return str(Act(self.act).label) if self.act in Act.values else self.act


def entries_of(team_id: UUID) -> AuditQuerySet:
    """What was done in a team, the newest first."""
    return AuditEntry.objects.filter(team_id=team_id)
