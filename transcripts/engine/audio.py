"""The audio formats of the protocol, turned into 16 kHz s16le piece by piece. Pure numpy."""

from __future__ import annotations

from math import gcd

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SAMPLE_RATE = 16_000

#: ``audio_format`` to (samples per second, bytes per sample).
FORMATS = {
    **{f"pcm_{rate}": (rate, 2) for rate in (8000, 16_000, 22_050, 24_000, 44_100, 48_000)},
    "ulaw_8000": (8000, 1),
}

#: Zero crossings of the resampling filter on each side.
CROSSINGS = 8


def ulaw_table() -> NDArray[np.int16]:
    """The 256 linear values of G.711 µ-law."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


class Resampler:
    """Band-limited conversion of a stream to 16 kHz; output sample n lies exactly at input time n * in / 16000.

    It looks ``half`` input samples ahead, so the newest half millisecond or so comes with the next piece.
    """

    def __init__(self, rate: int) -> None:
        common = gcd(rate, SAMPLE_RATE)
        self._up, self._down = SAMPLE_RATE // common, rate // common
        cutoff = min(1.0, SAMPLE_RATE / rate)
        self.half = int(np.ceil(CROSSINGS / cutoff))
        self._table = self._filters(cutoff)
        self._buffer = np.zeros(self.half, np.float32)
        self._origin = -self.half
        self._made = 0

    def push(self, audio: Array) -> Array:
        """The output samples that ``audio`` completes."""
        self._buffer = np.concatenate([self._buffer, audio])
        last = self._origin + self._buffer.size - self.half
        count = max(0, -(-last * self._up // self._down) - self._made)
        numbers = self._made + np.arange(count, dtype=np.int64)
        base, phase = numbers * self._down // self._up, numbers * self._down % self._up
        offsets = np.arange(1 - self.half, self.half + 1)
        taps = self._buffer[(base - self._origin)[:, None] + offsets[None, :]]
        self._made += count
        result = np.einsum("ij,ij->i", taps, self._table[phase])
        self._drop(self._made * self._down // self._up - self.half)
        return np.asarray(result, dtype=np.float32)

    def _drop(self, before: int) -> None:
        surplus = max(0, before - self._origin)
        self._buffer = self._buffer[surplus:]
        self._origin += surplus

    def _filters(self, cutoff: float) -> Array:
        offsets = np.arange(1 - self.half, self.half + 1)
        position = offsets[None, :] - np.arange(self._up)[:, None] / self._up
        window = np.cos(np.clip(position / self.half, -1, 1) * np.pi / 2) ** 2
        table = cutoff * np.sinc(position * cutoff) * window
        return np.asarray(table / table.sum(axis=1, keepdims=True), dtype=np.float32)


class AudioDecoder:
    """Client bytes of one connection to 16 kHz s16le; a split sample waits for its other half."""

    def __init__(self, audio_format: str) -> None:
        self.rate, self._width = FORMATS[audio_format]
        self._ulaw = ulaw_table() if audio_format.startswith("ulaw") else None
        self._resampler = Resampler(self.rate) if self.rate != SAMPLE_RATE else None
        self._rest = b""

    def seconds(self, data: bytes) -> float:
        """Length of ``data``."""
        return len(data) / self._width / self.rate

    def decode(self, data: bytes) -> bytes:
        """The 16 kHz samples that ``data`` completes."""
        data = self._rest + data if self._rest else data
        if len(data) % self._width:
            data, self._rest = data[:-1], data[-1:]
        else:
            self._rest = b""
        if self._resampler is None:
            return data
        samples = self._ulaw[np.frombuffer(data, np.uint8)] if self._ulaw is not None else np.frombuffer(data, "<i2")
        made = self._resampler.push(samples.astype(np.float32))
        return np.clip(np.rint(made), -32768, 32767).astype("<i2").tobytes()
