"""From decoded tokens to words on the connection's clock. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from transcripts.engine.alignment import HeardWord, clip_to_voice, token_frames
from transcripts.engine.model import FRAME_SAMPLES, Decoded, Moonshine
from transcripts.engine.vad import FRAME

#: Silence left around a word when it is clipped to the voice, in samples (40 ms).
MARGIN = 640

#: Last words of real sentences in the development set take 0.2 s and more; invented ones got at most 0.144 s.
SHORTEST_WORD = 2400

#: Mean token log-probability below which a very short last word is not believed.
DOUBTFUL = -0.4


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
    return drop_invented(found)


def drop_invented(words: list[HeardWord]) -> list[HeardWord]:
    """Without the words at the end that the network only made up to finish a sentence.

    They have no sound of their own, so alignment leaves them next to no time, and the network is not sure of them.
    """
    kept = list(words)
    while kept and kept[-1].end - kept[-1].start < SHORTEST_WORD and kept[-1].logprob < DOUBTFUL:
        kept.pop()
    return kept


def _frames(decoded: Decoded, start: int, end: int) -> list[int]:
    count = max(1, (end - start) // FRAME_SAMPLES)
    if decoded.attention is None:
        total = max(1, len(decoded.tokens))
        return [index * count // total for index in range(total + 1)]
    return token_frames(decoded.attention[:, :, :count])
