"""The socket end of the guard: names are resolved here, every address is judged, then connected to by its number.

Checking anywhere earlier does not hold: a name can answer differently at the next look-up (rebinding), and a redirect
or a playlist brings new names. This module and ``media.fetch`` are the only ones that may touch an HTTP client.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import httpcore2

from .errors import BlockedUrl, FetchError
from .guard import Address, Policy, is_opened, judge_address

#: Answers the addresses of a host name. Raises ``FetchError``.
Resolver = Callable[[str], Awaitable[Sequence[Address]]]

#: At most so many addresses of one answer are tried, within ``CONNECT_BUDGET_S`` altogether.
MAX_ADDRESSES = 8
CONNECT_BUDGET_S = 10.0

#: What reading from and writing to a stream of ``connect_guarded`` raises when the connection breaks.
STREAM_ERRORS = (httpcore2.NetworkError, httpcore2.TimeoutException, OSError)

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


async def system_resolver(host: str) -> list[Address]:
    """The addresses of ``host`` by the machine's resolver, in its order, without repeats.

    Raises ``FetchError``: ``source_not_found`` (no such name) or ``dns_failed`` (retryable).
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address]] = loop.create_future()
    # A daemon thread of its own: a resolver that hangs must not fill the shared pool or hold up the exit.
    threading.Thread(target=_look_up, args=(loop, answer, host), name="resolver", daemon=True).start()
    return await answer


def _look_up(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[list[Address]], host: str) -> None:
    result: list[Address] | FetchError
    try:
        # The trailing dot keeps the resolver's search domains out of it.
        infos = socket.getaddrinfo(host + ".", None, type=socket.SOCK_STREAM)
        result = list(dict.fromkeys(ipaddress.ip_address(info[4][0]) for info in infos))
    except (OSError, UnicodeError, ValueError) as error:
        result = _dns_error(error)
    try:
        loop.call_soon_threadsafe(_settle, answer, result)
    except RuntimeError:  # the loop is gone, and with it whoever asked
        return


def _settle(answer: asyncio.Future[list[Address]], result: list[Address] | FetchError) -> None:
    if answer.done():
        return
    if isinstance(result, FetchError):
        answer.set_exception(result)
    else:
        answer.set_result(result)


def _dns_error(error: Exception) -> FetchError:
    if isinstance(error, socket.gaierror) and error.errno not in _NO_SUCH_NAME:
        return FetchError("dns_failed", "The host name could not be looked up just now.", retryable=True)
    return FetchError(
        "source_not_found", "There is no host of that name.", next_step="Check the address for typing errors."
    )


def is_own_address(address: Address) -> bool:
    """Whether ``address`` belongs to this machine, public or not. Connecting a datagram socket sends nothing; the
    kernel only picks a route, and the route to one's own address starts at that address."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ipaddress.ip_address(probe.getsockname()[0]) == address
    except (OSError, ValueError):
        return False


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Network backend of httpcore2 that opens no connection to an address the policy refuses.

    ``dns_s`` bounds each look-up and ``connect_s`` each connection attempt, in seconds.
    """

    def __init__(self, policy: Policy, resolver: Resolver, *, dns_s: float, connect_s: float) -> None:
        self._policy = policy
        self._resolver = resolver
        self._dns_s = dns_s
        self._connect_s = connect_s
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve ``host``, refuse the whole answer if one address is refused, connect to a judged address."""
        addresses = await self.judged(host)
        try:
            async with asyncio.timeout(CONNECT_BUDGET_S):
                return await self._connect_first(addresses[:MAX_ADDRESSES], port)
        except TimeoutError:
            raise httpcore2.ConnectTimeout("connect budget used up") from None

    async def judged(self, host: str) -> Sequence[Address]:
        """The addresses of ``host``. Raises ``BlockedUrl`` when one of them is refused, and ``FetchError``."""
        addresses = await self._addresses(host)
        for address in addresses:
            own = {address} if is_own_address(address) else frozenset()
            policy = replace(self._policy, own_addresses=self._policy.own_addresses | own)
            judge_address(address, policy)
            if policy.on_allowed is not None and is_opened(address, policy):
                policy.on_allowed(host, address)
        return addresses

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Always refused."""
        raise BlockedUrl("url_address", "Local sockets cannot be fetched from.")

    async def sleep(self, seconds: float) -> None:
        """Wait, for the pool's own retries (there are none)."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass
        try:
            async with asyncio.timeout(self._dns_s):
                found = await self._resolver(host)
        except TimeoutError:
            raise FetchError("dns_timeout", "Looking up the host name took too long.", retryable=True) from None
        if not found:
            raise _dns_error(socket.gaierror(socket.EAI_NONAME, "empty answer"))
        return found

    async def _connect_first(self, addresses: Sequence[Address], port: int) -> httpcore2.AsyncNetworkStream:
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            try:
                return await self._connect(address, port)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _connect(self, address: Address, port: int) -> httpcore2.AsyncNetworkStream:
        stream = await self._inner.connect_tcp(str(address), port, timeout=self._connect_s)
        peer = stream.get_extra_info("server_addr")
        if not peer or ipaddress.ip_address(peer[0]) != address:
            await stream.aclose()
            raise BlockedUrl("url_address", "The connection did not reach the address that was checked.")
        return _ShoutcastStream(stream)


async def judged_addresses(host: str, policy: Policy) -> Sequence[Address]:
    """The addresses of ``host``, all of them allowed. Raises ``BlockedUrl`` or ``FetchError``."""
    return await GuardedBackend(policy, system_resolver, dns_s=5.0, connect_s=5.0).judged(host)


async def connect_guarded(host: str, port: int, policy: Policy, resolver: Resolver) -> httpcore2.AsyncNetworkStream:
    """A bare connection for the relay, judged like every other. Raises ``BlockedUrl`` or ``FetchError``."""
    backend = GuardedBackend(policy, resolver, dns_s=5.0, connect_s=5.0)
    try:
        return await backend.connect_tcp(host, port)
    except STREAM_ERRORS as error:
        raise FetchError("source_unreachable", "The server could not be reached.", retryable=True) from error


_ICY = b"ICY "


class _ShoutcastStream(httpcore2.AsyncNetworkStream):
    """Lets first-generation Shoutcast servers through, whose status line says ICY where HTTP/1.0 belongs."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._first = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._inner.read(max_bytes, timeout)
        if not self._first:
            return data
        self._first = False
        # It may come in pieces of any size.
        while len(data) < len(_ICY) and _ICY.startswith(data) and (more := await self._inner.read(max_bytes, timeout)):
            data += more
        return b"HTTP/1.0 " + data.removeprefix(_ICY) if data.startswith(_ICY) else data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return _ShoutcastStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
