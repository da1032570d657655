"""Position-coded audio: every 100 ms block says its own number, so loss, doubling and order are set comparisons.

A block of "speech" number k holds the value BASE + k in every sample; a block of a pause holds zeros.
"""

from __future__ import annotations

import numpy as np

from transcripts.media.pcm import Chunk

BLOCK = 1600
BASE = 2000


class Tape:
    """``pattern`` alternates speech and pause lengths in blocks, repeated to ``blocks``."""

    def __init__(self, blocks: int, pattern: tuple[int, ...] = (30, 6)) -> None:
        self.blocks = blocks
        self.spoken: list[int] = []
        values = np.zeros(blocks, dtype="<i2")
        at, turn = 0, 0
        while at < blocks:
            length = pattern[turn % len(pattern)]
            if turn % 2 == 0:
                for block in range(at, min(blocks, at + length)):
                    values[block] = BASE + block
                    self.spoken.append(block)
            at, turn = at + length, turn + 1
        self.samples = np.repeat(values, BLOCK)

    @property
    def end(self) -> int:
        return self.blocks * BLOCK

    def chunk(self, start: int, end: int) -> Chunk:
        return Chunk(start, self.samples[start:end].tobytes())

    def chunks(self, size: int = BLOCK, start: int = 0) -> list[Chunk]:
        return [self.chunk(at, min(self.end, at + size)) for at in range(start, self.end, size)]


def said(text: str) -> list[int]:
    """The block numbers in a text."""
    return [int(word[1:]) for word in text.split()]
