"""The server of the commands `up` and `web`, as the settings describe it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.core.management.base import CommandError
from django.http import HttpRequest, parse_cookie
from django.urls import reverse

from transcripts import tokens
from transcripts.media.parts import PART_BYTES

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


async def knows(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these headers comes from somebody who may send a large body. Raises DatabaseError.

    What they may do with it is asked later, by the view.
    """
    for name, value in headers:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return await database_sync_to_async(_opens, thread_sensitive=False)(value[7:].decode("latin-1").strip())
    cookies = b"; ".join(value for name, value in headers if name == b"cookie").decode("latin-1")
    morsel = parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")
    return bool(morsel) and await database_sync_to_async(_is_logged_in, thread_sensitive=False)(morsel)


def _opens(token: str) -> bool:
    try:
        tokens.find(token)
    except tokens.TokenRefused:
        return False
    return True


def _is_logged_in(session_key: str) -> bool:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return get_user(request).is_authenticated


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
        stranger_body=settings.STTWEB_MAX_STRANGER_BYTES,
        knows=knows,
        body_limits={reverse("uploads").encode(): PART_BYTES, b"/api/": PART_BYTES},
        background=background,
        stop_background=stop_background,
        ready=ready,
    )
    if server.serve():
        raise CommandError(server.failure or "The background work did not end well; the log says why.")
