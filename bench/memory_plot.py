"""The memory of a long stream: what it grew by, and a picture of it.

    python -m bench.memory_plot MEASURED.csv [docs/images/memory.svg]

Reads what ``bench.endurance`` writes, also while it still writes. Prints the slope after the first ten minutes; with
a second name, draws the picture there (SVG, no library).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: What a process takes before it has done everything once is not growth.
SETTLED_S = 600.0

WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 44, 44
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:14px;font-weight:600;fill:#222}"
    ".grid{stroke:#ddd}.all{fill:none;stroke:#9aa5b1;stroke-width:1.5}.server{fill:none;stroke:#0b62c4;stroke-width:2}"
    ".first{fill:#f3f4f6}"
)


@dataclass(frozen=True)
class Sample:
    """Resident memory at a moment: ``seconds`` since the start, MB (10^6 bytes)."""

    seconds: float
    server: float
    everything: float


def read(path: Path) -> list[Sample]:
    """The samples of a CSV file with the columns ``seconds``, ``server_mb`` and ``all_mb``."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["all_mb"]]
    return [Sample(float(row["seconds"]), float(row["server_mb"]), float(row["all_mb"])) for row in rows]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares: MB per hour of (seconds, MB). 0 for fewer than two moments."""
    if len(points) < 2:
        return 0.0
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return 3600 * sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def settled(samples: Sequence[Sample]) -> list[Sample]:
    """What counts for growth: everything after the first ten minutes."""
    return [each for each in samples if each.seconds >= SETTLED_S]


def verdict(samples: Sequence[Sample]) -> str:
    """One sentence with the figures."""
    counted = settled(samples)
    if len(counted) < 2:
        return f"{len(samples)} samples: too early, nothing before ten minutes counts"
    server = [each.server for each in counted]
    grew = slope([(each.seconds, each.server) for each in counted])
    both = slope([(each.seconds, each.everything) for each in counted])
    return (
        f"{samples[-1].seconds / 3600:.2f} h, {len(samples)} samples; after ten minutes the server held "
        f"{min(server):.1f} to {max(server):.1f} MB, slope {grew:+.2f} MB/h (with its decoder {both:+.2f} MB/h)"
    )


def draw(samples: Sequence[Sample]) -> str:
    """The picture as SVG, from zero MB on."""
    across = max(samples[-1].seconds, 1.0)
    top = max(each.everything for each in samples) * 1.25
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(seconds: float, megabytes: float) -> str:
        return f"{LEFT + seconds / across * wide:.1f},{TOP + high - megabytes / top * high:.1f}"

    first = min(SETTLED_S, across) / across * wide
    parts = [
        f'<rect class="first" x="{LEFT}" y="{TOP}" width="{first:.1f}" height="{high}"/>',
        *_grid_across(top, wide, high),
        *_grid_up(across, wide, high),
        f'<polyline class="all" points="{" ".join(place(each.seconds, each.everything) for each in samples)}"/>',
        f'<polyline class="server" points="{" ".join(place(each.seconds, each.server) for each in samples)}"/>',
        f'<text class="title" x="{LEFT}" y="18">Resident memory of one live stream, MB</text>',
        f'<text x="{LEFT}" y="35">{verdict(samples)}</text>',
        f'<text x="{LEFT + 6}" y="{TOP + high - 8}">blue: server with engine; grey: with its decoder</text>',
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", back, *parts, "</svg>", ""])


def _grid_across(top: float, wide: int, high: int) -> list[str]:
    step = next(step for step in (10, 20, 50, 100, 200, 500, 1000, 5000) if top / step <= 6)
    lines = []
    for megabytes in range(0, int(top) + 1, step):
        y = TOP + high - megabytes / top * high
        lines.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + wide}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{megabytes}</text>')
    return lines


def _grid_up(across: float, wide: int, high: int) -> list[str]:
    minutes = across / 60
    step = next(step for step in (1, 2, 5, 10, 20, 60, 120, 600) if minutes / step <= 8)
    places = {minute: LEFT + minute * 60 / across * wide for minute in range(0, int(minutes) + 1, step)}
    y = TOP + high + 18
    return [f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{minute} min</text>' for minute, x in places.items()]


def main(arguments: list[str]) -> None:
    """Print the verdict; draw when a second name is given."""
    if len(arguments) not in {1, 2}:
        raise SystemExit(__doc__)
    samples = read(Path(arguments[0]))
    if not samples:
        raise SystemExit(f"{arguments[0]} has no samples yet")
    print(verdict(samples))
    if len(arguments) == 2:
        Path(arguments[1]).write_text(draw(samples), "utf-8")
        print(f"drawn to {arguments[1]}")


if __name__ == "__main__":
    main(sys.argv[1:])
