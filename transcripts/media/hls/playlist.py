"""Bytes of a playlist to data: media and master playlists of RFC 8216. Pure, bounded, linear in the input.

Strict where a wrong guess would fetch or decode the wrong thing (attributes, ranges, keys), lenient where broken
servers are common (target duration, dates, unknown tags).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .attributes import (
    bad_range,
    read_attributes,
    read_decimal,
    read_duration,
    read_integer,
    read_iv,
    read_range,
    read_time,
    resolve,
)
from .master import MASTER_TAGS, parse_master
from .model import (
    MAX_BYTES,
    MAX_LINE_BYTES,
    MAX_LINES,
    ByteRange,
    HlsError,
    Key,
    Map,
    MasterPlaylist,
    MediaPlaylist,
    Segment,
    invalid,
)

_MEDIA_TAGS = ("#EXTINF:", "#EXT-X-TARGETDURATION:", "#EXT-X-MEDIA-SEQUENCE:")
_PLAIN_KEY = "identity"


def parse_playlist(data: bytes, url: str) -> MasterPlaylist | MediaPlaylist:
    """The playlist in ``data`` that was fetched from ``url`` (after redirects). Raises ``HlsError`` (``hls_limits``,
    ``hls_invalid``, ``hls_bad_range``, ``hls_bad_key``, ``hls_unsupported``, ``hls_drm_unsupported``)."""
    lines = _lines(data)
    master = any(line.startswith(MASTER_TAGS) for line in lines)
    media = any(line.startswith(_MEDIA_TAGS) for line in lines)
    if any(line.startswith("#EXT-X-DEFINE") for line in lines):
        raise HlsError("hls_unsupported", "The HLS playlist uses variables, which are not supported.")
    if master == media:
        raise invalid("is a list of streams and of segments at once" if media else "lists nothing")
    return parse_master(lines, url) if master else _parse_media(lines, url)


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_BYTES:
        raise HlsError("hls_limits", "The HLS playlist is larger than 1 MB.")
    raw = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    if len(raw) > MAX_LINES or any(len(line) > MAX_LINE_BYTES for line in raw):
        raise HlsError("hls_limits", "The HLS playlist has too many or too long lines.")
    if not raw or raw[0].strip() != b"#EXTM3U":
        raise HlsError("hls_invalid", "This is not an HLS playlist.")
    return [text for line in raw[1:] if (text := line.decode("utf-8", "replace").strip())]


def _parse_media(lines: list[str], url: str) -> MediaPlaylist:
    builder = _Builder(url)
    for line in lines:
        if not line.startswith("#"):
            builder.add_segment(line)
        elif line.startswith("#EXT"):
            name, _, value = line.partition(":")
            if handler := _HANDLERS.get(name):
                handler(builder, value)
    return builder.finish()


class _Builder:
    """Collects what tags say until a URI line makes a segment of it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._segments: list[Segment] = []
        self._target = 0.0
        self._sequence = 0
        self._discontinuity_sequence = 0
        self._ended = False
        self._kind = ""
        self._keys: dict[str, Key | None] = {}
        self._map: Map | None = None
        self._clear_pending()

    def _clear_pending(self) -> None:
        self._duration: float | None = None
        self._range: str | None = None
        self._discontinuity = False
        self._gap = False
        self._time: float | None = None

    def add_segment(self, uri: str) -> None:
        before = self._segments[-1] if self._segments else None
        absolute = resolve(self._url, uri)
        self._segments.append(
            Segment(
                sequence=len(self._segments),
                uri=absolute,
                # A segment without its EXTINF breaks the format, but is as long as most.
                duration=max(0.0, min(self._target, 60.0)) if self._duration is None else self._duration,
                byte_range=self._byte_range(absolute, before),
                key=self._key(),
                map=self._map,
                discontinuity=self._discontinuity,
                gap=self._gap,
                program_time=self._program_time(before),
            )
        )
        self._clear_pending()

    def _byte_range(self, uri: str, before: Segment | None) -> ByteRange | None:
        if self._range is None:
            return None
        reached = before.byte_range.end if before and before.byte_range and before.uri == uri else None
        found = read_range(self._range, reached)
        if reached is not None and found.start < reached and not self._discontinuity:
            raise bad_range()
        return found

    def _key(self) -> Key | None:
        if not self._keys:
            return None
        key = self._keys.get(_PLAIN_KEY)
        if key is None:
            raise HlsError("hls_drm_unsupported", "The stream is protected by DRM, which cannot be decoded.")
        return key

    def _program_time(self, before: Segment | None) -> float | None:
        if self._time is not None or before is None or before.program_time is None or self._discontinuity:
            return self._time
        return before.program_time + before.duration

    def set_duration(self, value: str) -> None:
        self._duration = read_duration(value)

    def set_range(self, value: str) -> None:
        self._range = value

    def set_discontinuity(self, value: str) -> None:
        self._discontinuity = True

    def set_gap(self, value: str) -> None:
        self._gap = True

    def set_time(self, value: str) -> None:
        self._time = read_time(value)

    def set_target(self, value: str) -> None:
        self._target = read_decimal(value) or 0.0

    def set_sequence(self, value: str) -> None:
        self._sequence = read_integer(value)

    def set_discontinuity_sequence(self, value: str) -> None:
        self._discontinuity_sequence = read_integer(value)

    def set_ended(self, value: str) -> None:
        self._ended = True

    def set_kind(self, value: str) -> None:
        self._kind = value.strip() if value.strip() in ("VOD", "EVENT") else ""

    def set_key(self, value: str) -> None:
        """Each key holds until another of its format; NONE ends them all (RFC 8216, 4.3.2.4)."""
        attributes = read_attributes(value)
        method = attributes.get("METHOD")
        if method == "NONE":
            self._keys.clear()
            return
        key = None
        if method == "AES-128" and attributes.get("KEYFORMAT", _PLAIN_KEY) == _PLAIN_KEY:
            if not attributes.get("URI"):
                raise HlsError("hls_bad_key", "The HLS playlist has a key without an address.")
            iv = attributes.get("IV")
            key = Key(resolve(self._url, attributes["URI"]), None if iv is None else read_iv(iv))
        self._keys[attributes.get("KEYFORMAT", _PLAIN_KEY)] = key

    def set_map(self, value: str) -> None:
        attributes = read_attributes(value)
        if not attributes.get("URI"):
            raise invalid("has an initialisation section without an address")
        key = self._key()
        if key is not None and key.iv is None:
            raise HlsError("hls_bad_key", "The HLS playlist has an encrypted initialisation section without its IV.")
        part = attributes.get("BYTERANGE")
        self._map = Map(resolve(self._url, attributes["URI"]), None if part is None else read_range(part, 0), key)

    def refuse(self, value: str) -> None:
        raise HlsError("hls_unsupported", "The HLS playlist is of a kind that is not supported.")

    def finish(self) -> MediaPlaylist:
        return MediaPlaylist(
            target=self._target,
            sequence=self._sequence,
            segments=tuple(_renumber(self._segments, self._sequence)),
            ended=self._ended,
            kind=self._kind,
            discontinuity_sequence=self._discontinuity_sequence,
        )


def _renumber(segments: list[Segment], first: int) -> list[Segment]:
    """Numbers from the playlist's own first number on, wherever in the text that stood."""
    if not first:
        return segments
    return [replace(segment, sequence=first + index) for index, segment in enumerate(segments)]


_HANDLERS: dict[str, Callable[[_Builder, str], None]] = {
    "#EXTINF": _Builder.set_duration,
    "#EXT-X-BYTERANGE": _Builder.set_range,
    "#EXT-X-DISCONTINUITY": _Builder.set_discontinuity,
    "#EXT-X-DISCONTINUITY-SEQUENCE": _Builder.set_discontinuity_sequence,
    "#EXT-X-ENDLIST": _Builder.set_ended,
    "#EXT-X-GAP": _Builder.set_gap,
    "#EXT-X-I-FRAMES-ONLY": _Builder.refuse,
    "#EXT-X-KEY": _Builder.set_key,
    "#EXT-X-MAP": _Builder.set_map,
    "#EXT-X-MEDIA-SEQUENCE": _Builder.set_sequence,
    "#EXT-X-PLAYLIST-TYPE": _Builder.set_kind,
    "#EXT-X-PROGRAM-DATE-TIME": _Builder.set_time,
    # A playlist that leaves out what was sent before is only for those who asked for one.
    "#EXT-X-SKIP": _Builder.refuse,
    "#EXT-X-TARGETDURATION": _Builder.set_target,
}
