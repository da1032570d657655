"""Reads Moonshine's ``tokenizer.bin`` and turns token numbers into text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Marks the start of a word inside a piece.
WORD_MARK = "▁"

#: Pieces that are no text.
CONTROL = frozenset({b"<unk>", b"<s>", b"</s>"})


def parse_pieces(data: bytes) -> list[bytes]:
    """Splits the file into its pieces: each is one length byte (from 128 on: two, low seven bits first) and the bytes.

    An empty piece (length 0) holds the place of a token that has no text.
    """
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = data[at] * 128 + length - 128
            at += 1
        pieces.append(data[at : at + length])
        at += length
    return pieces


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A word of decoded text and its tokens, ``first`` included and ``last`` excluded (indexes into the sequence)."""

    text: str
    first: int
    last: int


class Tokenizer:
    """Token numbers to text and to words."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        blank = WORD_MARK.encode()
        self._pieces = [b"" if piece in CONTROL else piece.replace(blank, b" ") for piece in pieces]

    @classmethod
    def from_bytes(cls, data: bytes) -> Tokenizer:
        """From the content of ``tokenizer.bin``."""
        return cls(parse_pieces(data))

    def text(self, tokens: Iterable[int]) -> str:
        """The text of ``tokens`` without outer blanks; control tokens have none."""
        return b"".join(map(self._bytes, tokens)).decode("utf-8", "replace").strip()

    def words(self, tokens: Sequence[int]) -> list[TokenWord]:
        """Splits ``tokens`` at word starts; joining the words with single blanks gives ``text(tokens)``."""
        if not tokens:
            return []
        starts = [index for index, token in enumerate(tokens) if index == 0 or self._bytes(token).startswith(b" ")]
        ends = [*starts[1:], len(tokens)]
        words = [TokenWord(self.text(tokens[a:b]), a, b) for a, b in zip(starts, ends, strict=True)]
        return [word for word in words if word.text]

    def _bytes(self, token: int) -> bytes:
        return self._pieces[token] if 0 <= token < len(self._pieces) else b""
