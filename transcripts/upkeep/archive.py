"""A backup as one file: an ordinary tar, written and read as a stream, with a manifest of hashes at its end.

The manifest comes last because the hashes are known last; an archive that was cut off has none and is refused. Knows
nothing of databases. Memory is bounded by the manifest: about 200 bytes for each file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from transcripts.upkeep.errors import ArchiveError

SCHEMA = "sttweb.backup/1"
MANIFEST = "manifest.json"
#: The only names that an archive may hold; everything else makes it foreign.
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NAMES = re.compile(
    rf"database\.(?:sqlite3|pgdump)|secret_key|master_keys|media/[0-9a-f]{{2}}/{_UUID}"
    rf"|media/kept/{_UUID}/[0-9]{{1,9}}\.(?:mp3|peaks)|spool/{_UUID}/source\.(?:media|json)"
)
BLOCK = 1024**2
MOST_MANIFEST_BYTES = 1024**3


class HashingFile:
    """Reads through to a file of ``size`` bytes and hashes what passes. One that is cut meanwhile, as the sound of a
    transcript that goes on elsewhere, is filled up with zeros: an archive promises a size before it has the bytes."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._left = size
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """As of the file."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted).ljust(wanted, b"\0")
        self._left -= wanted
        self.digest.update(data)
        return data


class Writer:
    """Appends files to ``out``, which is never read or rewound; ``close`` adds the manifest."""

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - close() ends it
        self.files: list[dict[str, Any]] = []

    def add(self, name: str, path: Path) -> bool:
        """Append the file at ``path`` under ``name``; False when it is not there (any more). Raises OSError."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            info = _info(name, os.fstat(file.fileno()).st_size)
            hashing = HashingFile(file, info.size)
            self._tar.addfile(info, hashing)
        self.files.append({"name": name, "size": info.size, "sha256": hashing.digest.hexdigest()})
        return True

    def close(self, about: Mapping[str, Any]) -> None:
        """Append the manifest and end the archive."""
        text = json.dumps({"schema": SCHEMA, **about, "files": self.files}, indent=1).encode()
        self._tar.addfile(_info(MANIFEST, len(text)), io.BytesIO(text))
        self._tar.close()


def _info(name: str, size: int) -> tarfile.TarInfo:
    """Nothing of this machine goes along: no owner, no times of files."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(time.time())
    return info


def unpack(source: IO[bytes], folder: Path) -> dict[str, Any]:
    """Write the files of an archive below ``folder`` and return its manifest, when every hash agrees.

    Raises ArchiveError: ``backup_unreadable``, ``backup_incomplete``, ``backup_foreign`` or ``backup_damaged``.
    """
    found: dict[str, tuple[int, str]] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                if file is None or manifest is not None or member.name in found:
                    raise _foreign(member.name)
                if member.name == MANIFEST:
                    manifest = _read_manifest(file, member.size)
                else:
                    found[member.name] = _unpack_one(file, member.name, folder)
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError("backup_unreadable", f"This is not a whole backup of sttweb: {error}.") from error
    if manifest is None:
        raise ArchiveError("backup_incomplete", "The backup ends before its manifest; it was cut off.")
    _compare(manifest, found)
    return manifest


def _read_manifest(file: IO[bytes], size: int) -> dict[str, Any]:
    try:
        read = json.loads(file.read()) if size <= MOST_MANIFEST_BYTES else None
    except ValueError:
        read = None
    if not isinstance(read, dict) or read.get("schema") != SCHEMA or not isinstance(read.get("files"), list):
        raise ArchiveError("backup_foreign", f"The manifest is not one of the kind {SCHEMA}.")
    return read


def _unpack_one(file: IO[bytes], name: str, folder: Path) -> tuple[int, str]:
    if not NAMES.fullmatch(name):
        raise _foreign(name)
    target = folder / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size, digest = 0, hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as out:
        while block := file.read(BLOCK):
            out.write(block)
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _compare(manifest: Mapping[str, Any], found: Mapping[str, tuple[int, str]]) -> None:
    listed = {entry["name"]: (entry["size"], entry["sha256"]) for entry in manifest["files"]}
    wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if wrong:
        some = ", ".join(wrong[:3])
        raise ArchiveError("backup_damaged", f"{len(wrong)} files differ from the manifest, among them {some}.")


def _foreign(name: str) -> ArchiveError:
    return ArchiveError("backup_foreign", f"The archive holds {name[:100]!r}, which no backup of sttweb does.")
