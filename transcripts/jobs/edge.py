"""How far behind the newest sound text settles: the same reckoning as the session page's (pace.js), kept for the board.

Pure but for the clock.
"""

from __future__ import annotations

import time


class LiveEdge:
    """Where the sound is, as one session saw it: the wall clock minus its position, at its least."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def heard(self, position_ms: int, now: float | None = None) -> None:
        """Sound up to ``position_ms`` was sent to the engine. ``now`` is in seconds, by a monotonic clock."""
        offset = (time.monotonic() if now is None else now) - position_ms / 1000
        self._offset = offset if self._offset is None else min(self._offset, offset)

    def behind(self, settled_ms: int, now: float | None = None) -> int | None:
        """Milliseconds from the newest sound back to ``settled_ms``; None before anything was heard."""
        if self._offset is None:
            return None
        return max(0, round(((time.monotonic() if now is None else now) - self._offset) * 1000) - settled_ms)
