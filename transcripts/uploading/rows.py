"""What all steps of an upload share: the rows that count, how long they are waited for, and how a refusal is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts.media.errors import StorageError
from transcripts.models import Upload


class Refused(Exception):
    """What was asked is not done: ``code``, one sentence and a next step, and where the upload stands (bytes)."""

    def __init__(self, code: str, message: str, next_step: str = "", *, received: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.next_step, self.received = code, message, next_step, received


class Gone(Exception):
    """There is no such upload any more."""


def on_their_way() -> QuerySet[Upload]:
    """Uploads that have not become transcripts."""
    return Upload.objects.filter(transcript=None)


def expiry() -> datetime:
    """When an upload that was just touched is no longer waited for."""
    return timezone.now() + timedelta(hours=settings.STTWEB_UPLOAD_HOURS)


def disk_step() -> str:
    """What a person can do about a full disk."""
    return _("Delete recordings that are no longer needed, or ask the operator for space.")


@contextmanager
def said() -> Iterator[None]:
    """What the disk refuses, as a refusal."""
    try:
        yield
    except StorageError as error:
        step = disk_step() if error.code == "disk_full" else error.next_step
        raise Refused(error.code, error.message, step) from error
