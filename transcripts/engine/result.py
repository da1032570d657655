"""From decoded tokens to words on the connection's clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from transcripts.engine.alignment import HeardWord, clip_to_voice, token_frames
from transcripts.engine.model import FRAME_SAMPLES, Decoded, Moonshine
from transcripts.engine.vad import FRAME

#: Silence left around a word when it is clipped to the voice, in samples (40 ms).
MARGIN = 640


def segment_words(
    model: Moonshine, decoded: Decoded, start: int, end: int, voiced: Sequence[bool], origin: int
) -> list[HeardWord]:
    """The words of a segment of samples ``[start, end)``; ``voiced`` are its VAD flags from sample ``origin`` on."""
    words = model.tokenizer.words(decoded.tokens)
    frames = _frames(decoded, start, end)
    found: list[HeardWord] = []
    earliest = start
    for word in words:
        first = max(earliest, start + frames[word.first] * FRAME_SAMPLES)
        last = min(end, max(first, start + frames[word.last] * FRAME_SAMPLES))
        first, last = clip_to_voice(first, last, voiced, origin, FRAME, MARGIN)
        mean = sum(decoded.logprobs[word.first : word.last]) / (word.last - word.first)
        found.append(HeardWord(word.text, first, last, min(0.0, mean)))
        earliest = last
    return found


def _frames(decoded: Decoded, start: int, end: int) -> list[int]:
    count = max(1, (end - start) // FRAME_SAMPLES)
    if decoded.attention is None:
        total = max(1, len(decoded.tokens))
        return [index * count // total for index in range(total + 1)]
    return token_frames(decoded.attention[:, :, :count])
