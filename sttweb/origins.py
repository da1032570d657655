"""Which pages may open a socket here: those of our own origins, compared whole, scheme and port included."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import OriginValidator, WebsocketDenier


class OwnOrigins(OriginValidator):
    """Channels' validator, which fails on an Origin that cannot be parsed; here that is a stranger's like any other.

    A program has no Origin. With a token it needs none: no page can put one into a handshake.
    """

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Pass the connection on, or refuse it."""
        if not all(_readable(value) for name, value in scope.get("headers", []) if name == b"origin"):
            return await WebsocketDenier()(scope, receive, send)
        if _is_program(scope):
            application: Any = self.application
            return await application(scope, receive, send)
        return await super().__call__(scope, receive, send)


def _is_program(scope: Any) -> bool:
    names = {name for name, _value in scope.get("headers", [])}
    return b"authorization" in names and b"origin" not in names


def _readable(origin: bytes) -> bool:
    try:
        urlsplit(origin.decode("latin-1")).port  # noqa: B018 - reading it is the check
    except ValueError:
        return False
    return True
