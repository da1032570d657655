"""Word times from cross attention: a monotonic path of the tokens through the encoder frames. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

#: Frames of the median filter that smooths each head's attention over time.
FILTER = 7


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word with its span on the connection's clock (samples from its first sample) and natural-log probability."""

    text: str
    start: int
    end: int
    logprob: float


def token_frames(attention: Array) -> list[int]:
    """First frame of each token, and the frame after the last, from attention [heads, tokens, frames].

    Each head is z-normalised over the tokens and median-filtered over time; the best monotonic path through their mean
    gives every token at least one frame. With more tokens than frames the tokens are spread evenly.
    """
    tokens, frames = attention.shape[1:]
    if tokens >= frames:
        return [index * frames // tokens for index in range(tokens + 1)]
    score = _smooth(_normalise(attention)).mean(axis=0)
    return [*_viterbi(score), frames]


def _normalise(attention: Array) -> Array:
    mean = attention.mean(axis=1, keepdims=True)
    deviation = attention.std(axis=1, keepdims=True)
    return np.asarray((attention - mean) / (deviation + 1e-6), dtype=np.float32)


def _smooth(score: Array) -> Array:
    padded = np.pad(score, ((0, 0), (0, 0), (FILTER // 2, FILTER // 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, FILTER, axis=2)
    return np.asarray(np.median(windows, axis=3), dtype=np.float32)


def _viterbi(score: Array) -> list[int]:
    tokens, frames = score.shape
    best = np.full(tokens, -np.inf, np.float64)
    best[0] = score[0, 0]
    moved = np.zeros((frames, tokens), bool)
    for frame in range(1, frames):
        shifted = np.concatenate([[-np.inf], best[:-1]])
        moved[frame] = shifted > best
        best = np.where(moved[frame], shifted, best) + score[:, frame]
    starts = [0] * tokens
    token = tokens - 1
    for frame in range(frames - 1, 0, -1):
        if moved[frame, token]:
            starts[token] = frame
            token -= 1
    return starts


def clip_to_voice(start: int, end: int, voiced: Sequence[bool], origin: int, size: int, margin: int) -> tuple[int, int]:
    """``[start, end)`` without the silence around it, all in samples.

    ``voiced`` says for each VAD frame of ``size`` samples from ``origin`` on whether it holds speech; ``margin`` is
    left on both sides. A span without any voiced frame stays as it is.
    """
    first, last = max(0, (start - origin) // size), (max(start, end - 1) - origin) // size
    found = [index for index in range(first, min(last + 1, len(voiced))) if voiced[index]]
    if not found:
        return start, end
    low, high = origin + found[0] * size - margin, origin + (found[-1] + 1) * size + margin
    return max(start, low), min(end, high)
