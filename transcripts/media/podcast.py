"""A podcast feed from its link: fetched by the guarded client, whole, bounded in bytes and time."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from .errors import FetchError
from .feeds import MAX_BYTES, Feed, parse_feed
from .fetch import Limits, open_url
from .guard import Policy
from .network import Resolver, system_resolver


async def fetch_feed(
    link: str, *, policy: Policy, resolver: Resolver = system_resolver, seconds: float = 15.0
) -> tuple[str, Feed]:
    """The address after redirects and the feed at ``link``, at most ``feeds.MAX_BYTES`` of it, within ``seconds``.
    Raises what ``fetch.open_url`` raises, ``FeedError`` and ``FetchError`` (``source_timeout``)."""
    limits = Limits(max_bytes=MAX_BYTES, first_byte_s=min(seconds, 10.0), idle_s=8.0, total_s=seconds, min_rate=0)
    try:
        async with asyncio.timeout(seconds):
            async with (
                open_url(link, policy=policy, limits=limits, resolver=resolver) as response,
                aclosing(response.aiter_bytes()) as body,
            ):
                response.raise_for_status()
                data = b"".join([piece async for piece in body])
            url = str(response.url)
            return url, await asyncio.to_thread(parse_feed, data, url)
    except TimeoutError:
        raise FetchError("source_timeout", "The feed did not arrive in time.", retryable=True) from None
