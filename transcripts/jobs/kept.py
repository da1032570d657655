"""Where it is kept what a transcript's session heard: its sound as MP3 and its waveform, for listening on the page.

``<media>/kept/<transcript>/<epoch>.mp3`` and ``.peaks``. The number is the claim's under which the file is written: a
worker that was taken over finds no file of its own number any more and so cannot write into its successor's. Among the
media, not in the spool, because web processes and the next worker must reach it. Synchronous.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings

FOLDER = "kept"
SOUND, PEAKS = ".mp3", ".peaks"


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """The newest files of a transcript; None where there is none."""

    sound: Path | None
    peaks: Path | None


def kept_root() -> Path:
    """The folder with a folder for each transcript."""
    return Path(settings.STTWEB_MEDIA_DIR) / FOLDER


def kept_dir(transcript_id: UUID) -> Path:
    """The folder of one transcript."""
    return kept_root() / str(transcript_id)


def kept_files(transcript_id: UUID) -> KeptFiles:
    """What can be listened to and looked at now."""
    folder = kept_dir(transcript_id)
    return KeptFiles(_newest(folder, SOUND), _newest(folder, PEAKS))


def take_over(transcript_id: UUID, epoch: int) -> KeptFiles:
    """The files that claim ``epoch`` writes to, holding what earlier claims left. Raises OSError."""
    folder = kept_dir(transcript_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return KeptFiles(_taken(folder, SOUND, epoch), _taken(folder, PEAKS, epoch))


def forget_kept(transcript_id: UUID) -> None:
    """Remove everything that was kept of a transcript."""
    shutil.rmtree(kept_dir(transcript_id), ignore_errors=True)


def _taken(folder: Path, suffix: str, epoch: int) -> Path:
    ours = folder / f"{epoch}{suffix}"
    older = [path for number, path in sorted(_numbered(folder, suffix)) if number < epoch]
    if older:
        os.replace(older.pop(), ours)
    for path in older:
        path.unlink(missing_ok=True)
    return ours


def _newest(folder: Path, suffix: str) -> Path | None:
    return max(_numbered(folder, suffix), default=(0, None))[1]


def _numbered(folder: Path, suffix: str) -> Iterator[tuple[int, Path]]:
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            name, dot, rest = entry.name.partition(".")
            if name.isdecimal() and dot + rest == suffix and entry.is_file(follow_symlinks=False):
                yield int(name), Path(entry.path)
