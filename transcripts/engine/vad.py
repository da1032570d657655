"""Voice activity: Silero v6 frame by frame, a gain before it, and the segmenter that turns probabilities into segments.

A frame is 512 samples (32 ms). The gain acts on what the detector hears only: the recogniser normalises levels itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

Array = NDArray[np.float32]

FRAME = 512
CONTEXT = 64
SAMPLE_RATE = 16_000

#: The detector likes speech that peaks here; quieter input is raised by at most 40 dB.
TARGET_PEAK, LARGEST_GAIN = 0.3, 100.0

#: The peak follower forgets by half in about 4 s, and never trusts peaks below this (noise floor).
PEAK_DECAY = 0.5 ** (FRAME / SAMPLE_RATE / 4.0)


@dataclass(slots=True)
class Gain:
    """A slow peak follower: loud frames count at once, quiet ones lower the memory by and by."""

    peak: float = TARGET_PEAK / 4

    def apply(self, frame: Array) -> Array:
        """``frame`` raised towards the target level; never lowered."""
        loudest = float(np.abs(frame).max())
        self.peak = max(loudest, self.peak * PEAK_DECAY, TARGET_PEAK / LARGEST_GAIN)
        return frame * np.float32(max(1.0, TARGET_PEAK / self.peak))


class Silero:
    """The detector for one stream; the session is shared by all of them."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._state = np.zeros((2, 1, 128), np.float32)
        self._input = np.zeros((1, CONTEXT + FRAME), np.float32)
        self._rate = np.array(SAMPLE_RATE, np.int64)
        self._gain = Gain()

    def __call__(self, frame: Array) -> float:
        """Speech probability of the next ``frame`` (float32 [512])."""
        self._input[0, :CONTEXT] = self._input[0, FRAME:]
        self._input[0, CONTEXT:] = self._gain.apply(frame)
        feed = {"input": self._input, "state": self._state, "sr": self._rate}
        probability, self._state = self._session.run(None, feed)
        return float(probability[0, 0])


@dataclass(frozen=True, slots=True)
class VadSettings:
    """Thresholds in probability, lengths in seconds."""

    on: float = 0.5
    off: float = 0.35
    silence: float = 0.6
    pre_roll: float = 0.3
    post_roll: float = 0.2
    shortest: float = 0.1
    longest: float = 15.0
    cut_window: float = 5.0


@dataclass(slots=True)
class Span:
    """A run of speech on the stream's clock, in samples; ``end`` moves while it is open."""

    start: int
    end: int


@dataclass(slots=True)
class Segmenter:
    """Turns one probability per frame into spans of speech of at most 15 s, with the rolls around them.

    ``floor`` is the first sample that may be used: nothing before the last commit belongs to the next segment.
    """

    settings: VadSettings = field(default_factory=VadSettings)
    floor: int = 0
    position: int = 0
    start: int | None = None
    last_voice: int = 0
    voiced: int = 0
    _probabilities: list[float] = field(default_factory=list)

    def push(self, probability: float) -> Span | None:
        """Takes the next frame; returns the span that ends with it, if one does."""
        begin, self.position = self.position, self.position + FRAME
        speaking = self.start is not None
        voice = probability >= (self.settings.off if speaking else self.settings.on)
        if voice:
            self._voice(begin)
        if self.start is None:
            return None
        self._probabilities.append(probability)
        if self.position - self.last_voice >= self._samples(self.settings.silence):
            return self.close()
        if self.position - self.start >= self._samples(self.settings.longest):
            return self._cut()
        return None

    def open_end(self) -> int:
        """Where the open span would end if it closed now."""
        return min(self.position, self.last_voice + self._samples(self.settings.post_roll))

    def trailing_silence(self) -> int:
        """Samples since the last voiced frame."""
        return self.position - self.last_voice

    def close(self, end: int | None = None) -> Span | None:
        """Ends the open span at its last voice plus the roll (not beyond ``end``); None if it held too little."""
        start, self.start = self.start, None
        self._probabilities.clear()
        enough = self.voiced >= self._samples(self.settings.shortest)
        self.voiced = 0
        if start is None or not enough:
            return None
        stop = self.open_end() if end is None else min(end, self.last_voice + self._samples(self.settings.post_roll))
        self.floor = max(self.floor, stop)
        return Span(start, stop)

    def commit(self, end: int) -> Span | None:
        """A commit at sample ``end``: closes the open span there and goes on speaking if speech was on."""
        active = self.start is not None and self.trailing_silence() < self._samples(self.settings.post_roll)
        span = self.close(end)
        self.floor = end
        if active:
            self.start, self.last_voice = end, max(end, self.last_voice)
        return span

    def _voice(self, begin: int) -> None:
        if self.start is None:
            self.start = max(self.floor, begin - self._samples(self.settings.pre_roll))
            lead = (begin - self.start) // FRAME
            self._probabilities = [0.0] * lead
        self.last_voice = self.position
        self.voiced += FRAME

    def _cut(self) -> Span:
        assert self.start is not None
        window = self._samples(self.settings.cut_window) // FRAME
        first = max(1, len(self._probabilities) - window)
        tail = self._probabilities[first:]
        index = first + min(range(len(tail)), key=tail.__getitem__)
        end = min(self.start + index * FRAME, self.position)
        span = Span(self.start, end)
        self._probabilities = self._probabilities[index:]
        self.start = self.floor = end
        self.voiced = FRAME * sum(value >= self.settings.off for value in self._probabilities)
        return span

    @staticmethod
    def _samples(seconds: float) -> int:
        return round(seconds * SAMPLE_RATE)


def frames(buffer: Array) -> Iterator[Array]:
    """The whole frames of ``buffer``."""
    for at in range(0, buffer.size - FRAME + 1, FRAME):
        yield buffer[at : at + FRAME]
