"""The waveform of a recording: least and greatest sample of every 50 ms, eight bits each, pooled for a view. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .pcm import SAMPLE_RATE, Chunk

#: One pair of peaks covers so many samples.
PEAK_SAMPLES = SAMPLE_RATE // 20
PAIR_BYTES = 2

Pairs = npt.NDArray[np.int8]


class PeakMeter:
    """PCM in, pairs of signed bytes (minimum, maximum) out, one pair for each ``PEAK_SAMPLES`` from sample 0 on."""

    def __init__(self, start: int = 0) -> None:
        self._position = start - start % PEAK_SAMPLES
        self._rest = np.zeros(start - self._position, "<i2")

    def feed(self, chunk: Chunk) -> bytes:
        """The pairs that ``chunk`` completes. What lies between it and the last one is flat."""
        samples = np.frombuffer(chunk.data, "<i2")
        overlap = self._position + self._rest.size - chunk.start
        if overlap > 0:
            samples = samples[overlap:]
        flat = self._flat(-overlap) if overlap < 0 else b""
        whole = np.concatenate((self._rest, samples))
        ready = whole.size - whole.size % PEAK_SAMPLES
        self._rest = whole[ready:].copy()
        self._position += ready
        return flat + _pairs(whole[:ready].reshape(-1, PEAK_SAMPLES)).tobytes()

    def end(self) -> bytes:
        """The last, incomplete pair, or nothing."""
        rest, self._rest = self._rest, self._rest[:0]
        return _pairs(rest.reshape(1, -1)).tobytes() if rest.size else b""

    def _flat(self, samples: int) -> bytes:
        """Pairs of a hole, without making its samples: it may be hours long."""
        head = min(samples, PEAK_SAMPLES - self._rest.size)
        joined = np.concatenate((self._rest, np.zeros(head, "<i2")))
        if joined.size < PEAK_SAMPLES:
            self._rest = joined
            return b""
        count, rest = divmod(samples - head, PEAK_SAMPLES)
        self._position += PEAK_SAMPLES * (1 + count)
        self._rest = np.zeros(rest, "<i2")
        return _pairs(joined.reshape(1, -1)).tobytes() + bytes(PAIR_BYTES * count)


def pool(data: bytes, first: int, last: int, points: int) -> list[tuple[int, int]]:
    """At most ``points`` pairs (minimum, maximum; -128 to 127) for the pairs ``first`` up to ``last`` of a peak file's
    ``data``: as many as there are when those are few, else the extremes of even stretches."""
    pairs: Pairs = np.frombuffer(data[: len(data) - len(data) % PAIR_BYTES], np.int8).reshape(-1, 2)
    wanted = pairs[max(0, first) : max(0, last)]
    if not wanted.size or points < 1:
        return []
    edges = np.linspace(0, len(wanted), min(points, len(wanted)) + 1).astype(int)[:-1]
    low = np.minimum.reduceat(wanted[:, 0], edges)
    high = np.maximum.reduceat(wanted[:, 1], edges)
    return [(int(one), int(other)) for one, other in zip(low, high, strict=True)]


def pairs_before(sample: int) -> int:
    """Number of whole pairs before ``sample``."""
    return sample // PEAK_SAMPLES


def _pairs(blocks: npt.NDArray[np.int16]) -> Pairs:
    """Rows of samples to rows of (minimum, maximum), of 256 steps; the quietest sound is not rounded away to none."""
    if not blocks.size:
        return np.zeros((0, 2), np.int8)
    low, high = blocks.min(axis=1) >> 8, -(-blocks.max(axis=1).astype(np.int32) >> 8)
    return np.stack((low, high.clip(-128, 127)), axis=1).astype(np.int8)
