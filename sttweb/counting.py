"""What this process counts about itself, from its start on: for what no table knows, such as sockets and deliveries.

A count is a few numbers under a lock; adding costs well under a microsecond. Nothing here is shared between processes:
whoever asks `/metrics` hears about the process that answers.
"""

from __future__ import annotations

import os
import socket
import threading
from bisect import bisect_left
from collections.abc import Sequence


def process_name() -> str:
    """Host and process id: tells the answers of several processes behind one address apart."""
    return f"{socket.gethostname()[:50]}-{os.getpid()}"


class Tally:
    """Numbers by label; without labels the one under ``""``. May be added to from any thread."""

    def __init__(self, *labels: str) -> None:
        self._lock = threading.Lock()
        #: Labels that are known beforehand are told as 0, so that a rate can be taken from the first one on.
        self._values: dict[str, float] = dict.fromkeys(labels, 0)

    def add(self, label: str = "", number: float = 1) -> None:
        """Count ``number`` more under ``label``."""
        with self._lock:
            self._values[label] = self._values.get(label, 0) + number

    def values(self) -> dict[str, float]:
        """All numbers at this moment."""
        with self._lock:
            return dict(self._values)


class Spread:
    """How often a value was at most each of ``bounds`` (ascending), and the sum of all: a histogram."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum = 0.0

    def note(self, value: float) -> None:
        """Count one value."""
        with self._lock:
            self._counts[bisect_left(self.bounds, value)] += 1
            self._sum += value

    def read(self) -> tuple[list[int], float]:
        """Counts up to each bound and of all (so the last is the number of values), and the sum."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        for place in range(1, len(counts)):
            counts[place] += counts[place - 1]
        return counts, total
