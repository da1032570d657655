"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    """Transcripts: from a link or a file to reviewed text."""

    name = "transcripts"

    def ready(self) -> None:
        """Register the system checks, and the tombstones of what is deleted, and what ends sockets."""
        from transcripts import checks
        from transcripts.live import rights
        from transcripts.upkeep import erasing

        checks.register()
        erasing.connect()
        rights.connect()
