"""The server: accepts the upgrade, checks key and parameters, runs sessions. On loopback unless told otherwise."""

from __future__ import annotations

import asyncio
import hmac
import logging
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from transcripts.engine import wire
from transcripts.engine.faults import ConnectionFaults, FaultPlan
from transcripts.engine.parameters import InvalidRequest, Parameters, parse
from transcripts.engine.profile import PRODUCT, Profile
from transcripts.engine.recognizer import Recognizer
from transcripts.engine.session import CLOSE_TIMEOUT, Session

log = logging.getLogger(__name__)

PATH = "/v1/speech-to-text/realtime"

#: Largest frame: 30 s of 48 kHz audio in base64, with some room.
LARGEST_FRAME = 4 << 20

#: Frames the library may read ahead; more would defeat back-pressure.
READ_AHEAD = 8

#: How long a new session waits for a recogniser that is being started again, in seconds.
READY_TIMEOUT = 15.0


class EngineServer:
    """Serves the protocol with one recogniser. ``api_key`` None accepts everybody; ``tokens`` are good for one use."""

    def __init__(
        self,
        recognizer: Recognizer,
        profile: Profile = PRODUCT,
        faults: FaultPlan | None = None,
        api_key: str | None = None,
        tokens: set[str] | None = None,
    ) -> None:
        self.faults = faults or FaultPlan()
        self._recognizer = recognizer
        self._profile = profile
        self._api_key = api_key
        self._tokens = tokens if tokens is not None else set()
        self._faults_of: dict[UUID, ConnectionFaults] = {}
        self._sessions = 0
        self._server: Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Starts the recogniser and listens; returns the port. Raises ``EngineError`` or ``OSError`` (port taken)."""
        self._server = await serve(
            self._serve,
            host,
            port,
            compression=None,
            max_size=LARGEST_FRAME,
            max_queue=READ_AHEAD,
            process_request=self._admit,
            close_timeout=CLOSE_TIMEOUT,
            server_header=None,
        )
        try:
            await self._recognizer.start()
        except BaseException:
            await self.close()
            raise
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def close(self) -> None:
        """Ends every session (1001) and the recogniser, within 2 s."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 1.0)
        await self._recognizer.close()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if not urlsplit(request.path).path.endswith(PATH):
            return connection.respond(HTTPStatus.NOT_FOUND, f"This server speaks only {PATH}\n")
        faults = self.faults.connection()
        refusal = faults.at_start("refuse")
        if refusal is not None:
            return connection.respond(HTTPStatus(refusal.status), "Scripted refusal.\n")
        self._faults_of[connection.id] = faults
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        faults = self._faults_of.pop(connection.id)
        assert connection.request is not None
        query = urlsplit(connection.request.path).query
        self._sessions += 1
        try:
            delay = faults.at_start("delayed_start")
            if delay is not None:
                await asyncio.sleep(delay.seconds)
            parameters = await self._check(connection, query, faults)
            if parameters is not None and await self._ready(connection):
                await Session(connection, parameters, self._profile, self._recognizer, faults).run()
        except ConnectionClosed:
            log.debug("A client left during the handshake.")
        finally:
            self._sessions -= 1

    async def _check(self, connection: ServerConnection, query: str, faults: ConnectionFaults) -> Parameters | None:
        try:
            parameters = parse(query, self._recognizer.languages)
        except InvalidRequest as error:
            kind, text = "invalid_request", str(error)
            parameters = None
        else:
            kind, text = "", ""
        if not self._authorised(connection, query) or faults.at_start("auth_error"):
            kind, text = "auth_error", wire.TEXTS["auth_error"]
        elif not kind and self._sessions > self._profile.sessions:
            kind, text = self._profile.over_limit, wire.TEXTS[self._profile.over_limit]
        if not kind:
            return parameters
        await self._refuse(connection, kind, text)
        return None

    async def _ready(self, connection: ServerConnection) -> bool:
        """Waits for a recogniser that is being started again; refuses the session when that takes too long."""
        try:
            await asyncio.wait_for(self._recognizer.ready(), READY_TIMEOUT)
        except TimeoutError:
            await self._refuse(connection, "resource_exhausted", wire.TEXTS["resource_exhausted"])
            return False
        return True

    async def _refuse(self, connection: ServerConnection, kind: str, text: str) -> None:
        await connection.send(wire.encode(wire.error(kind, text)))
        await connection.close(*wire.closing(kind))

    def _authorised(self, connection: ServerConnection, query: str) -> bool:
        if self._api_key is None:
            return True
        token = dict(part.partition("=")[::2] for part in query.split("&")).get("token")
        if token:
            known = token in self._tokens
            self._tokens.discard(token)
            return known
        assert connection.request is not None
        given = connection.request.headers.get("xi-api-key", "")
        return hmac.compare_digest(given.encode(), self._api_key.encode())
