"""Many files as one zip, in pieces: no more of it in memory than one file. Pure."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

#: The time that zip files hold for what has none: their earliest.
_TIME = (1980, 1, 1, 0, 0, 0)


class _Outgoing(io.RawIOBase):
    """A file that is written once from its beginning to its end, and gives away what was written."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        data = bytes(piece)  # type: ignore[call-overload]  # any buffer
        self._pieces.append(data)
        return len(data)

    def taken(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class Bundle:
    """A zip in the making: `add` and `finish` return the bytes that come next."""

    def __init__(self) -> None:
        self._out = _Outgoing()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        self._names: set[str] = set()

    def add(self, filename: str, content: bytes) -> bytes:
        """One more file. A name that is taken gets a number."""
        entry = zipfile.ZipInfo(self._free(filename), _TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        self._zip.writestr(entry, content)
        return self._out.taken()

    def finish(self) -> bytes:
        """The end of the zip."""
        self._zip.close()
        return self._out.taken()

    def _free(self, filename: str) -> str:
        name, path, number = filename, PurePosixPath(filename), 1
        while name.casefold() in self._names:
            number += 1
            name = f"{path.stem} ({number}){path.suffix}"
        self._names.add(name.casefold())
        return name
