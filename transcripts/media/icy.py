"""The metadata that Icecast and Shoutcast servers weave into a stream: taken out exactly, its titles handed on. Pure.

After every ``interval`` bytes of sound stands one byte that tells the length of a text in units of 16 bytes, then the
text (SHOUTcast metadata; the server says the interval in ``icy-metaint``).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .titles import clean_title

#: Largest interval that is believed, in bytes.
MAX_INTERVAL = 16 * 1024**2

_UNIT = 16
_TITLE = re.compile(r"StreamTitle='(.*?)'(?:;|\Z)", re.DOTALL)


class IcyStripper:
    """Separates sound from metadata. ``on_title`` hears each new title once, cleaned."""

    def __init__(self, interval: int, on_title: Callable[[str], None]) -> None:
        self._interval = interval
        self._on_title = on_title
        self._sound_left = interval
        self._text_left = 0
        self._text = bytearray()
        self._title: str | None = None

    def feed(self, data: bytes) -> bytes:
        """The sound in the next bytes of the stream."""
        sound = bytearray()
        at = 0
        while at < len(data):
            if self._sound_left:
                piece = data[at : at + self._sound_left]
                sound += piece
                self._sound_left -= len(piece)
                at += len(piece)
            elif self._text_left:
                piece = data[at : at + self._text_left]
                self._text += piece
                self._text_left -= len(piece)
                at += len(piece)
                self._end_text()
            else:
                self._text_left = data[at] * _UNIT
                at += 1
                self._end_text()
        return bytes(sound)

    def _end_text(self) -> None:
        """After the last byte of a text, or the zero that stands for none, sound begins again."""
        if self._text_left:
            return
        self._sound_left = self._interval
        text, self._text = bytes(self._text), bytearray()
        title = read_title(text)
        if title is not None and title != self._title:
            self._title = title
            self._on_title(title)


def read_interval(text: str) -> int | None:
    """Bytes of ``icy-metaint``, or None when there is no metadata in the stream."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 and 0 < int(text) <= MAX_INTERVAL else None


def read_title(text: bytes) -> str | None:
    """The cleaned ``StreamTitle`` of one metadata text, or None."""
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        decoded = text.decode("latin-1")
    found = _TITLE.search(decoded.rstrip("\x00"))
    return clean_title(found[1]) if found else None
