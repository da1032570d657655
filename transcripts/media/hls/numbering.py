"""Which segments of a reloaded playlist are new, when the server's numbers can be wrong. Pure.

Numbers of a playlist should only grow. Encoders restart (numbers fall back), caches answer with a copy from before,
small servers never count at all, and signed links change the names at each reload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from urllib.parse import urlsplit

from .model import Segment

#: So many of a playlist's last segments are compared; lists of a whole day are reloaded every few seconds, too.
TAIL = 200


class Order(Enum):
    """FORWARD: the shift makes the numbers continue. RESTART: it is another numbering, of which nothing is known.
    DOUBTFUL: it looks like one, but may be a cache's old copy; it is one when the next reload agrees."""

    FORWARD = "forward"
    DOUBTFUL = "doubtful"
    RESTART = "restart"


def names_of(segments: Sequence[Segment]) -> list[str]:
    """What identifies each segment: its file's name where names differ, else its whole address, with its offset."""
    short = [_name(segment, urlsplit(segment.uri).path.rpartition("/")[2]) for segment in segments]
    return short if len(set(short)) == len(short) else [_name(segment, segment.uri) for segment in segments]


def _name(segment: Segment, text: str) -> str:
    return f"{text}@{segment.byte_range.start}" if segment.byte_range else text


class Numbering:
    """Continues one numbering of segments over reloads. ``shift`` is added to the playlist's own numbers."""

    def __init__(self) -> None:
        self.shift = 0
        self._known: dict[int, str] = {}
        self._stable_names = False
        self._doubts = 0

    def match(self, segments: Sequence[Segment], following: int) -> Order:
        """Set ``shift`` for a playlist's (not empty) ``segments``; ``following`` is the number that comes next."""
        segments = segments[-TAIL:]
        names = names_of(segments)
        first, last = segments[0].sequence + self.shift, segments[-1].sequence + self.shift
        order = self._judge(names, first, last, following)
        self._doubts = self._doubts + 1 if order is Order.RESTART else 0
        if self._doubts == 1:
            return Order.DOUBTFUL
        if order is Order.RESTART:
            self._doubts = 0
            self.shift = following - segments[0].sequence
        first = segments[0].sequence + self.shift
        self._known = {first + index: name for index, name in enumerate(names)}
        return order

    def _judge(self, names: list[str], first: int, last: int, following: int) -> Order:
        if not self._known or first > max(self._known):
            return Order.FORWARD
        overlap = [(number, name) for number, name in enumerate(names, first) if number in self._known]
        if any(self._known[number] == name for number, name in overlap):
            self._stable_names = True
            return Order.FORWARD
        moved = _moved(self._known, names, first)
        if moved is not None:
            self.shift += moved
            return Order.FORWARD
        if overlap and (last >= following or not self._stable_names):
            return Order.FORWARD
        return Order.RESTART


def _moved(known: Mapping[int, str], names: Sequence[str], first: int) -> int | None:
    """How far the numbers must be moved for the names to agree with the known ones, or None when none is known."""
    once = {name for name, times in Counter(names).items() if times == 1}
    numbers = {name: number for number, name in known.items()}
    for index in range(len(names) - 1, -1, -1):
        if names[index] in once and names[index] in numbers:
            return numbers[names[index]] - (first + index)
    return None
