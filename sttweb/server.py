"""Daphne, bounded and stopped properly: one process that serves pages and sockets and may carry background work.

What is different from Daphne's own server: request bodies are limited and stay on disk until the application reads
them, a port that is taken ends with a sentence and a non-zero exit, stopping closes sockets with a code that browsers
understand and waits for requests and background work, and work that dies takes the process with it
(stack.md 5.10, 5.12 and section 6).
"""

from __future__ import annotations

import asyncio
import errno
import io
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server as DaphneServer
from daphne.server import twisted_loop
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer

from sttweb.bodies import BoundedRequest, LazyBody
from sttweb.sockets import Pace

logger = logging.getLogger(__name__)

#: "Service restart": browsers come back soon, with jitter.
SERVICE_RESTART = 1012
#: Seconds that requests get to end by themselves when the server stops.
REQUEST_GRACE_SECONDS = 3.0

#: Names (lower case) and values as they came.
Headers = Sequence[tuple[bytes, bytes]]

_LISTEN_ERRORS = {
    errno.EADDRINUSE: "Port {port} is already in use. Stop the other program, or choose a port with STTWEB_PORT.",
    errno.EACCES: "Port {port} may not be used by this user. Choose one above 1023 with STTWEB_PORT.",
    errno.EADDRNOTAVAIL: "This machine has no address {host}. Choose one with STTWEB_BIND.",
}


def listen_sentence(host: str, port: int, number: int | None) -> str:
    """Why the server cannot listen, for the person at the terminal; ``number`` is the system's errno."""
    known = _LISTEN_ERRORS.get(number or 0, "The server cannot listen on {host}, port {port}.")
    return known.format(host=host, port=port)


async def _nobody(headers: Headers) -> bool:
    """Knows nobody."""
    return False


class Server(DaphneServer):  # type: ignore[misc]
    """One process on one address.

    ``background`` makes the coroutine that runs beside the server until ``stop_background`` is called. ``ready`` is
    called once, when the server listens. Bodies over ``max_body`` bytes are refused (under a path prefix of
    ``body_limits``: over its number), and those over ``stranger_body``
    unless ``knows`` says of the headers (lower-case names) that their sender is known; large ones are kept in
    ``body_dir`` meanwhile.
    """

    def __init__(
        self,
        application: Any,
        host: str,
        port: int,
        *,
        max_body: int,
        body_dir: Path,
        stranger_body: int | None = None,
        knows: Callable[[Headers], Awaitable[bool]] = _nobody,
        body_limits: Mapping[bytes, int] = MappingProxyType({}),
        background: Callable[[], Coroutine[Any, Any, None]] | None = None,
        stop_background: Callable[[], object] = lambda: None,
        ready: Callable[[], None] = lambda: None,
    ) -> None:
        endpoints = build_endpoint_description_strings(host=host, port=port)
        super().__init__(application, endpoints, ready_callable=self._start, server_name="", verbosity=0)
        self.max_body, self.body_dir, self._body_limits = max_body, body_dir, body_limits
        self.stranger_body = max_body if stranger_body is None else stranger_body
        self.knows = knows
        #: 0, or 1 when it could not listen or the background work died; ``failure`` is the sentence about it.
        self.exit_code = 0
        self.failure = ""
        self._host, self._port = host, port
        self._background, self._stop_background, self._ready = background, stop_background, ready
        self._work: asyncio.Task[None] | None = None
        self._ports: list[Any] = []
        self._stopping = False

    def body_limit(self, path: bytes) -> int:
        """The most bytes that the body of a request for ``path`` may have."""
        return next((most for prefix, most in self._body_limits.items() if path.startswith(prefix)), self.max_body)

    def serve(self) -> int:
        """Run until SIGINT or SIGTERM and return the exit code. Once in the life of a process."""
        self.run()
        _empty(twisted_loop)
        return self.exit_code

    # --- Listening -----------------------------------------------------------------------------------------------

    def listen_success(self, port: Any) -> None:
        """Called by Twisted with the port that listens."""
        super().listen_success(port)
        port.factory.buildProtocol = partial(_build_protocol, port.factory)
        self._ports.append(port)

    def listen_error(self, failure: Any) -> None:
        """Called by Twisted when the address cannot be used."""
        number = getattr(getattr(failure.value, "socketError", None), "errno", None)
        self._fail(listen_sentence(self._host, self._port, number))

    def _fail(self, sentence: str) -> None:
        self.exit_code, self.failure = 1, sentence
        self.stop()

    # --- Working -------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._background is not None:
            self._work = twisted_loop.create_task(self._background(), name="background work")
            self._work.add_done_callback(self._background_ended)
        self._ready()

    def _background_ended(self, work: asyncio.Task[None]) -> None:
        error = None if work.cancelled() else work.exception()
        if error is not None:
            logger.error("the background work died", exc_info=error)
        if not self._stopping:
            self._fail("The background work stopped; the log says why.")
        elif error is not None:
            self.exit_code = 1

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Start the application for a request or socket and return where Daphne puts what comes in."""
        if scope["type"] != "http":
            return super().create_application(protocol, scope)
        body = LazyBody(protocol.content)
        # Daphne would read all of it into memory now; it finds nothing to read.
        protocol.content = io.BytesIO()
        scope.setdefault("asgi", {"version": "3.0"})
        send = partial(self.handle_reply, protocol)
        application = asyncio.ensure_future(self.application(scope=scope, receive=body.receive, send=send))
        application.add_done_callback(lambda _: body.close())
        self.connections[protocol]["application_instance"] = application
        return body

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Do what the application says; text for a browser waits while that browser does not read."""
        pace: Pace | None = getattr(protocol, "pace", None)
        if pace is None or message["type"] != "websocket.send" or not message.get("text"):
            await super().handle_reply(protocol, message)
            if message["type"] == "websocket.accept" and protocol.state == protocol.STATE_OPEN:
                protocol.pace = Pace(protocol.transport)
        elif protocol.state == protocol.STATE_OPEN:
            pace.send(message["text"])
            await pace.room()

    # --- Stopping ------------------------------------------------------------------------------------------------

    def kill_all_applications(self) -> Any:
        """Called once by Twisted before it stops; it waits for the Deferred."""
        self._stopping = True
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._shut_down()))

    async def _shut_down(self) -> None:
        """Nothing new comes in, sockets hear that it is a restart, and what runs may end.

        1. Stop listening. 2. Close the sockets. 3. Let requests and background work end, each within its own time.
        """
        for port in self._ports:
            port.stopListening()
        self._stop_background()
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                # Their own method refuses codes that only servers may send.
                protocol.sendCloseFrame(code=SERVICE_RESTART)
        waits = [self._end_applications(), *([] if self._work is None else [asyncio.wait({self._work})])]
        await asyncio.gather(*waits, return_exceptions=True)

    async def _end_applications(self) -> None:
        # A connection that has not sent its whole request yet has no application (Daphne stumbles over those).
        running = {
            details["application_instance"]
            for details in self.connections.values()
            if "application_instance" in details and not details["application_instance"].done()
        }
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=REQUEST_GRACE_SECONDS)
        for application in late:
            application.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _build_protocol(factory: Any, address: Any) -> Any:
    protocol = type(factory).buildProtocol(factory, address)
    protocol.requestFactory = BoundedRequest
    return protocol


def _empty(loop: asyncio.AbstractEventLoop) -> None:
    """End what still runs on a stopped loop, so that nothing is torn apart by the interpreter's exit."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
