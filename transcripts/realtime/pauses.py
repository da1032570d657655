"""Where nobody speaks: a cheap energy detector that tells good places for a commit.

Pure (numpy). It decides nothing about the text: a wrong guess moves a commit, it never loses a word. Levels are taken
per hop of 20 ms against a noise floor that adapts within seconds; bench/pauses.py has the cost.
"""

from __future__ import annotations

import numpy as np

from transcripts.media.pcm import SAMPLE_BYTES

#: Samples per level (20 ms).
HOP = 320

#: Decibels over the noise floor that count as voice, and the absolute level under which nothing does.
_OVER_FLOOR_DB = 10.0
_LOWEST_VOICE_DB = -55.0
#: How fast the floor may rise (dB per hop): 6 dB a second, so that steady noise stops being voice.
_FLOOR_RISE_DB = 0.12
#: The floor is not believed above this level: loud speech without any pause must not become the floor.
_HIGHEST_FLOOR_DB = -38.0


class PauseDetector:
    """Levels of the audio fed so far, asked by position. All positions are samples on the transcript's clock."""

    def __init__(self, start: int) -> None:
        self._origin = start
        self._end = start
        self._rest = b""
        self._voiced = bytearray()
        self._levels = bytearray()
        self._floor = _HIGHEST_FLOOR_DB

    def feed(self, start: int, data: bytes) -> None:
        """Take the audio that begins at ``start`` (s16le). After a hole, earlier levels are forgotten."""
        if start != self._end:
            self._origin = self._end = start
            self._rest = b""
            self._voiced.clear()
            self._levels.clear()
        self._end = start + len(data) // SAMPLE_BYTES
        joined = self._rest + data if self._rest else data
        whole = len(joined) // (HOP * SAMPLE_BYTES) * HOP * SAMPLE_BYTES
        self._rest = joined[whole:]
        if whole:
            self._measure(np.frombuffer(joined, dtype="<i2", count=whole // SAMPLE_BYTES))

    def _measure(self, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> None:
        hops = samples.reshape(-1, HOP).astype(np.float32)
        power = np.einsum("ij,ij->i", hops, hops) / (HOP * 32768.0 * 32768.0)
        levels = 10.0 * np.log10(power + 1e-10)
        # The quietest tenth of the new hops pulls the floor down at once; it may rise only slowly.
        quiet = float(np.partition(levels, len(levels) // 10)[len(levels) // 10])
        self._floor = min(self._floor + _FLOOR_RISE_DB * len(levels), max(quiet, -90.0), _HIGHEST_FLOOR_DB)
        threshold = max(self._floor + _OVER_FLOOR_DB, _LOWEST_VOICE_DB)
        self._voiced += (levels > threshold).astype(np.uint8).tobytes()
        self._levels += np.clip(levels + 100.0, 0.0, 100.0).astype(np.uint8).tobytes()

    def _index(self, position: int) -> int:
        return max(0, min((position - self._origin) // HOP, len(self._voiced)))

    def pause_at(self, position: int) -> int:
        """Samples without voice that end at ``position`` (whole hops; 0 outside what is known)."""
        index = self._index(position)
        last_voice = self._voiced.rfind(1, 0, index)
        return (index - 1 - last_voice) * HOP

    def voice_in(self, start: int, end: int) -> int:
        """Samples with voice in ``[start, end)``."""
        return self._voiced.count(1, self._index(start), self._index(end)) * HOP

    def first_pause(self, start: int, end: int, length: int) -> int | None:
        """Where the first pause of ``length`` samples that follows voice in ``[start, end)`` begins, or None."""
        low, high = self._index(start), self._index(end)
        voice = self._voiced.find(1, low, high)
        found = -1 if voice < 0 else self._voiced.find(bytes(-(-length // HOP)), voice, high)
        return None if found < 0 else self._origin + found * HOP

    def loudness_at(self, position: int, width: int) -> int:
        """Highest level (0 to 100, decibels above -100 dBFS) within ``width`` samples around ``position``."""
        low, high = self._index(position - width // 2), self._index(position + width // 2)
        return max(self._levels[low:high], default=100)

    def release(self, before: int) -> None:
        """Forget levels before ``before``."""
        hops = self._index(before)
        del self._voiced[:hops], self._levels[:hops]
        self._origin += hops * HOP
