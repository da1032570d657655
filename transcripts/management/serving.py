"""The server of the commands `up` and `web`, as the settings describe it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

#: Forms around uploads, on top of the largest recording.
BODY_OVERHEAD = 1024 * 1024


def require_free_port() -> None:
    """Find a taken port before anything is prepared. Raises CommandError with a sentence."""
    from sttweb.server import listen_sentence

    host, port = settings.STTWEB_BIND, settings.STTWEB_PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":
            # As the server itself does: connections of the last run that linger are no reason to refuse.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            raise CommandError(listen_sentence(host, port, error.errno)) from error


def application() -> Any:
    """The ASGI application; loaded late, for it needs the apps."""
    from sttweb.asgi import application

    return application


def serve(
    ready: Callable[[], None],
    background: Callable[[], Coroutine[Any, Any, None]] | None = None,
    stop_background: Callable[[], object] = lambda: None,
) -> None:
    """Serve until a signal. Raises CommandError when it could not listen or the background work died."""
    from sttweb.server import Server

    server = Server(
        application(),
        settings.STTWEB_BIND,
        settings.STTWEB_PORT,
        max_body=settings.STTWEB_MAX_MEDIA_BYTES + BODY_OVERHEAD,
        body_dir=settings.FILE_UPLOAD_TEMP_DIR,
        background=background,
        stop_background=stop_background,
        ready=ready,
    )
    if server.serve():
        raise CommandError(server.failure or "The background work did not end well; the log says why.")
