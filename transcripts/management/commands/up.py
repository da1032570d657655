"""`manage.py up`: pages, sockets, background work and the embedded engine in one process, from an empty folder on."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from transcripts.engine import weights
from transcripts.engine.errors import EngineError
from transcripts.jobs.background import work
from transcripts.jobs.engine import EngineHouse, model_override
from transcripts.jobs.runner import Runner
from transcripts.management.firstrun import Login, ensure_database, first_login
from transcripts.management.serving import application, require_free_port, serve

logger = logging.getLogger(__name__)

#: Nobody takes over from the only process: what does not end soon goes on at the next start.
DRAIN_SECONDS = 5.0


class Command(BaseCommand):
    """Prepare what is missing, serve until Ctrl-C or SIGTERM, exit with 0; 1 and a sentence when it cannot."""

    help = "Run everything in one process: migrate, make the first login, serve pages and transcribe."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError when the address is taken or the background work died."""
        require_free_port()
        ensure_database()
        login = first_login()
        self._prepare_engine()
        runner, engine = _background()
        serve(lambda: self._greet(login), lambda: _work(runner, engine), runner.stop)
        self.stdout.write("Stopped. What was not finished goes on at the next start.")

    def _prepare_engine(self) -> None:
        """Convert the speech model, once in the life of an installation; pages work without it."""
        if settings.STTWEB_ENGINE_URL or settings.STTWEB_ENGINE_RECOGNIZER != "moonshine":
            return
        folder, model, started = settings.STTWEB_ENGINE_DIR, model_override(), time.monotonic()
        try:
            if weights.prepared(folder, model) is None:
                self.stdout.write("Preparing the speech model; this happens once and takes about ten seconds.")
                self.stdout.flush()
                weights.prepare(folder, model)
                self.stdout.write(f"The speech model is ready ({time.monotonic() - started:.0f} s).")
        except EngineError as error:
            self.stderr.write(f"Without the embedded engine: {error}")

    def _greet(self, login: Login | None) -> None:
        """Say where it is; the first time also how to get in."""
        url = settings.TRUSTED_ORIGINS[0]
        lines = [f"sttweb is running at {url} (Ctrl-C stops it)"]
        if login is not None:
            lines += [
                "",
                f"  Log in as   {login.username}",
                f"  Password    {login.password}",
                "",
                "This password is shown only now. Change it under the menu behind your name, Your account.",
                "Next step: open the address above and start the sample recording, or paste a link.",
            ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _background() -> tuple[Runner, EngineHouse]:
    engine = EngineHouse()
    return Runner(engine, drain_seconds=min(DRAIN_SECONDS, settings.STTWEB_DRAIN_SECONDS)), engine


async def _work(runner: Runner, engine: EngineHouse) -> None:
    """The background work, with the engine warm before the first recording comes."""
    warming = asyncio.create_task(_warm(engine), name="warm engine")
    try:
        await work(application(), runner)
    finally:
        warming.cancel()


async def _warm(engine: EngineHouse) -> None:
    if settings.STTWEB_ENGINE != "embedded":
        return
    try:
        await engine.url()
    except EngineError as error:
        # Pages work without it; each transcript that needs it says the same.
        logger.error("the embedded engine did not start: %s", error)
