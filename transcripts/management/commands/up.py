"""`manage.py up`: pages, sockets, background work and the embedded engine in one process, from an empty folder on."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from transcripts.engine import weights
from transcripts.engine.errors import EngineError
from transcripts.jobs.background import work
from transcripts.jobs.engine import EngineHouse, model_override
from transcripts.jobs.runner import Runner
from transcripts.management.firstrun import Login, ensure_database, first_login

logger = logging.getLogger(__name__)

#: Nobody takes over from the only process: what does not end soon goes on at the next start.
DRAIN_SECONDS = 5.0
#: Forms around uploads, on top of the largest recording.
BODY_OVERHEAD = 1024 * 1024


class Command(BaseCommand):
    """Prepare what is missing, serve until Ctrl-C or SIGTERM, exit with 0; 1 and a sentence when it cannot."""

    help = "Run everything in one process: migrate, make the first login, serve pages and transcribe."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError when the address is taken or the background work died."""
        from sttweb.server import Server

        host, port = settings.STTWEB_BIND, settings.STTWEB_PORT
        _require_free(host, port)
        ensure_database()
        login = first_login()
        self._prepare_engine()
        runner, engine = _background()
        server = Server(
            _application(),
            host,
            port,
            max_body=settings.STTWEB_MAX_MEDIA_BYTES + BODY_OVERHEAD,
            body_dir=settings.FILE_UPLOAD_TEMP_DIR,
            background=lambda: _work(runner, engine),
            stop_background=runner.stop,
            ready=lambda: self._greet(login),
        )
        code = server.serve()
        if code:
            raise CommandError(server.failure or "The background work did not end well; the log says why.")
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
                "This password is shown only now. Change it with: manage.py changepassword owner",
                "Next step: open the address above and start the sample recording, or paste a link.",
            ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _application() -> Any:
    from sttweb.asgi import application

    return application


def _background() -> tuple[Runner, EngineHouse]:
    engine = EngineHouse()
    return Runner(engine, drain_seconds=min(DRAIN_SECONDS, settings.STTWEB_DRAIN_SECONDS)), engine


async def _work(runner: Runner, engine: EngineHouse) -> None:
    """The background work, with the engine warm before the first recording comes."""
    warming = asyncio.create_task(_warm(engine), name="warm engine")
    try:
        await work(_application(), runner)
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


def _require_free(host: str, port: int) -> None:
    """Find a taken port before anything is prepared. Raises CommandError."""
    from sttweb.server import listen_sentence

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            # As the server itself does: connections of the last run that linger are no reason to refuse.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            raise CommandError(listen_sentence(host, port, error.errno)) from error
