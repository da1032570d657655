"""One WebSocket to the provider, with every failure turned into a classified one.

Thin shell around ``websockets``: compression off (audio in base64 does not shrink enough to pay for it), incoming
messages bounded, pings on, redirects refused because the key would travel along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from transcripts.realtime import errors
from transcripts.realtime.errors import Fault
from transcripts.realtime.tuning import Tuning

#: Largest message that is read (bytes); a larger one ends its session only.
MAX_MESSAGE_BYTES = 1 << 20
#: Messages that may wait to be read while the consumer is slow, before the provider has to wait (and pongs with it).
MAX_QUEUE = 256
#: Unsent bytes that may wait in the socket's buffer: one second of audio, base64 and framing included.
WRITE_LIMIT_BYTES = 48 * 1024


class _Connect(connect):
    """Without redirects: websockets would take ``xi-api-key`` to another origin."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class OpenFailed(Exception):
    """The socket could not be opened; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a socket is opened, and with which headers. ``addresses`` judges the host just before each connection and
    answers where it may go (it may raise OpenFailed); without it the name is the operator's word."""

    url: str
    headers: dict[str, str] = field(repr=False)
    addresses: Callable[[str], Awaitable[Sequence[str]]] | None = None


async def open_socket(target: Target, tuning: Tuning) -> ClientConnection:
    """Connect within ``open_timeout_s``; of several judged addresses the first that can be reached. Raises
    OpenFailed."""
    if target.addresses is None:
        proxy = None if _is_loopback(target.url) else True
        return await _open(target, tuning, proxy=proxy)
    judged = await target.addresses(urlsplit(target.url).hostname or "")
    for address in judged[:-1]:
        try:
            return await _open(target, tuning, proxy=None, host=address)
        except OpenFailed as failed:
            if failed.fault.code != "unreachable":
                raise
    return await _open(target, tuning, proxy=None, host=judged[-1])


async def _open(target: Target, tuning: Tuning, **connecting: Any) -> ClientConnection:
    try:
        return await _Connect(
            target.url,
            additional_headers=target.headers,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            max_queue=MAX_QUEUE,
            write_limit=WRITE_LIMIT_BYTES,
            open_timeout=tuning.open_timeout_s,
            close_timeout=tuning.close_timeout_s,
            ping_interval=tuning.ping_interval_s,
            ping_timeout=tuning.ping_timeout_s,
            user_agent_header="sttweb",
            **connecting,
        )
    except InvalidStatus as refused:
        raise OpenFailed(_refusal(refused)) from refused
    except TimeoutError as late:
        raise OpenFailed(errors.timed_out("connect_timeout", "The speech service did not answer in time.")) from late
    except (OSError, WebSocketException, EOFError, ValueError, ImportError) as failure:
        # ImportError: the environment names a SOCKS proxy, and what speaks to those is not installed.
        raise OpenFailed(errors.unreachable(f"{type(failure).__name__}: {failure}")) from failure


def _refusal(refused: InvalidStatus) -> Fault:
    response = refused.response
    body = bytes(response.body or b"")[:200].decode("utf-8", "replace")
    return errors.from_status(response.status_code, body, _seconds(response.headers.get("Retry-After")))


def _seconds(value: str | None) -> float | None:
    try:
        return min(3600.0, max(0.0, float(value))) if value is not None else None
    except ValueError:
        return None


async def send_frame(socket: ClientConnection, frame: bytes, stall_s: float) -> bool:
    """Send a text frame, waiting for room in the socket's buffer.

    Returns False when nothing at all left the buffer for ``stall_s`` seconds. A closed socket is no error here: who
    reads from it learns that, with the code.
    """
    while True:
        before = _unsent(socket)
        try:
            async with asyncio.timeout(stall_s):
                await socket.send(frame, text=True)
        except ConnectionClosed:
            return True
        except TimeoutError:
            # The frame is in the buffer already: what timed out is the wait for room.
            return _unsent(socket) < before + len(frame)
        return True


async def close_socket(socket: ClientConnection, timeout_s: float) -> None:
    """Close with 1000; a peer that does not answer, or takes nothing, is cut off after ``timeout_s`` seconds."""
    try:
        async with asyncio.timeout(timeout_s):
            await socket.close()
    except TimeoutError:
        socket.transport.abort()
        await socket.wait_closed()


def _unsent(socket: ClientConnection) -> int:
    transport = socket.transport
    return 0 if transport.is_closing() else transport.get_write_buffer_size()
