"""A small disk of its own: an ext4 file system in a file, mounted by a loop device. Needs root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.faults.machines import free_bytes


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """An empty disk of so many MB at ``folder``/disk; the test skips where nothing may be mounted."""
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(megabytes * 1024**2)
    try:
        # No blocks kept for root: the processes of the test are root's.
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        image.unlink()


def fill(disk: Path, leave: int = 0) -> Path:
    """Fill a disk to its last block, or but ``leave`` bytes; the file to remove again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        with suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, max(1, free_bytes(disk) - leave))
        if not leave:
            # What is left in pieces, until the disk itself refuses.
            with suppress(OSError):
                file.seek(0, os.SEEK_END)
                while True:
                    file.write(bytes(1024))
    return ballast
