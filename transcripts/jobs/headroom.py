"""Whether a worker may begin something new: enough disk, descriptors and memory, a caged decoder, the right tables.

Refusing is cheap and another worker may have room; running out in the middle is neither (security_reliability.md B6,
B9, B10). Blocks on the file system and, in `schema`, on the database.
"""

from __future__ import annotations

import logging
import os
import pkgutil
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from transcripts import migrations
from transcripts.media.errors import DecodeError
from transcripts.media.selftest import require_safe_decoder

logger = logging.getLogger(__name__)

APP = "transcripts"
#: The migrations of this program as it was started, whatever a deployment puts on the disk meanwhile.
KNOWN = frozenset(module.name for module in pkgutil.iter_modules(migrations.__path__))
#: Descriptors that one more session may need: sockets, pipes, a database connection, files.
DESCRIPTORS_EACH = 24
#: Memory in bytes that must be free before another session begins (a session with its decoder takes about 60 MB).
MEMORY_BYTES = 200 * 1024**2


def disk() -> str:
    """``disk_full`` (what runs must pause), ``disk_low`` (nothing new) or nothing, of the fullest of our disks."""
    folders = {settings.STTWEB_VAR, settings.STTWEB_MEDIA_DIR, settings.STTWEB_SPOOL_DIR}
    found = {_judge_disk(folder) for folder in folders}
    return next((reason for reason in ("disk_full", "disk_low") if reason in found), "")


def _judge_disk(folder: str | Path) -> str:
    place = Path(folder)
    while not place.exists() and place != place.parent:
        place = place.parent
    usage = shutil.disk_usage(place)
    return judge_disk(usage.free, usage.total)


def judge_disk(free: int, total: int) -> str:
    """``disk_full``, ``disk_low`` or nothing for a disk with so many free bytes of so many."""
    if free < _bound(total, settings.STTWEB_DISK_FULL_PERCENT, settings.STTWEB_DISK_LOW_BYTES // 2):
        return "disk_full"
    low = _bound(total, settings.STTWEB_DISK_LOW_PERCENT, settings.STTWEB_DISK_LOW_BYTES)
    return "disk_low" if free < low else ""


def _bound(total: int, percent: float, most: int) -> float:
    """A share of the disk, but not more than ``most``: a tenth of a large disk is no emergency."""
    return min(total * percent / 100, most)


def process() -> str:
    """``descriptors`` or ``memory`` when this process has no room for another session, or nothing."""
    if _descriptors_left() < DESCRIPTORS_EACH:
        return "descriptors"
    return "memory" if 0 <= _memory_left() < MEMORY_BYTES else ""


def _descriptors_left() -> float:
    try:
        import resource

        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return float("inf") if allowed == resource.RLIM_INFINITY else allowed - len(os.listdir("/proc/self/fd"))
    except (ImportError, OSError):
        return float("inf")  # a system that does not say


def _memory_left() -> int:
    """Bytes that the machine can still give, or -1 when it does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            kilobytes = next((line.split()[1] for line in file if line.startswith("MemAvailable:")), "")
    except OSError:
        return -1
    return int(kilobytes) * 1024 if kilobytes else -1


async def decoder() -> str:
    """``decoder_unsafe`` when the decoder's sandbox does not hold on this machine and the operator has not said that
    it need not, or nothing. Tries it, once per process (about 100 ms)."""
    allowed = settings.STTWEB_ALLOW_UNSANDBOXED_DECODER
    if allowed:
        logger.warning("recordings are decoded without asking for a sandbox (STTWEB_ALLOW_UNSANDBOXED_DECODER)")
    try:
        await require_safe_decoder(allow_unsafe=allowed)
    except DecodeError as error:
        return error.code
    return ""


def schema() -> str:
    """``schema_newer`` or ``schema_older`` when the tables are not those of this program, or nothing."""
    applied = {name for app, name in MigrationRecorder(connection).applied_migrations() if app == APP}
    if applied - KNOWN:
        return "schema_newer"
    return "schema_older" if KNOWN - applied else ""
