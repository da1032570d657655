"""A download that breaks is carried on where it stopped, if the server can prove that it still is the same file."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from .errors import FetchError
from .fetch import Limits, Response, open_url
from .guard import Policy
from .network import Resolver

#: Tries in a row that brought less than this many bytes, and tries in all, after which it is given up.
MAX_RESUMES, PROGRESS_BYTES, MOST_RESUMES = 5, 256 * 1024, 200
#: Seconds before the first try and at most before the others; each waits about twice as long as the one before.
FIRST_REST_S, LONGEST_REST_S = 0.5, 10.0

#: Fetches the rest of a file from a byte offset on.
CarryOn = Callable[[int], AsyncGenerator[bytes]] | None


class OtherBytes(FetchError):
    """What the server offers now is not the rest of what was begun: nothing of it is taken."""


async def resuming(body: AsyncIterator[bytes], carry_on: CarryOn, start: int = 0) -> AsyncGenerator[bytes]:
    """``body``, which begins at the byte ``start``, and where it breaks the rest of the file by ``carry_on`` (None:
    never). Raises ``FetchError``."""
    received = mark = start
    tries = 0
    for _ in range(MOST_RESUMES):
        try:
            async for piece in body:
                received += len(piece)
                yield piece
            return
        except FetchError as error:
            tries = 1 if received - mark >= PROGRESS_BYTES else tries + 1
            mark = received
            if tries > MAX_RESUMES or not error.retryable or carry_on is None or isinstance(error, OtherBytes):
                raise
            # A server that restarts needs a moment.
            rest = min(FIRST_REST_S * 2 ** (tries - 1), LONGEST_REST_S)
            await asyncio.sleep(rest * random.uniform(0.5, 1))  # noqa: S311  spreading, not secrecy
        body = carry_on(received)
    raise FetchError("source_dropped", "The connection broke before the source had ended.", retryable=True)


def carrying_on(response: Response, policy: Policy, limits: Limits, resolver: Resolver) -> CarryOn:
    """How to fetch the rest of ``response`` by byte range (RFC 9110, 13.1.5 and 14.2), or None when its bytes may be
    others by then: it names no strong validator or no length."""
    etag = response.headers.get("etag", "")
    validator = etag if etag.startswith('"') else response.headers.get("last-modified", "")
    size = response.content_length
    if not validator or size is None:
        return None

    async def carry_on(start: int) -> AsyncGenerator[bytes]:
        headers = {"Range": f"bytes={start}-", "If-Range": validator}
        fetch = open_url(response.url, policy=policy, limits=limits, resolver=resolver, headers=headers)
        async with fetch as again, aclosing(again.aiter_bytes()) as body:
            _judge(again, start, size)
            left = size - start
            async for piece in body:
                left -= len(piece)
                if left < 0:
                    raise _other_bytes()
                yield piece
            if left:
                raise FetchError("source_dropped", "The connection broke before the source had ended.", retryable=True)

    return carry_on


def _judge(again: Response, start: int, size: int) -> None:
    """The answer must be exactly the missing part of the same file, in one piece."""
    if again.status == 429 or again.status >= 500:
        again.raise_for_status()
    part = f"bytes {start}-{size - 1}/{size}"
    fits = again.status == 206 and again.headers.get("content-range", "").lower() == part
    if not fits or again.content_length not in (None, size - start):
        raise _other_bytes()


def _other_bytes() -> OtherBytes:
    return OtherBytes("source_truncated", "The download broke and cannot be carried on.", retryable=True)
