"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    """Transcripts: from a link or a file to reviewed text."""

    name = "transcripts"

    def ready(self) -> None:
        """Register the system checks, and the tombstones of what is deleted, what ends
        sockets, and what accounts leave in the audit record."""
        from transcripts import checks
        from transcripts.accounts import signals
        from transcripts.live import rights
        from transcripts.upkeep import erasing

        checks.register()
        erasing.connect()
        rights.connect()
        signals.connect()
