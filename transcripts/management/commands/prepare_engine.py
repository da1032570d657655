"""`manage.py prepare_engine`: the one-off conversion of the speech model, so that no request waits for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from transcripts.engine.errors import EngineError
from transcripts.engine.weights import prepare, prepared


class Command(BaseCommand):
    """Convert the shipped weights into the data folder unless they are there; 1 and a sentence when it cannot."""

    help = "Prepare the embedded engine's speech model (about 7 s and 0.9 GB of memory, once)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        override = Path(settings.STTWEB_ENGINE_MODEL) if settings.STTWEB_ENGINE_MODEL else None
        began = time.monotonic()
        try:
            if prepared(settings.STTWEB_ENGINE_DIR, override) is not None:
                self.stdout.write("The speech model is ready.")
                return
            folder = prepare(settings.STTWEB_ENGINE_DIR, override)
        except EngineError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The speech model is ready in {folder} ({time.monotonic() - began:.0f} s).")
