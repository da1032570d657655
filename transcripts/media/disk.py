"""Space on the disk that recordings are kept on, asked before and while writing."""

from __future__ import annotations

import shutil
from pathlib import Path

from .errors import StorageError

#: Bytes that stay free whatever is written, so that the database can go on.
MIN_FREE_BYTES = 1024**3

#: Between two questions at most so many bytes are written.
CHECK_EVERY_BYTES = 64 * 1024**2


def require_space(folder: Path, size: int, min_free_bytes: int = MIN_FREE_BYTES) -> None:
    """Raise ``StorageError`` (``disk_full``, retryable) unless ``size`` more bytes leave ``min_free_bytes`` free."""
    if shutil.disk_usage(folder).free - size < min_free_bytes:
        step = "Delete recordings that are no longer needed, or ask the operator for space."
        raise StorageError("disk_full", "There is not enough disk space for this recording.", next_step=step,
                           retryable=True)  # fmt: skip
