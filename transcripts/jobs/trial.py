"""Testing an account at the hosted service step by step, without sending any sound: nothing is billed.

Stops at the first step that fails; those behind it are skipped. Each step tells its time and one plain sentence.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from transcripts.jobs.hosts import is_address
from transcripts.media.errors import MediaError
from transcripts.media.network import system_resolver
from transcripts.realtime import errors
from transcripts.realtime.endpoint import Endpoint
from transcripts.realtime.errors import Fault
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.transport import OpenFailed, Target, close_socket, open_socket
from transcripts.realtime.tuning import Tuning

#: Seconds for each step.
STEP_S = 8.0
#: The service may begin a session and then say that the quota is spent (protocol.md section 6); so long it may take.
SECOND_THOUGHT_S = 0.5
NAMES = ("address", "connection", "handshake", "authorisation", "session")
#: What a service says about the key, not about the session.
_OF_KEY = frozenset({"auth_error", "unaccepted_terms"})


@dataclass(frozen=True, slots=True)
class Step:
    """``state`` is ok, failed or skipped, ``ms`` its time; ``code``, ``message``, ``next_step`` say why it failed."""

    name: str
    state: str
    ms: int = 0
    code: str = ""
    message: str = ""
    next_step: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe; ``Step(**…)`` reads it back."""
        return asdict(self)


class _Stopped(Exception):
    """A step failed with ``fault``; ``at`` names another step than the one that ran."""

    def __init__(self, fault: Fault, at: str = "") -> None:
        super().__init__(fault.message)
        self.fault, self.at = fault, at


async def run(endpoint: Endpoint) -> list[Step]:
    """All steps in their order, at most 40 seconds. Never raises for what the other side does."""
    trial = _Trial(endpoint)
    works: list[Callable[[], Awaitable[None]]] = [trial.look_up, trial.connect, trial.shake_hands, trial.begin]
    done: list[Step] = []
    try:
        for name, work in zip(NAMES, works, strict=False):
            began = time.monotonic()
            try:
                async with asyncio.timeout(STEP_S):
                    await work()
            except TimeoutError:
                late = errors.timed_out("step_timeout", _("There was no answer in time."))
                return _ended(done, name, began, _Stopped(late))
            except _Stopped as stopped:
                return _ended(done, name, began, stopped)
            done.append(Step(name, "ok", _ms(began)))
        done.append(Step("session", "ok", trial.session_ms))
        return done
    finally:
        await trial.close()


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _ended(done: list[Step], name: str, began: float, stopped: _Stopped) -> list[Step]:
    """What was done, the step that failed (those between it and the one that ran went well), the rest skipped."""
    at = stopped.at or name
    spent = _ms(began)
    for between in NAMES[NAMES.index(name) : NAMES.index(at)]:
        done.append(Step(between, "ok", spent))
    fault = stopped.fault
    done.append(Step(at, "failed", spent, fault.code, _(fault.message), _(fault.next_step) if fault.next_step else ""))
    return done + [Step(rest, "skipped") for rest in NAMES[len(done) :]]


class _Trial:
    """One connection, step by step."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._url = endpoint.url(SessionOptions())
        parts = urlsplit(self._url)
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "wss"
        self._port = parts.port or (443 if self._secure else 80)
        self._addresses: list[str] = []
        self._socket: ClientConnection | None = None
        self.session_ms = 0

    async def look_up(self) -> None:
        """The name has addresses, and they are allowed."""
        try:
            if self._endpoint.addresses is not None:
                self._addresses = list(await self._endpoint.addresses(self._host))
            elif is_address(self._host) or self._host == "localhost":
                self._addresses = [self._host]
            else:
                self._addresses = [str(address) for address in await system_resolver(self._host)]
        except OpenFailed as failed:
            raise _Stopped(failed.fault) from failed
        except MediaError as error:
            step = error.next_step or "Check the host for typing errors."
            raise _Stopped(Fault(error.code, errors.ErrorClass.RETRY, error.message, step)) from error

    async def connect(self) -> None:
        """Somebody listens, and proves to be that host."""
        context = ssl.create_default_context() if self._secure else None
        name = self._host if self._secure else None
        try:
            _reader, writer = await asyncio.open_connection(
                self._addresses[0], self._port, ssl=context, server_hostname=name
            )
        except ssl.SSLError as error:
            told = "The host's certificate is not good."
            fault = Fault(
                "tls_failed", errors.ErrorClass.RETRY, told, "Check that the host's name is right.", str(error)
            )
            raise _Stopped(fault) from error
        except OSError as error:
            told = "Nobody answers at that host and port."
            fault = Fault("unreachable", errors.ErrorClass.RETRY, told, "Check the host, and any firewall between.")
            raise _Stopped(fault) from error
        writer.close()

    async def shake_hands(self) -> None:
        """It speaks WebSocket where the realtime service should be."""
        target = Target(self._url, self._endpoint.headers(), self._endpoint.addresses)
        try:
            self._socket = await open_socket(target, Tuning(open_timeout_s=STEP_S))
        except OpenFailed as failed:
            fault = failed.fault
            at = "authorisation" if fault.code in _OF_KEY else "session" if fault.code in _OF_SESSION else ""
            raise _Stopped(fault, at) from failed

    async def begin(self) -> None:
        """The key is accepted, and a session begins."""
        began = time.monotonic()
        fault = await self._first_fault()
        if fault is not None:
            raise _Stopped(fault, "authorisation" if fault.code in _OF_KEY else "session")
        self.session_ms = _ms(began)
        try:
            async with asyncio.timeout(SECOND_THOUGHT_S):
                fault = await self._fault()
        except TimeoutError:
            return
        if fault is not None:
            raise _Stopped(fault, "authorisation" if fault.code in _OF_KEY else "session")

    async def _first_fault(self) -> Fault | None:
        """None when the session began."""
        return await self._fault(until_started=True)

    async def _fault(self, *, until_started: bool = False) -> Fault | None:
        assert self._socket is not None
        try:
            async for message in self._socket:
                kind, text = _read(message)
                if errors.is_error(kind):
                    return errors.from_frame(kind, text)
                if until_started and kind == "session_started":
                    return None
        except ConnectionClosed as closed:
            received = closed.rcvd
            return errors.from_close(received.code if received else None, received.reason if received else "")
        return errors.from_close(self._socket.close_code, self._socket.close_reason or "")

    async def close(self) -> None:
        """End the session; nothing was said in it."""
        if self._socket is not None:
            await close_socket(self._socket, 2.0)


#: Refusals of the handshake that concern the session: the address and the key were right.
_OF_SESSION = frozenset({"quota_exceeded", "rate_limited"})


def _read(message: str | bytes) -> tuple[str, str]:
    """Type and text of a message; nothing of one that is none."""
    try:
        data = json.loads(message)
    except ValueError:
        return "", ""
    if not isinstance(data, dict):
        return "", ""
    return str(data.get("message_type", "")), str(data.get("error", ""))
