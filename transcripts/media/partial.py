"""What an interrupted download leaves behind: the bytes so far, and a note that proves which file they begin.

The note is written only after the bytes that it counts are on the disk, and counts them with their hash: what a power
cut, another program or a bad disk did to them is noticed, and the next try begins at the first byte.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .sources import SourceInfo

_NOTE = "source.part.json"
#: The note is brought up to date at least every so many bytes: a process that is killed loses no more.
NOTE_BYTES = 32 * 1024**2


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first ``size`` bytes of a download, and their hash so far (a `hashlib` object, to be fed on)."""

    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class _Proof:
    """Which file: its address, its validator as of RFC 9110, 8.8, and its length in bytes."""

    url: str
    validator: str
    length: int


def _proof(info: SourceInfo) -> _Proof | None:
    """What proves that a later answer offers the same bytes, or None: no strong validator, or no length."""
    etag = info.etag or ""
    validator = etag if etag.startswith('"') else info.last_modified or ""
    return _Proof(info.url, validator, info.size) if validator and info.size is not None else None


def note(folder: Path, info: SourceInfo, size: int, sha256: str) -> bool:
    """Remember that the first ``size`` bytes, which are on the disk, have this hash; False when the source offers no
    proof, so that nothing can be carried on."""
    proof = _proof(info)
    if proof is None:
        return False
    fresh = folder / f"{_NOTE}.new"
    fresh.write_text(json.dumps({"proof": asdict(proof), "size": size, "sha256": sha256}), "utf-8")
    os.replace(fresh, folder / _NOTE)
    return True


def find(folder: Path, part: Path, info: SourceInfo) -> Beginning:
    """What an earlier try left of the very same file; empty when there is nothing, or nothing that is proved."""
    proof = _proof(info)
    try:
        told = json.loads((folder / _NOTE).read_text("utf-8"))
        known, size, sha256 = _Proof(**told["proof"]), int(told["size"]), str(told["sha256"])
        if proof is None or not _same(known, proof) or not 0 < size < proof.length:
            return Beginning()
        digest = _hash(part, size)
        return Beginning(size, digest) if digest.hexdigest() == sha256 else Beginning()
    except (OSError, ValueError, TypeError, KeyError):
        return Beginning()


def _same(known: _Proof, now: _Proof) -> bool:
    """A strong ETag names the bytes; a date counts for one address only (which may change with a signed redirect)."""
    if (known.validator, known.length) != (now.validator, now.length):
        return False
    return known.url == now.url or known.validator.startswith('"')


def _hash(part: Path, size: int) -> Any:
    digest, left = hashlib.sha256(), size
    with part.open("rb") as file:
        while left and (piece := file.read(min(left, 1024**2))):
            digest.update(piece)
            left -= len(piece)
    return digest


def forget(folder: Path, part: Path) -> None:
    """Nothing of it will be carried on."""
    (folder / _NOTE).unlink(missing_ok=True)
    part.unlink(missing_ok=True)
