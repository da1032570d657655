"""Attribute lists and numbers of playlist tags (RFC 8216, 4.2), read strictly and in linear time. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urljoin

from .model import MAX_SEGMENT_BYTES, ByteRange, HlsError, invalid

#: Longest duration that is believed, in seconds, and the furthest offset in a file, in bytes.
MAX_SECONDS = 86_400.0
MAX_OFFSET = 2**40

_ATTRIBUTE = re.compile(r'\s*([A-Z0-9-]{1,64})=("[^"]*"|[^",\s]*)\s*(,|$)')
_INTEGER = re.compile(r"[0-9]{1,20}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{0,15})?(?:[eE]\+?[0-9]{1,2})?")
_RANGE = re.compile(r"([0-9]{1,20})(?:@([0-9]{1,20}))?")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.,-]{0,63}):")
_IV = re.compile(r"0[xX]([0-9a-fA-F]{1,32})")


def read_attributes(text: str) -> dict[str, str]:
    """Names and values of an attribute list, quotes taken off. Raises ``HlsError`` (``hls_invalid``) for anything
    that is none, and for a name given twice."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text) or not found:
        match = _ATTRIBUTE.match(text, position)
        if match is None or match[1] in found:
            raise invalid("has a tag with malformed attributes")
        found[match[1]] = match[2].strip('"')
        position = match.end()
    return found


def read_integer(text: str) -> int:
    """A whole number that is not negative. Raises ``HlsError`` (``hls_invalid``)."""
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        raise invalid("has a tag whose number cannot be read")
    return int(text)


def read_decimal(text: str) -> float | None:
    """A number with sign and fraction, or None. Always finite."""
    text = text.strip()
    return float(text) if _DECIMAL.fullmatch(text) else None


def read_duration(text: str) -> float:
    """Seconds of an EXTINF. Raises ``HlsError`` (``hls_invalid``) when negative, absent or longer than a day."""
    seconds = read_decimal(text.partition(",")[0])
    if seconds is None or not 0 <= seconds <= MAX_SECONDS:
        raise invalid("has a segment of impossible length")
    return seconds


def read_range(text: str, default_start: int | None) -> ByteRange:
    """``length[@offset]``; without an offset it begins at ``default_start``. Raises ``HlsError`` (``hls_bad_range``)
    when empty, beyond ``MAX_OFFSET`` or larger than a segment may be."""
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        raise bad_range()
    start = int(match[2]) if match[2] else default_start
    length = int(match[1])
    if start is None or not 0 < length <= MAX_SEGMENT_BYTES or start + length > MAX_OFFSET:
        raise bad_range()
    return ByteRange(start, length)


def read_iv(text: str) -> bytes:
    """The 16 bytes of an IV. Raises ``HlsError`` (``hls_bad_key``)."""
    match = _IV.fullmatch(text)
    if match is None:
        raise HlsError("hls_bad_key", "The HLS playlist has a key whose initialisation vector cannot be read.")
    return bytes.fromhex(match[1].rjust(32, "0"))


def read_time(text: str) -> float | None:
    """An ISO 8601 date and time as seconds since 1970 (UTC when it names no zone), or None."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def resolve(base: str, uri: str) -> str:
    """``uri`` as an absolute address. One with another scheme than HTTP's stays as it is for the guard to refuse, also
    where only FFmpeg would call it a scheme (``subfile,,:``). Raises ``HlsError`` (``hls_invalid``) for text that no
    address can hold."""
    scheme = _SCHEME.match(uri)
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        return uri
    try:
        return urljoin(base, uri)
    except ValueError:
        raise invalid("names an address that cannot be read") from None


def bad_range() -> HlsError:
    """The error for a byte range that must not be asked for."""
    return HlsError("hls_bad_range", "The HLS playlist asks for an impossible part of a file.")
