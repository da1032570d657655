"""`manage.py engine`: the embedded engine alone, as a local service for anything that speaks the realtime protocol."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from transcripts.engine.errors import EngineError
from transcripts.engine.faults import FaultPlan
from transcripts.engine.launcher import RECOGNIZERS, embedded_engine
from transcripts.engine.profile import PROFILES
from transcripts.engine.server import PATH


class Command(BaseCommand):
    """Serve until Ctrl-C or SIGTERM, exit with 0; 1 and a sentence when it cannot."""

    help = "Serve the Scribe v2 Realtime protocol with the embedded recogniser (see docs/engine.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
        parser.add_argument("--port", type=int, default=8765, help="port to listen on (default: 8765; 0: any free one)")
        parser.add_argument("--api-key", help="key that clients must send (default: STTWEB_ENGINE_API_KEY, else none)")
        parser.add_argument("--recognizer", choices=RECOGNIZERS, default=settings.STTWEB_ENGINE_RECOGNIZER)
        parser.add_argument("--profile", choices=sorted(PROFILES), default="product", help="timings of the answers")
        parser.add_argument("--faults", default=settings.STTWEB_ENGINE_FAULTS, help="fault plan: a JSON file or text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            asyncio.run(self._serve(options))
        except EngineError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            where = f"{options['host']}:{options['port']}"
            raise CommandError(f"Cannot listen on {where} ({error.strerror}). Choose another --port.") from error

    async def _serve(self, options: dict[str, Any]) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        engine = embedded_engine(
            settings.STTWEB_ENGINE_DIR,
            recognizer=options["recognizer"],
            profile=PROFILES[options["profile"]],
            faults=FaultPlan.load(options["faults"]) if options["faults"] else None,
            api_key=options["api_key"] or os.environ.get("STTWEB_ENGINE_API_KEY") or None,
            model_dir=settings.STTWEB_ENGINE_MODEL,
            host=options["host"],
            port=options["port"],
        )
        async with engine as url:
            self.stdout.write(f"The engine listens on {url}{PATH} (Ctrl-C stops it)")
            await stop.wait()
        self.stdout.write("Stopped.")
