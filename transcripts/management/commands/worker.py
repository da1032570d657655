"""`manage.py worker`: one process that transcribes, beside any number of others and of web processes."""

from __future__ import annotations

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from transcripts.jobs.background import work
from transcripts.jobs.runner import Runner

IN_MEMORY = "channels.layers.InMemoryChannelLayer"


class Command(BaseCommand):
    """Work until SIGTERM or SIGINT, then hand over and exit with 0; a second signal hurries it."""

    help = "Transcribe what is queued, in a process of its own (needs REDIS_URL)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command line."""
        parser.add_argument("--sessions", type=int, default=settings.STTWEB_SESSIONS, help="sessions at once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError on a layer that no other process shares."""
        if settings.CHANNEL_LAYERS["default"]["BACKEND"] == IN_MEMORY:
            raise CommandError(
                "A worker of its own needs a channel layer that it shares with the web process: set REDIS_URL. "
                "Without Redis, `manage.py up` runs everything in one process."
            )
        asyncio.run(self._work(options["sessions"]))

    async def _work(self, sessions: int) -> None:
        from sttweb.asgi import application

        runner = Runner(capacity=sessions)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, runner.stop)
        self.stdout.write(f"Worker {runner.name}: up to {sessions} sessions at once. Stop it with Ctrl-C or SIGTERM.")
        await work(application, runner)
        self.stdout.write("Worker stopped; nothing is left behind.")
