"""The file that a client's sound is written to as it comes: one writer at a time, whatever process it lives in."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from .disk import require_space
from .errors import StorageError
from .storage import write_all

#: Between two questions for space on the disk at most so many bytes are written.
CHECK_BYTES = 8 * 1024**2


def create(path: Path) -> None:
    """Make the empty file; harmless when it exists. Raises ``StorageError`` (``disk_full``)."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise StorageError("disk_full", "The recording could not be begun on disk.", retryable=True) from error


class Appender:
    """Holds the file's lock from the beginning to `close`; the system lets go of it when the process dies.

    Waits up to ``wait`` seconds for another writer, then raises ``StorageError`` (``stream_busy``);
    ``media_missing`` when there is no such file.
    """

    def __init__(self, path: Path, wait: float = 0.0) -> None:
        self._path = path
        self._descriptor = self._locked(time.monotonic() + wait)
        self.size = os.fstat(self._descriptor).st_size
        self._checked = -CHECK_BYTES
        #: Bytes that outlast a power cut.
        self.safe = 0
        self.flush()

    def append(self, data: bytes) -> None:
        """Write ``data`` behind what is there. Raises ``StorageError`` (``disk_full``), then as if never asked."""
        if self.size - self._checked >= CHECK_BYTES:
            require_space(self._path.parent, len(data))
            self._checked = self.size
        try:
            write_all(self._descriptor, data)
        except StorageError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(data)

    def flush(self) -> int:
        """Put everything on the disk itself; how many bytes are safe there now."""
        size = self.size
        if size != self.safe:
            os.fsync(self._descriptor)
            self.safe = size
        return self.safe

    def close(self) -> None:
        """Let another one write."""
        os.close(self._descriptor)

    def _locked(self, until: float) -> int:
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise StorageError("media_missing", "The stored recording is not there any more.") from error
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(descriptor)
                    step = "Close the other one, or take over from it."
                    raise StorageError("stream_busy", "Another connection sends to this transcript.",
                                       next_step=step) from None  # fmt: skip
            time.sleep(0.02)
