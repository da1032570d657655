"""The one HTTP client of the code base: guarded, hop by hop, bounded in size and in time.

Nothing is taken from the environment (no proxies, no netrc, no TLS key log), nothing is remembered (no cookies, no
kept-alive connections), nothing is decompressed. Raw bytes of the body are handed on as they arrive.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urljoin

import httpcore2

from .errors import FetchError
from .guard import Policy, Url, judge_url
from .network import CONNECT_BUDGET_S, GuardedBackend, Resolver, system_resolver

_REDIRECTS = frozenset({301, 302, 303, 307, 308})

#: What a caller may add to a request. They go along on redirects to strangers, so none of them may be a secret.
EXTRA_HEADERS = frozenset({"range", "if-range", "icy-metadata"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one fetch. Sizes in bytes, times in seconds; ``None`` is no bound (live streams only).

    ``min_rate`` is the least bytes a second over each ``min_rate_window_s`` of waiting for the sender; time in which
    our own side is not reading does not count.
    """

    max_bytes: int | None = 4 * 1024**3
    dns_s: float = 5.0
    connect_s: float = 5.0
    first_byte_s: float = 20.0
    idle_s: float = 30.0
    total_s: float | None = 7200.0
    min_rate: int = 1024
    min_rate_window_s: float = 30.0
    max_redirects: int = 5


#: A live stream has no size and no end; only its silence is bounded. Whoever started it ends it.
LIVE_LIMITS = Limits(max_bytes=None, total_s=None, min_rate=0)


class Response:
    """The final answer: ``url`` (judged, after redirects), ``status``, ``headers`` (lower-case names, repeats joined
    by comma), ``content_length`` in bytes or None, and the body by ``aiter_bytes``."""

    def __init__(self, url: Url, raw: httpcore2.Response, limits: Limits, deadline: float | None) -> None:
        self.url = url
        self.status = raw.status
        self.headers = _headers(raw)
        self._raw = raw
        self._limits = limits
        self._deadline = deadline
        self._rate = _Rate(limits)

    @property
    def content_length(self) -> int | None:
        """Length of the body in bytes as announced, or None."""
        value = self.headers.get("content-length", "")
        return int(value) if value.isascii() and value.isdigit() else None

    def relax(self, limits: Limits) -> None:
        """Go on under other limits, once it is known what kind of source this is; the total starts anew."""
        self._limits = limits
        self._rate = _Rate(limits)
        self._deadline = None if limits.total_s is None else time.monotonic() + limits.total_s

    def raise_for_status(self) -> None:
        """Raise ``FetchError`` unless the status is a success."""
        if not 200 <= self.status < 300:
            raise _status_error(self.status)

    async def aiter_bytes(self) -> AsyncGenerator[bytes]:
        """The body as it arrives, in pieces of at most 64 KiB. Raises ``FetchError`` when a limit is passed or the
        connection breaks before the announced end."""
        received = 0
        async with aclosing(self._pieces()) as pieces:
            async for piece in pieces:
                received += len(piece)
                if self._limits.max_bytes is not None and received > self._limits.max_bytes:
                    raise _too_large(self._limits.max_bytes)
                yield piece

    async def _pieces(self) -> AsyncGenerator[bytes]:
        async with aclosing(self._raw.aiter_stream()) as stream:
            while True:
                started = time.monotonic()
                piece = await self._next(stream)
                if piece is None:
                    return
                self._rate.count(len(piece), time.monotonic() - started)
                yield piece

    async def _next(self, stream: AsyncGenerator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(_until(self._deadline, self._limits.idle_s)):
                return await anext(stream, None)
        except TimeoutError:
            raise self._timed_out() from None
        except _TRANSPORT_ERRORS as error:
            raise _body_error(error) from error

    def _timed_out(self) -> FetchError:
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return FetchError("source_too_slow", "The download did not finish in the time allowed.", retryable=True)
        return FetchError("source_stalled", "The source stopped sending.", retryable=True)


@asynccontextmanager
async def open_url(
    url: str | Url,
    *,
    policy: Policy,
    limits: Limits | None = None,
    resolver: Resolver = system_resolver,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Response]:
    """GET ``url``, following at most ``limits.max_redirects`` redirects, each judged like the first one. ``headers``
    (of ``EXTRA_HEADERS``) are added to every request.

    Raises ``BlockedUrl`` (``url_*``) or ``FetchError``: ``source_not_found``, ``dns_*``, ``source_unreachable``,
    ``source_timeout``, ``source_tls``, ``source_bad_response``, ``source_encoding``, ``source_too_large``,
    ``too_many_redirects``. The status is not judged: see ``Response.raise_for_status``.
    """
    limits = limits or Limits()
    extra = _extra(headers or {})
    deadline = None if limits.total_s is None else time.monotonic() + limits.total_s
    judged = judge_url(str(url), policy)
    for _ in range(limits.max_redirects + 1):
        head = _head(judged, limits, extra)
        async with exchange(judged, head, policy, limits, resolver, deadline) as response:
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target:
                _judge_response(response, limits)
                yield response
                return
        # Servers write spaces where %20 belongs; everything else is for the guard to judge.
        judged = judge_url(urljoin(str(judged), target.strip().replace(" ", "%20")), policy)
    raise FetchError("too_many_redirects", f"The link was redirected more than {limits.max_redirects} times.")


@asynccontextmanager
async def exchange(
    url: Url, request: httpcore2.Request, policy: Policy, limits: Limits, resolver: Resolver, deadline: float | None
) -> AsyncIterator[Response]:
    """One hop on a fresh connection: ``request`` goes to the judged ``url``. Raises as `open_url`."""
    backend = GuardedBackend(policy, resolver, dns_s=limits.dns_s, connect_s=limits.connect_s)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            httpcore2.AsyncConnectionPool(
                ssl_context=_tls(), max_connections=1, max_keepalive_connections=0, network_backend=backend
            )
        )
        budget = limits.dns_s + CONNECT_BUDGET_S + limits.connect_s + limits.first_byte_s
        try:
            async with asyncio.timeout(_until(deadline, budget)):
                raw = await pool.handle_async_request(request)
        except TimeoutError:
            raise _connect_error(httpcore2.ReadTimeout()) from None
        except _TRANSPORT_ERRORS as error:
            raise _connect_error(error) from error
        stack.push_async_callback(raw.aclose)
        yield Response(url, raw, limits, deadline)


def _extra(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    strange = {name.lower() for name in headers} - EXTRA_HEADERS
    if strange:
        raise ValueError(f"not for strangers: {', '.join(sorted(strange))}")
    return list(headers.items())


def _head(url: Url, limits: Limits, extra: list[tuple[str, str]]) -> httpcore2.Request:
    headers = [
        ("Host", url.authority),
        ("User-Agent", "sttweb/1 (live transcription)"),
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        *extra,
    ]
    target = httpcore2.URL(
        scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode("ascii")
    )
    reading = max(limits.first_byte_s, limits.idle_s)
    times = {"connect": limits.connect_s, "read": reading, "write": limits.first_byte_s}
    return httpcore2.Request("GET", target, headers=headers, extensions={"timeout": times})


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Verifying context on the machine's own trust store; loading it takes tens of milliseconds, so it is shared."""
    context = httpcore2.default_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    if hasattr(context, "keylog_filename"):
        context.keylog_filename = None  # type: ignore[assignment]  # SSLKEYLOGFILE must not write our session keys
    return context


def _headers(raw: httpcore2.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw.headers:
        key, text = name.decode("latin-1").lower(), value.decode("utf-8", "replace")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _judge_response(response: Response, limits: Limits) -> None:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise FetchError("source_encoding", "The server sends a compressed answer, which is not accepted for media.")
    if limits.max_bytes is not None and (response.content_length or 0) > limits.max_bytes:
        raise _too_large(limits.max_bytes)


class _Rate:
    """Counts bytes against the time spent waiting for them, window by window."""

    def __init__(self, limits: Limits) -> None:
        self._least = limits.min_rate * limits.min_rate_window_s
        self._window = limits.min_rate_window_s
        self._bytes = 0
        self._waited = 0.0

    def count(self, size: int, waited: float) -> None:
        self._bytes += size
        self._waited += waited
        if self._waited < self._window:
            return
        if self._bytes < self._least:
            raise FetchError("source_slow", "The source sends too slowly.", retryable=True)
        self._bytes, self._waited = 0, 0.0


_TRANSPORT_ERRORS = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
)


def _until(deadline: float | None, seconds: float) -> float:
    return seconds if deadline is None else min(seconds, max(0.0, deadline - time.monotonic()))


def _connect_error(error: Exception) -> FetchError:
    # The pool cuts the chain of causes; the original error is kept as the argument.
    origin = error.args[0] if error.args else None
    if isinstance(origin, ssl.SSLCertVerificationError):
        return FetchError("source_tls", "The server's certificate is not valid for this link.")
    if isinstance(origin, ssl.SSLError):
        return FetchError("source_tls", "No secure connection could be agreed on with the server.")
    if isinstance(error, httpcore2.TimeoutException):
        return FetchError("source_timeout", "The server did not answer in time.", retryable=True)
    if isinstance(error, httpcore2.ProtocolError | httpcore2.UnsupportedProtocol):
        return FetchError("source_bad_response", "The server's answer is not HTTP that can be understood.")
    return FetchError("source_unreachable", "The server could not be reached.", retryable=True)


def _body_error(error: Exception) -> FetchError:
    if isinstance(error, httpcore2.TimeoutException):
        return FetchError("source_stalled", "The source stopped sending.", retryable=True)
    return FetchError("source_dropped", "The connection broke before the source had ended.", retryable=True)


def _too_large(max_bytes: int) -> FetchError:
    size = f"{max_bytes / 1024**2:,.0f} MB"
    return FetchError("source_too_large", f"The source is larger than the {size} allowed.")


_STATUS: dict[int, Callable[[], FetchError]] = {
    401: lambda: FetchError("source_forbidden", "The link needs a login."),
    403: lambda: FetchError("source_forbidden", "The server refuses access to this link."),
    404: lambda: FetchError("source_not_found", "There is nothing at this link (404)."),
    410: lambda: FetchError("source_not_found", "What was at this link is gone (410)."),
}


def _status_error(status: int) -> FetchError:
    if status in _STATUS:
        return _STATUS[status]()
    if status in (408, 425, 429) or status >= 500:
        return FetchError("source_unavailable", f"The server is busy or broken ({status}).", retryable=True)
    return FetchError("source_bad_response", f"The server answered with status {status}.")
