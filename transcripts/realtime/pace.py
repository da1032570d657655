"""How fast audio may leave: a multiple of real time, counted in samples.

Pure. 1x is always safe, 4x was shown to be safe, beyond that nothing is known of the hosted service (protocol.md 7.7).
"""

from __future__ import annotations

from transcripts.media.pcm import SAMPLE_RATE


class Pace:
    """A token bucket. ``multiple`` is None for "as fast as it is accepted". Time is any monotonic clock in seconds."""

    def __init__(self, multiple: float | None, burst_s: float) -> None:
        self.multiple = multiple
        self._burst = burst_s * SAMPLE_RATE
        self._credit = self._burst
        self._at: float | None = None

    def wait(self, samples: int, now: float) -> float:
        """Seconds until ``samples`` may be sent; 0 when they may go now."""
        if self.multiple is None:
            return 0.0
        self._refill(now)
        missing = min(samples, self._burst) - self._credit
        # A ten-thousandth of a second of credit is rounding, not a reason to sleep.
        return missing / (self.multiple * SAMPLE_RATE) if missing > 1.6 else 0.0

    def spend(self, samples: int, now: float) -> None:
        """``samples`` were sent."""
        if self.multiple is not None:
            self._refill(now)
            self._credit -= samples

    def slow_to_real_time(self) -> bool:
        """Never faster than real time from here on. Returns whether that changed anything."""
        if self.multiple is not None and self.multiple <= 1.0:
            return False
        self.multiple = 1.0
        self._credit = min(self._credit, 0.0)
        return True

    def _refill(self, now: float) -> None:
        if self._at is not None and self.multiple is not None:
            earned = (now - self._at) * self.multiple * SAMPLE_RATE
            self._credit = min(self._burst, self._credit + max(0.0, earned))
        self._at = now
