"""The app's configuration."""

from __future__ import annotations

from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    """Transcripts: from a link or a file to reviewed text."""

    name = "transcripts"

    def ready(self) -> None:
        """Register the system checks."""
        from transcripts import checks

        checks.register()
