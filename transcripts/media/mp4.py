"""Where an MP4 keeps its index, and what the index's first lines say: enough to judge a film from a few bytes. Pure.

Boxes: 32-bit length and four letters, a 64-bit length when the first is 1 (ISO/IEC 14496-12, 4.2 and 8.2.2).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_MAX_BOXES = 64


@dataclass(frozen=True, slots=True)
class Box:
    """A box at byte ``start`` of a file, ``size`` bytes long with its header."""

    kind: bytes
    start: int
    size: int


def boxes(data: bytes) -> list[Box]:
    """The outermost boxes whose headers lie in ``data``, the beginning of a file."""
    found: list[Box] = []
    at = 0
    while at + 8 <= len(data) and len(found) < _MAX_BOXES:
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1 and at + 16 <= len(data):
            size = struct.unpack_from(">Q", data, at + 8)[0]
        if size < 8:
            break
        found.append(Box(kind, at, size))
        at += size
    return found


def index_start(head: bytes) -> int | None:
    """Offset of the index that begins behind ``head``, or None when it is inside or nobody can say."""
    known = boxes(head)
    if not known or any(box.kind == b"moov" for box in known):
        return None
    end = known[-1].start + known[-1].size
    return end if end >= len(head) else None


def movie_seconds(data: bytes) -> float | None:
    """Length in seconds by the movie header in ``data`` (any part of a file that has it), or None."""
    at = data.find(b"mvhd")
    form = ">QQIQ" if data[at + 4 : at + 5] == b"\x01" else ">IIII"
    if at < 0 or at + 8 + struct.calcsize(form) > len(data):
        return None
    _, _, scale, duration = struct.unpack_from(form, data, at + 8)
    unknown = (1 << (8 * struct.calcsize(form[-1]))) - 1
    return float(duration / scale) if scale and duration not in (0, unknown) else None


def has_picture(data: bytes) -> bool:
    """Whether a track in ``data`` declares that it is a picture."""
    at = data.find(b"hdlr")
    while at >= 0:
        if data[at + 12 : at + 16] == b"vide":
            return True
        at = data.find(b"hdlr", at + 4)
    return False
