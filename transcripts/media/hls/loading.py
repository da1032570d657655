"""Fetching playlists, keys, maps and segments through the injected guarded client, each within its own bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from transcripts.media.errors import FetchError
from transcripts.media.fetch import Limits, Response

from .content import BLOCK, decrypt, judge_segment, sequence_iv, without_tags
from .model import MAX_BYTES, MAX_SEGMENT_BYTES, ByteRange, HlsError, Key, Map, MasterPlaylist, MediaPlaylist, Segment
from .playlist import parse_playlist

#: Bounds of each fetch: bytes, and seconds altogether.
PLAYLIST_LIMITS = Limits(max_bytes=MAX_BYTES, first_byte_s=10.0, idle_s=10.0, total_s=15.0)
KEY_LIMITS = Limits(max_bytes=1024, first_byte_s=10.0, idle_s=10.0, total_s=15.0)
MAP_LIMITS = Limits(max_bytes=4 * 1024**2, first_byte_s=10.0, idle_s=10.0, total_s=30.0)
SEGMENT_LIMITS = Limits(max_bytes=MAX_SEGMENT_BYTES, first_byte_s=10.0, idle_s=15.0, total_s=60.0)

_KEYS_KEPT = 8

#: Playlists from this size on, in bytes, are parsed off the event loop (a full one takes some 0.1 s).
_BLOCKING_BYTES = 64 * 1024


class Fetch(Protocol):
    """``fetch.open_url`` with policy and resolver filled in; ``headers`` are added to the request's own."""

    def __call__(
        self, url: str, *, limits: Limits, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Response]: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of the four kinds of fetch."""

    playlist: Limits = PLAYLIST_LIMITS
    key: Limits = KEY_LIMITS
    map: Limits = MAP_LIMITS
    segment: Limits = SEGMENT_LIMITS


class Loader:
    """Fetches what a playlist names. Keys and the last map are kept; nothing else is."""

    def __init__(self, fetch: Fetch, bounds: Bounds) -> None:
        self._fetch = fetch
        self._bounds = bounds
        self._keys: dict[str, bytes] = {}
        self._map: tuple[Map, bytes] | None = None

    async def playlist(self, url: str) -> MasterPlaylist | MediaPlaylist:
        """Fetch and parse. Raises ``HlsError``, ``FetchError``, ``BlockedUrl``."""
        try:
            data, final = await self._read(url, self._bounds.playlist, None)
        except FetchError as error:
            if error.code == "source_too_large":
                raise HlsError("hls_limits", "The HLS playlist is larger than 1 MB.") from error
            raise
        if len(data) < _BLOCKING_BYTES:
            return parse_playlist(data, final)
        return await asyncio.to_thread(parse_playlist, data, final)

    async def initialisation(self, section: Map) -> bytes:
        """The bytes of an initialisation section, decrypted and judged."""
        if self._map is None or self._map[0] != section:
            data, _ = await self._read(section.uri, self._bounds.map, section.byte_range)
            if section.key is not None:
                assert section.key.iv is not None
                data = decrypt(data, await self._key(section.key), section.key.iv)
            judge_segment(data)
            self._map = (section, data)
        return self._map[1]

    async def segment(self, segment: Segment) -> tuple[bytes, str]:
        """The bytes for the decoder and their container. Raises ``NotMedia`` besides what fetching raises."""
        data, _ = await self._read(segment.uri, self._bounds.segment, segment.byte_range)
        if segment.key is not None:
            data = decrypt(data, await self._key(segment.key), segment.key.iv or sequence_iv(segment))
        data = without_tags(data)
        return data, judge_segment(data)

    async def _key(self, key: Key) -> bytes:
        if key.uri not in self._keys:
            found = await self._read_key(key.uri)
            if len(self._keys) >= _KEYS_KEPT:
                del self._keys[next(iter(self._keys))]
            self._keys[key.uri] = found
        return self._keys[key.uri]

    async def _read_key(self, uri: str) -> bytes:
        try:
            found, _ = await self._read(uri, self._bounds.key, None)
        except FetchError as error:
            if error.code != "source_too_large":
                raise
            found = b""
        if len(found) != BLOCK:
            raise HlsError("hls_bad_key", "The stream's decryption key is not 16 bytes long.")
        return found

    async def _read(self, url: str, limits: Limits, part: ByteRange | None) -> tuple[bytes, str]:
        """The body, or the ``part`` of it, and the address after redirects."""
        headers = {} if part is None else {"Range": f"bytes={part.start}-{part.end - 1}"}
        async with self._fetch(url, limits=_with_room(limits, part), headers=headers) as response:
            response.raise_for_status()
            # Servers without ranges send the whole file, from which the part is cut.
            skip = part.start if part is not None and response.status != 206 else 0
            _judge_range(response, part, limits)
            wanted = None if part is None else skip + part.length
            data = await _collect(response, skip, wanted)
        if part is not None and len(data) != part.length:
            raise FetchError("source_dropped", "The server sent less of a file than was asked for.", retryable=True)
        return data, str(response.url)


def _with_room(limits: Limits, part: ByteRange | None) -> Limits:
    """The announced size of a whole file may be anything when only a part is wanted; ``_collect`` bounds the rest."""
    return limits if part is None else replace(limits, max_bytes=None)


def _judge_range(response: Response, part: ByteRange | None, limits: Limits) -> None:
    if part is None:
        return
    if response.status != 206:
        if limits.max_bytes is not None and part.end > limits.max_bytes:
            raise FetchError("source_too_large", "The server cannot send a part of this file.")
    elif not response.headers.get("content-range", "").replace(" ", "").startswith(f"bytes{part.start}-"):
        raise FetchError("source_bad_response", "The server sent another part of the file than was asked for.")


async def _collect(response: Response, skip: int, wanted: int | None) -> bytes:
    """The body from ``skip`` up to ``wanted`` bytes (None: all of it, which the client's limits bound)."""
    data = bytearray()
    async with aclosing(response.aiter_bytes()) as body:
        async for piece in body:
            data += piece
            if wanted is not None and len(data) >= wanted:
                break
    return bytes(data[skip:wanted])
