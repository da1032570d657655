"""`manage.py web`: pages and sockets only, one of any number of such processes behind a proxy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from transcripts.management.serving import require_free_port, serve


class Command(BaseCommand):
    """Serve until SIGTERM or Ctrl-C, then exit with 0; 1 and a sentence when the address is taken."""

    help = "Serve pages and sockets without transcribing (beside `manage.py worker`)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        require_free_port()
        serve(self._greet)

    def _greet(self) -> None:
        self.stdout.write(f"Serving on {settings.STTWEB_BIND}, port {settings.STTWEB_PORT}. Stop it with SIGTERM.")
        self.stdout.flush()
