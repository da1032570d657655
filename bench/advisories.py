"""Holds the pinned packages against a list of known holes, without any network; part of `make check`.

    python -m bench.advisories requirements.lock requirements-dev.lock

The list (`advisories.txt`) is kept by hand: one line for each hole that a release of ours must not have.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).with_name("advisories.txt")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([0-9][^\s;\\]*)", re.MULTILINE)


class Advisory(NamedTuple):
    """A hole: the package, the first version without it, and its name."""

    package: str
    fixed_in: str
    name: str


def read(text: str) -> list[Advisory]:
    """The lines of a list; ``#`` begins a comment. Raises ValueError for a line of another form."""
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if wrong := [line for line in lines if len(line) != 3]:
        raise ValueError(f"no advisory: {' '.join(wrong[0])}")
    return [Advisory(*line) for line in lines]


def pins(lock: str) -> Iterator[tuple[str, str]]:
    """Names and versions of a lock file; a package may be pinned twice, for two versions of Python."""
    for name, version in _PIN.findall(lock):
        yield re.sub(r"[-_.]+", "-", name).lower(), version


def version_of(text: str) -> tuple[int, ...]:
    """The release of a version as numbers; what follows it (rc1, .post1) does not count."""
    release = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(part) for part in release[0].split(".")) if release else ()


def holes(lock: str, advisories: Iterable[Advisory]) -> list[str]:
    """A sentence for each pinned package that has a known hole."""
    known = list(advisories)
    return [
        f"{name} {version} has {hole.name}; it is fixed in {hole.fixed_in}."
        for name, version in pins(lock)
        for hole in known
        if hole.package == name and version_of(version) < version_of(hole.fixed_in)
    ]


def main(paths: list[str]) -> int:
    """1 with the holes said, else 0."""
    advisories = read(LIST.read_text("utf-8"))
    found = [hole for path in paths for hole in holes(Path(path).read_text("utf-8"), advisories)]
    print("\n".join(sorted(set(found))) or f"None of {len(advisories)} known holes in {', '.join(paths)}.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
