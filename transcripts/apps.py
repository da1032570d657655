"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import pre_migrate


class TranscriptsConfig(AppConfig):
    """Transcripts: from a link or a file to reviewed text."""

    name = "transcripts"

    def ready(self) -> None:
        """Register the system checks, and the tombstones of what is deleted, what ends
        sockets, and what accounts leave in the audit record; migrating may take its time."""
        from sttweb.patience import patient_migration
        from transcripts import checks
        from transcripts.accounts import checks as sign_on
        from transcripts.accounts import signals
        from transcripts.live import rights
        from transcripts.upkeep import erasing

        checks.register()
        sign_on.register()
        pre_migrate.connect(patient_migration, dispatch_uid="patience")
        erasing.connect()
        rights.connect()
        signals.connect()
