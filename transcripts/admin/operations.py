"""The running parts, as they report themselves."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from transcripts.admin.lists import ReadOnlyAdmin
from transcripts.models import Worker

#: A worker that has been silent for this long is gone.
SILENT_SECONDS = 30.0


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers and how busy they are."""

    list_display = ["name", "alive", "running", "capacity", "heartbeat_at", "started_at"]
    ordering = ["name"]

    @admin.display(description=_("alive"), boolean=True)
    def alive(self, worker: Worker) -> bool:
        """Whether it was heard of lately."""
        return (timezone.now() - worker.heartbeat_at).total_seconds() < SILENT_SECONDS

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The row of a worker that died may go; a living one writes its own again."""
        return request.user.has_perm("transcripts.delete_worker")
