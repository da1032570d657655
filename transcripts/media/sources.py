"""What a link leads to: a file, which is fetched whole, or a live stream, which is heard as it comes.

The rule: ``icy-*`` headers mean a live stream; a length or byte ranges mean a file; with neither, a source that ends
soon or comes much faster than sound is played is a file, and anything else is live.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from .diagnosis import clean_title
from .errors import FetchError
from .fetch import LIVE_LIMITS, Limits, Response, open_url
from .guard import Policy, Url
from .network import Resolver, system_resolver
from .sniff import LIVE_SNIFF_BYTES, SNIFF_BYTES, judge_content

#: A source of unknown kind is listened to for so long, and so much of it is kept in memory, before it is called live.
DECIDE_S = 3.0
DECIDE_BYTES = 4 * 1024**2


class Kind(StrEnum):
    """FILE: has an end and can be fetched whole. LIVE: happens while it is heard."""

    FILE = "file"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known about a source before decoding: its kind, the container by its first bytes, the judged address
    after redirects, announced length in bytes, validators, and a cleaned title that the server gave."""

    kind: Kind
    container: str
    url: str
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    title: str | None = None


class Source:
    """An open source: ``info``, and the whole body from its first byte by ``aiter_bytes`` (once)."""

    def __init__(self, info: SourceInfo, head: list[bytes], rest: AsyncIterator[bytes]) -> None:
        self.info = info
        self._head = head
        self._rest = rest

    async def aiter_bytes(self) -> AsyncGenerator[bytes]:
        """The body, what was looked at to judge it included."""
        while self._head:
            yield self._head.pop(0)
        async for piece in self._rest:
            yield piece


@asynccontextmanager
async def open_source(
    url: str | Url,
    *,
    policy: Policy,
    limits: Limits | None = None,
    live_limits: Limits = LIVE_LIMITS,
    resolver: Resolver = system_resolver,
    kind: Kind | None = None,
) -> AsyncIterator[Source]:
    """Fetch ``url`` and find out what it is. ``limits`` bound a file, ``live_limits`` a stream; ``kind`` is what the
    caller insists on. Raises what ``open_url`` raises, ``FetchError`` (``source_is_live``) and ``NotMedia``."""
    async with (
        open_url(url, policy=policy, limits=limits, resolver=resolver) as response,
        aclosing(response.aiter_bytes()) as body,
    ):
        response.raise_for_status()
        found = kind_of(response.headers)
        if kind is Kind.FILE and found is Kind.LIVE:
            step = "Submit it as a live stream."
            raise FetchError("source_is_live", "This is a live stream without an end, not a file.", next_step=step)
        found = kind or found
        if found is Kind.LIVE:
            response.relax(live_limits)
        head = await _read_head(body, SNIFF_BYTES if found is Kind.FILE else LIVE_SNIFF_BYTES)
        container = judge_content(b"".join(head))
        if found is None:
            found = await _listen(body, head)
            if found is Kind.LIVE:
                response.relax(live_limits)
        yield Source(_info(response, found, container), head, body)


def kind_of(headers: Mapping[str, str]) -> Kind | None:
    """The kind that a response's headers (lower-case names) tell, or None when they do not. Pure."""
    if any(name.startswith("icy-") for name in headers):
        return Kind.LIVE
    if "content-length" in headers or headers.get("accept-ranges", "").strip().lower() == "bytes":
        return Kind.FILE
    return None


def title_from_url(url: str) -> str | None:
    """A readable title from the last part of a link's path, without its extension, or None. Pure."""
    name = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2], errors="replace")
    stem, dot, extension = name.rpartition(".")
    return clean_title((stem if dot and len(extension) <= 5 else name).replace("_", " "))


async def _read_head(body: AsyncIterator[bytes], size: int) -> list[bytes]:
    head: list[bytes] = []
    read = 0
    while read < size and (piece := await anext(body, None)) is not None:
        head.append(piece)
        read += len(piece)
    return head


async def _listen(body: AsyncIterator[bytes], head: list[bytes]) -> Kind:
    """Neither length nor a radio's headers: see whether it ends, or comes faster than any sound is played."""
    size = sum(map(len, head))
    until = time.monotonic() + DECIDE_S
    while time.monotonic() < until:
        piece = await anext(body, None)
        if piece is None:
            return Kind.FILE
        head.append(piece)
        size += len(piece)
        if size >= DECIDE_BYTES:
            return Kind.FILE
    return Kind.LIVE


def _info(response: Response, kind: Kind, container: str) -> SourceInfo:
    return SourceInfo(
        kind=kind,
        container=container,
        url=str(response.url),
        size=response.content_length if kind is Kind.FILE else None,
        etag=response.headers.get("etag"),
        last_modified=response.headers.get("last-modified"),
        title=clean_title(response.headers.get("icy-name", "")),
    )
