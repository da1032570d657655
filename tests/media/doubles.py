"""Programs that stand in for the decoder and misbehave: Python scripts started in the real cage."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from transcripts.media.sandbox import Cage

#: What a Python interpreter needs to start inside the cage.
PYTHON_CAGE = Cage(read_paths=(sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))))


#: The product asks a decoder for its protocols before it uses it.
_ASKED = "if '-protocols' in sys.argv: sys.exit()"


def double(folder: Path, body: str, **limits: int) -> tuple[str, Cage]:
    """A program with ``body`` and the cage to run it in."""
    script = folder / "double"
    script.write_text(f"#!{sys.executable} -IS\nimport os, sys, time, signal\n{_ASKED}\n{body}\n")
    script.chmod(0o755)
    return str(script), replace(PYTHON_CAGE, read_paths=(*PYTHON_CAGE.read_paths, str(script)), **limits)  # type: ignore[arg-type]


async def gone(process_ids: set[int]) -> bool:
    """Whether all of ``process_ids`` end and are reaped within a few seconds."""
    for _ in range(200):
        if not process_ids & children():
            return True
        await asyncio.sleep(0.02)
    return False


def children() -> set[int]:
    """Process ids of this process's living or unreaped children."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found
