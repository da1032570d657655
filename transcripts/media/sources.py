"""What a link leads to: a file, which is fetched whole, or a live stream, which is heard as it comes.

A playlist of HLS is left to its own reader; a wrapper that names streams is followed once. Between a file and a stream
the rule is: ``icy-*`` headers mean a live stream; a length or byte ranges mean a file; with neither, a source that ends
soon or comes much faster than sound is played is a file, and anything else is live.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from .errors import FetchError, NotMedia
from .feeds import is_feed
from .fetch import LIVE_LIMITS, Limits, Response, open_url
from .guard import Policy, Url
from .icy import IcyStripper, read_interval
from .network import Resolver, system_resolver
from .resuming import CarryOn, carrying_on, resuming
from .sniff import LIVE_SNIFF_BYTES, SNIFF_BYTES, judge_content
from .titles import clean_title
from .wrappers import MAX_BYTES as WRAPPER_BYTES
from .wrappers import Entry, WrapperError, read_wrapper, wrapper_kind

#: A source of unknown kind is listened to for so long, and so much of it is kept in memory, before it is called live.
DECIDE_S = 3.0
DECIDE_BYTES = 4 * 1024**2

#: So many streams of a wrapper are tried.
MAX_ENTRIES_TRIED = 3

#: A wrapper is a few lines; one that takes longer is none.
WRAPPER_LIMITS = Limits(total_s=15.0)


class Kind(StrEnum):
    """FILE: has an end and can be fetched whole. LIVE: happens while it is heard. HLS: a playlist, whose own reader
    finds out which of the two it is."""

    FILE = "file"
    LIVE = "live"
    HLS = "hls"


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known about a source before decoding: its kind, the container by its first bytes, the judged address
    after redirects, announced length in bytes, validators, a cleaned title that the server or the wrapper gave,
    whether it is a station (``icy-*`` headers) and what it says it sends in kilobits a second."""

    kind: Kind
    container: str
    url: str
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    title: str | None = None
    radio: bool = False
    kbps: int | None = None


class Source:
    """An open source: ``info``, and the whole body from its first byte by ``aiter_bytes`` (once)."""

    def __init__(self, info: SourceInfo, head: list[bytes], rest: AsyncIterator[bytes], carry_on: CarryOn) -> None:
        self.info = info
        self._head = head
        self._rest = rest
        self._carry_on = carry_on

    async def aiter_bytes(self, start: int = 0) -> AsyncGenerator[bytes]:
        """The body from the byte ``start`` on, what was looked at to judge it included. A file whose download breaks
        is carried on where it stopped, if the server can prove that it still is the same one."""
        begun = self._from_the_start() if not start or self._carry_on is None else self._carry_on(start)
        async with aclosing(begun) as body, aclosing(resuming(body, self._carry_on, start)) as whole:
            async for piece in whole:
                yield piece

    async def _from_the_start(self) -> AsyncGenerator[bytes]:
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
    on_title: Callable[[str], None] | None = None,
) -> AsyncIterator[Source]:
    """Fetch ``url`` and find out what it is. A wrapper (``.pls``, ``.m3u`` ...) is followed once, to its first
    stream that answers. Of a playlist (``Kind.HLS``) only ``info`` is of use.

    ``limits`` bound a file, ``live_limits`` a stream; ``kind`` is what the caller insists on; ``on_title`` hears what
    a station says it plays. Raises what ``open_url`` raises, ``FetchError`` (``source_is_live``), ``NotMedia`` (also
    ``is_feed``) and ``WrapperError``.
    """
    looker = _Looker(policy, limits or Limits(), live_limits, resolver, kind, on_title)
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(looker.look(str(url), wrapped=False))
        if not isinstance(found, Source):
            await stack.aclose()
            found = await _first_answer(stack, looker, found)
        yield found


@dataclass(frozen=True, slots=True)
class _Looker:
    """Opens addresses under the caller's conditions."""

    policy: Policy
    limits: Limits
    live_limits: Limits
    resolver: Resolver
    kind: Kind | None
    on_title: Callable[[str], None] | None

    @asynccontextmanager
    async def look(self, url: str, *, wrapped: bool) -> AsyncIterator[Source | list[Entry]]:
        """What is at ``url``: a source, or the entries of a wrapper unless it was ``wrapped`` itself."""
        async with (
            open_url(
                url, policy=self.policy, limits=self.limits, resolver=self.resolver, headers={"Icy-MetaData": "1"}
            ) as response,
            aclosing(self._sound(response)) as body,
        ):
            response.raise_for_status()
            found = kind_of(response.headers)
            head = await _read_head(body, SNIFF_BYTES if found is Kind.FILE else LIVE_SNIFF_BYTES)
            document = _document(b"".join(head), response)
            if document == "hls":
                yield Source(_info(response, Kind.HLS, "hls"), [], body, None)
            elif document is not None and wrapped:
                raise WrapperError("wrapper_nested", "The playlist leads to another playlist instead of to a stream.")
            elif document is not None:
                response.relax(WRAPPER_LIMITS)
                data = b"".join(await _read_head(body, WRAPPER_BYTES + 1, head))
                yield read_wrapper(data, document, str(response.url))
            else:
                yield await self._media(response, body, head, found)

    async def _media(
        self, response: Response, body: AsyncIterator[bytes], head: list[bytes], found: Kind | None
    ) -> Source:
        if self.kind is Kind.FILE and found is Kind.LIVE:
            step = "Submit it as a live stream."
            raise FetchError("source_is_live", "This is a live stream without an end, not a file.", next_step=step)
        container = judge_content(b"".join(head))
        found = self.kind or found or await _listen(body, head)
        if found is Kind.LIVE:
            response.relax(self.live_limits)
            return Source(_info(response, found, container), head, body, None)
        again = carrying_on(response, self.policy, self.limits, self.resolver)
        return Source(_info(response, found, container), head, body, again)

    async def _sound(self, response: Response) -> AsyncGenerator[bytes]:
        """The body without a station's metadata."""
        interval = read_interval(response.headers.get("icy-metaint", ""))
        stripper = None if interval is None else IcyStripper(interval, self.on_title or (lambda _: None))
        async with aclosing(response.aiter_bytes()) as body:
            async for piece in body:
                if sound := piece if stripper is None else stripper.feed(piece):
                    yield sound


async def _first_answer(stack: AsyncExitStack, looker: _Looker, entries: list[Entry]) -> Source:
    """The first stream of a wrapper that can be had: stations list their spare servers there."""
    failure: FetchError | None = None
    for entry in entries[:MAX_ENTRIES_TRIED]:
        try:
            found = await stack.enter_async_context(looker.look(entry.url, wrapped=True))
        except FetchError as error:
            failure = failure or error
            continue
        assert isinstance(found, Source)
        if entry.title and not found.info.title:
            found.info = replace(found.info, title=entry.title)
        return found
    assert failure is not None
    raise failure


def _document(head: bytes, response: Response) -> str | None:
    """The kind of wrapper (see ``wrapper_kind``), or None for what is none."""
    if is_feed(head):
        step = "Pick an episode of the feed, or paste the link of one."
        raise NotMedia("is_feed", "This is a podcast feed, which lists recordings.", next_step=step)
    return wrapper_kind(head, response.headers.get("content-type", ""))


def kind_of(headers: Mapping[str, str]) -> Kind | None:
    """The kind that a response's headers (lower-case names) tell, or None when they do not. Pure."""
    if any(name.startswith("icy-") for name in headers):
        return Kind.LIVE
    if "content-length" in headers or headers.get("accept-ranges", "").strip().lower() == "bytes":
        return Kind.FILE
    return None


async def _read_head(body: AsyncIterator[bytes], size: int, head: list[bytes] | None = None) -> list[bytes]:
    """Pieces of ``size`` bytes or a little more, ``head`` (what was read before) included; fewer at the end."""
    head = head if head is not None else []
    read = sum(map(len, head))
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
        radio=any(name.startswith("icy-") for name in response.headers),
        kbps=_kbps(response.headers.get("icy-br", "")),
    )


def _kbps(text: str) -> int | None:
    """The first number of ``icy-br``, which some servers repeat."""
    number = text.split(",")[0].strip()
    return int(number) if number.isascii() and number.isdigit() and 0 < len(number) < 6 else None
