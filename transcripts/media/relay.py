"""The only network of a caged child: an HTTP proxy whose connections are handed in as descriptors.

The child may open no socket. It asks on one socket that it was started with, and each byte that it sends there is
answered with one end of a new socket pair; nothing listens anywhere, so no other process can use the relay. On each
connection it may ask for ``CONNECT host:port`` or for a whole ``http`` address; both are judged by the guard, and the
address of the connection by the guarded network backend. Connections, bytes and silence are bounded.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from .errors import BlockedUrl, FetchError, MediaError
from .guard import Policy, Url, judge_url
from .network import STREAM_ERRORS, Resolver, connect_guarded

#: Connections of one child, bytes of all of them in both directions, seconds of silence, longest head of a request.
MAX_CONNECTIONS = 64
MAX_BYTES = 64 * 1024**2
IDLE_S = 20.0
MAX_HEAD = 64 * 1024

_PIECE = 64 * 1024
#: Lines of a request that concern the way to the relay and not the way on.
_OWN_LINES = ("proxy-", "connection:", "host:", "keep-alive:", "te:", "upgrade:")


class _Stream(Protocol):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...

    async def write(self, buffer: bytes, timeout: float | None = None) -> None: ...

    async def aclose(self) -> None: ...


class Relay:
    """``refusals`` are the reasons why connections were not made, in order; ``moved`` the bytes that passed."""

    def __init__(self, policy: Policy, resolver: Resolver) -> None:
        self.refusals: list[MediaError] = []
        self.moved = 0
        self._policy = policy
        self._resolver = resolver
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, control: socket.socket) -> None:
        """Hand out connections for every byte that arrives on ``control``, until its other end is closed."""
        loop = asyncio.get_running_loop()
        made = 0
        while await loop.sock_recv(control, 1):
            made += 1
            if made > MAX_CONNECTIONS:
                self._refuse(FetchError("page_limits", "The page asks for too many connections."))
                return
            mine, theirs = socket.socketpair()
            mine.setblocking(False)
            with theirs:
                socket.send_fds(control, [b"c"], [theirs.fileno()])
            task = loop.create_task(self._connection(mine))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connection(self, mine: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=mine, limit=MAX_HEAD)
        try:
            await self._answer(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(IDLE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        try:
            url, first = read_request(head, self._policy)
            far = await connect_guarded(url.host, url.port, self._policy, self._resolver)
        except MediaError as error:
            self._refuse(error)
            status = "403 Forbidden" if isinstance(error, BlockedUrl) else "502 Bad Gateway"
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return
        try:
            if first:
                await far.write(first, IDLE_S)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._pump(reader, writer, far)
        finally:
            await far.aclose()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: _Stream) -> None:
        """Both directions until the far end, or the child, has no more."""
        up = asyncio.create_task(self._up(reader, far))
        try:
            while data := await far.read(_PIECE, IDLE_S):
                self._count(data)
                writer.write(data)
                await writer.drain()
        except STREAM_ERRORS:
            return
        finally:
            up.cancel()
            await asyncio.wait([up])

    async def _up(self, reader: asyncio.StreamReader, far: _Stream) -> None:
        with suppress(*STREAM_ERRORS):
            while data := await reader.read(_PIECE):
                self._count(data)
                await far.write(data, IDLE_S)

    def _count(self, data: bytes) -> None:
        self.moved += len(data)
        if self.moved > MAX_BYTES:
            self._refuse(FetchError("page_limits", "The page is too large."))
            raise ConnectionAbortedError("too much")

    def _refuse(self, error: MediaError) -> None:
        self.refusals.append(error)


def read_request(head: str, policy: Policy) -> tuple[Url, bytes]:
    """Where a proxy request leads to, and what is to be sent there first: nothing for ``CONNECT``, else the request as
    the origin has to see it, under the host that was judged. Raises ``BlockedUrl``. Pure."""
    line, *lines = head.split("\r\n")
    method, _, rest = line.partition(" ")
    target, _, version = rest.rpartition(" ")
    if not version.startswith("HTTP/1.") or not method.isalpha():
        raise BlockedUrl("url_scheme", "What was asked for is not HTTP.")
    if method == "CONNECT":
        if set(target) & set("/?#@"):
            raise BlockedUrl("url_host", "A tunnel leads to a host and nothing else.")
        return judge_url(f"https://{target}/", policy), b""
    url = judge_url(target, policy)
    if url.scheme != "http":
        raise BlockedUrl("url_scheme", "Only http passes without a tunnel.")
    kept = [one for one in lines if one and not one.lower().startswith(_OWN_LINES)]
    text = "\r\n".join(
        (f"{method} {url.target} HTTP/1.1", f"Host: {url.authority}", *kept, "Connection: close", "", "")
    )
    return url, text.encode("latin-1")


@asynccontextmanager
async def relay(policy: Policy, resolver: Resolver) -> AsyncIterator[tuple[Relay, socket.socket]]:
    """A running relay and the socket for the child, which the caller may close once the child has it."""
    mine, theirs = socket.socketpair()
    mine.setblocking(False)
    serving = Relay(policy, resolver)
    with mine, theirs:
        task = asyncio.create_task(serving.serve(mine))
        try:
            yield serving, theirs
        finally:
            task.cancel()
            await asyncio.wait([task])
            await serving.aclose()


__all__ = ["MAX_BYTES", "MAX_CONNECTIONS", "Relay", "read_request", "relay"]
