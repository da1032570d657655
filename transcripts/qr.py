"""An address as a picture for cameras: a QR code as the path of an SVG, black on white whatever the page's colours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode


@dataclass(frozen=True, slots=True)
class Code:
    """``size`` modules a side, the quiet zone included; ``path`` fills the dark ones, one unit each."""

    size: int
    path: str


def code(text: str) -> Code:
    """The code of ``text`` with a quiet zone of four modules, readable with 15 % of it hidden."""
    made: QRCode = QRCode(error_correction=ERROR_CORRECT_M, border=4)
    made.add_data(text)
    rows: list[list[bool]] = made.get_matrix()
    return Code(len(rows), "".join(_runs(y, row) for y, row in enumerate(rows)))


def _runs(y: int, row: list[bool]) -> str:
    """One row: a bar for each run of dark modules."""
    runs, x = [], 0
    for dark, modules in groupby(row):
        length = len(list(modules))
        if dark:
            runs.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length
    return "".join(runs)
