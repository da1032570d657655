"""Our 16 kHz samples in any audio format that the service takes.

Pure (numpy). The service's word times count seconds, and so does everything here: at every moment the samples that left
are worth exactly the time of the samples that came, whatever the rate, less at most one sample.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from transcripts.media.pcm import SAMPLE_RATE
from transcripts.realtime.options import AUDIO_FORMATS

#: Input samples that one output sample is made of. Half of them are the delay: 1 ms at 16 kHz.
_TAPS = 32

Samples = np.ndarray[tuple[int], np.dtype[np.int16]]


class Encoder:
    """One connection's encoder; feed it everything that is sent, in order."""

    def __init__(self, audio_format: str) -> None:
        rate = AUDIO_FORMATS.get(audio_format, SAMPLE_RATE)
        self._ulaw = audio_format.startswith("ulaw")
        self._ratio = Fraction(rate, SAMPLE_RATE)
        self._same = self._ratio == 1
        self._taken = self._given = 0
        self._tail = np.zeros(_TAPS - 1, dtype=np.float32)

    def encode(self, pcm: bytes) -> bytes:
        """s16le at 16 kHz in, the session's format out."""
        if not pcm or (self._same and not self._ulaw):
            return pcm
        samples: Any = np.frombuffer(pcm, dtype="<i2")
        if not self._same:
            samples = self._resample(samples)
        return ulaw(samples) if self._ulaw else samples.astype("<i2").tobytes()

    def _resample(self, samples: Samples) -> Samples:
        up, down = self._ratio.numerator, self._ratio.denominator
        joined = np.concatenate([self._tail, samples.astype(np.float32)])
        taken = self._taken + len(samples)
        places = np.arange(self._given, -(-taken * up // down), dtype=np.int64) * down
        # Output k lies at input k * down / up and is made of that input and the ones before it.
        first = places // up - self._taken
        windows = np.lib.stride_tricks.sliding_window_view(joined, _TAPS)[first]
        made = np.einsum("ij,ij->i", windows, _filters(up, down)[places % up])
        self._tail = joined[len(joined) - (_TAPS - 1) :]
        self._taken, self._given = taken, self._given + len(places)
        rounded: Samples = np.clip(np.rint(made), -32768, 32767).astype(np.int16)
        return rounded


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> Any:
    """A windowed sinc per phase, cut off at the lower of the two rates; rows sum to one."""
    cutoff = min(1.0, up / down) * 0.94
    centre = (_TAPS - 1) / 2
    offsets = np.arange(_TAPS)[None, :] - centre - np.arange(up)[:, None] / up
    taps = np.sinc(offsets * cutoff) * np.kaiser(_TAPS, 6.0)[None, :]
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)


def ulaw(samples: Samples) -> bytes:
    """G.711 mu-law, one byte a sample; silence is 0xFF."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    encoded: bytes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return encoded
