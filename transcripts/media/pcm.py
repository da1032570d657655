"""Units and arithmetic of the one audio format inside the product: 16 kHz, mono, signed 16-bit little-endian.

Pure: no I/O, no framework. Everything else (media, realtime, jobs, exports) counts in the samples defined here.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Samples per second of every PCM stream inside the product.
SAMPLE_RATE = 16_000

#: Bytes per sample (signed 16-bit, one channel).
SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of PCM on the transcript's clock.

    ``start`` is the first sample's number counted from the transcript's start; ``data`` is s16le mono at
    ``SAMPLE_RATE``. Chunks of one stream never overlap and never go back; a ``start`` beyond the previous ``end`` is
    audio that nobody could hear (a gap of the source).
    """

    start: int
    data: bytes

    @property
    def samples(self) -> int:
        """Length in samples."""
        return len(self.data) // SAMPLE_BYTES

    @property
    def end(self) -> int:
        """Number of the first sample after this chunk."""
        return self.start + len(self.data) // SAMPLE_BYTES


def seconds_to_samples(seconds: float) -> int:
    """Seconds to whole samples, rounded to the nearest."""
    return round(seconds * SAMPLE_RATE)


def samples_to_seconds(samples: int) -> float:
    """Samples to seconds."""
    return samples / SAMPLE_RATE


def samples_to_ms(samples: int) -> int:
    """Samples to whole milliseconds, rounded to the nearest."""
    return (samples * 1000 + SAMPLE_RATE // 2) // SAMPLE_RATE


def ms_to_samples(ms: int) -> int:
    """Milliseconds to samples (exact: 16 samples a millisecond)."""
    return ms * SAMPLE_RATE // 1000


def silence(samples: int) -> bytes:
    """``samples`` of digital silence as s16le bytes."""
    return bytes(samples * SAMPLE_BYTES)
