"""The code for cameras: read back from the path, module by module, by a reader written from the standard's tables."""

from __future__ import annotations

import re

import pytest

from transcripts import qr

QUIET = 4
#: Version (by size) -> codewords of data in each block, at the level M that `qr` uses (ISO/IEC 18004, table 9).
BLOCKS = {3: [44], 4: [32] * 2, 5: [43] * 2, 6: [27] * 4}
MASKS = [
    lambda x, y: (x + y) % 2,
    lambda x, y: y % 2,
    lambda x, y: x % 3,
    lambda x, y: (x + y) % 3,
    lambda x, y: (y // 2 + x // 3) % 2,
    lambda x, y: x * y % 2 + x * y % 3,
    lambda x, y: (x * y % 2 + x * y % 3) % 2,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2,
]


def painted(code: qr.Code) -> list[list[int]]:
    """The modules that the path fills, without the quiet zone, which must be empty."""
    whole = [[0] * code.size for _ in range(code.size)]
    for x, y, length, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", code.path):
        assert length == back
        for n in range(int(length)):
            whole[int(y)][int(x) + n] = 1
    inside = [row[QUIET:-QUIET] for row in whole[QUIET:-QUIET]]
    assert sum(map(sum, whole)) == sum(map(sum, inside))
    return inside


def is_data(x: int, y: int, size: int) -> bool:
    """Not part of a finder with its format, a timing line, or the one alignment pattern of versions 2 to 6."""
    corner = (x < 9 and y < 9) or (x >= size - 8 and y < 9) or (x < 9 and y >= size - 8)
    return not (corner or 6 in (x, y) or (abs(x - (size - 7)) <= 2 and abs(y - (size - 7)) <= 2))


def bits_of(rows: list[list[int]]) -> list[int]:
    """The data in the order of the standard: pairs of columns from the right, upwards first, the mask taken off."""
    size = len(rows)
    assert [rows[8][0], rows[8][1]] == [1, 0]  # level M (00) under the mask 10 of the format
    kind = (rows[8][2] << 2 | rows[8][3] << 1 | rows[8][4]) ^ 0b101
    found, up = [], True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for y in range(size - 1, -1, -1) if up else range(size):
            for x in (right, right - 1):
                if is_data(x, y, size):
                    found.append(rows[y][x] ^ (MASKS[kind](x, y) == 0))
        up = not up
    return found


def decoded(rows: list[list[int]]) -> str:
    """The text, from the data codewords alone: nothing is damaged here."""
    blocks = BLOCKS[(len(rows) - 17) // 4]
    bits = bits_of(rows)
    words = [int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, sum(blocks) * 8, 8)]
    ordered = [word for block in range(len(blocks)) for word in words[block :: len(blocks)]]
    stream = "".join(f"{word:08b}" for word in ordered)
    assert stream[:4] == "0100"  # bytes
    length = int(stream[4:12], 2)
    return bytes(int(stream[12 + 8 * n : 20 + 8 * n], 2) for n in range(length)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/c/abcdefghijklmnopqrstuvwx",
        "http://127.0.0.1:8000/c/" + "x-_Y" * 8,
        "https://captions.example.org/c/" + "Ab3-" * 8,
        "https://transcripts.a-long-name.example.org:8443/c/" + "Zz9_" * 8,
    ],
    ids=len,
)
def test_the_path_reads_as_the_address(text):
    assert decoded(painted(qr.code(text))) == text


def test_a_longer_address_has_a_larger_code():
    assert qr.code("x" * 300).size > qr.code("x" * 30).size
