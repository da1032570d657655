"""Position-coded test audio: every 100 ms block says its own number, so loss and doubling become set comparisons. Pure.

A block is 1600 samples in 32 groups of 50 with one constant level each. A level tells its group's place in the block
and one base-16 digit of the block number; five digits and a check digit follow each other again and again. Any 252
samples in a row therefore touch all six digits and give the number, and any change of level gives the exact place.

Zeros are silence and read as nothing. The levels survive exact PCM only: no resampling, no lossy codec.

Which commit a block belongs to: the one whose audio holds the block's middle sample (offset 800). Audio that is cut at
any sample, and replayed from exactly there, therefore gives every block once; what was heard twice is reported twice,
and a block whose middle nobody sent is not reported at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 1600
GROUP = 50
GROUPS = BLOCK // GROUP

#: The offset that decides to which commit a block belongs.
MIDDLE = BLOCK // 2

#: A level is (digit + 1) * STEP + group: always positive, so zeros are no tape.
STEP = 400
DIGITS = 5
BASE = 16
BLOCKS = BASE**DIGITS

Samples = NDArray[np.int16]


def block(number: int) -> Samples:
    """The 1600 samples of block ``number`` (0 .. 1,048,575)."""
    if not 0 <= number < BLOCKS:
        raise ValueError(f"block {number} is outside 0 .. {BLOCKS - 1}")
    digits = _digits(number)
    levels = [(digits[group % len(digits)] + 1) * STEP + group for group in range(GROUPS)]
    return np.repeat(np.array(levels, np.int16), GROUP)


def make_tape(first_block: int, blocks: int) -> bytes:
    """``blocks`` consecutive blocks from number ``first_block`` on, as 16 kHz s16le."""
    return b"".join(block(number).astype("<i2").tobytes() for number in range(first_block, first_block + blocks))


def block_name(number: int) -> str:
    """How the reader writes a block, e.g. ``b000123``."""
    return f"b{number:06d}"


def block_number(word: str) -> int:
    """The inverse of ``block_name``; raises ``ValueError`` for any other word."""
    if len(word) < 7 or word[0] != "b":
        raise ValueError(f"{word!r} names no block")
    return int(word[1:])


def sample_group(value: int) -> tuple[int, int] | None:
    """(digit, group) that a sample's value stands for, or None when it is no tape."""
    digit, group = value // STEP - 1, value % STEP
    if not 0 <= digit < BASE or group >= GROUPS:
        return None
    return digit, group


def read_digits(found: dict[int, int]) -> int | None:
    """The block number from digits by group, or None when a digit is missing, contradicted or fails the check."""
    width = DIGITS + 1
    digits: list[int] = []
    for place in range(width):
        votes = {digit for group, digit in found.items() if group % width == place}
        if len(votes) != 1:
            return None
        digits.append(votes.pop())
    number = sum(digit * BASE**place for place, digit in enumerate(digits[:DIGITS]))
    return number if digits == _digits(number) else None


def _digits(number: int) -> list[int]:
    digits = [number // BASE**place % BASE for place in range(DIGITS)]
    return [*digits, (sum((place + 1) * digit for place, digit in enumerate(digits)) + 7) % BASE]
