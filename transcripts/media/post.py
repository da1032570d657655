"""Sending a small message to a stranger's address: the guarded client once more, with a body and no redirects."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpcore2

from .errors import FetchError
from .fetch import Limits, Response, exchange
from .guard import Policy, Url, judge_url
from .network import Resolver, system_resolver

#: Seconds for everything, from the look-up of the name to the end of the answer, and bytes read of the answer.
TOTAL_S, ANSWER_BYTES = 10.0, 8192


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``status``, the first ``ANSWER_BYTES`` of the body, and ms from the start to its end."""

    status: int
    body: bytes
    took_ms: int


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    policy: Policy,
    resolver: Resolver = system_resolver,
    total_s: float = TOTAL_S,
) -> Answer:
    """POST ``body`` as JSON. The address is judged again, now; a redirect is an answer like any other.

    Raises ``BlockedUrl`` and ``FetchError`` as `media.fetch.open_url`.
    """
    started = time.monotonic()
    judged = judge_url(url, policy)
    limits = Limits(max_bytes=None, first_byte_s=total_s, idle_s=total_s, total_s=total_s, min_rate=0)
    request = _request(judged, body, headers, total_s)
    async with exchange(judged, request, policy, limits, resolver, started + total_s) as response:
        read = await _beginning(response)
        return Answer(response.status, read, round((time.monotonic() - started) * 1000))


def _request(url: Url, body: bytes, headers: Mapping[str, str], total_s: float) -> httpcore2.Request:
    lines = [
        ("Host", url.authority),
        ("User-Agent", "sttweb/1 (webhooks)"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
        *headers.items(),
    ]
    target = httpcore2.URL(
        scheme=url.scheme.encode(), host=url.host.encode(), port=url.port, target=url.target.encode("ascii")
    )
    times = {"connect": 5.0, "read": total_s, "write": total_s}
    return httpcore2.Request("POST", target, headers=lines, content=body, extensions={"timeout": times})


async def _beginning(response: Response) -> bytes:
    """The first bytes of the body. What breaks off after the status line was an answer all the same."""
    read = bytearray()
    try:
        async for piece in response.aiter_bytes():
            read += piece
            if len(read) >= ANSWER_BYTES:
                break
    except FetchError as error:
        if error.code == "source_too_slow" or not read:
            raise
    return bytes(read[:ANSWER_BYTES])
