"""Proof, before the first recording is decoded, that the decoder's cage holds on this machine.

A sandbox that is silently not there is the usual way in which such sandboxes fail. So the fence is tried from inside
once per process, and without resource limits and denial of every network no decoder is started.
"""

from __future__ import annotations

from .errors import DecodeError
from .sandbox import SandboxReport, sandbox_report

#: What is raised, as a value: those who wait for a decoder are told the same.
UNSAFE = DecodeError(
    "decoder_unsafe",
    "Recordings are not decoded here: the decoder's sandbox does not hold.",
    next_step="Ask the operator to look at the server's status page. It then goes on by itself.",
)

_kept: list[SandboxReport] = []


async def tested_sandbox() -> SandboxReport:
    """What holds, tried once per process (about 100 ms). Raises ``DecodeError`` (``sandbox_failed``)."""
    if not _kept:
        _kept.append(await sandbox_report())
    return _kept[0]


async def require_safe_decoder(*, allow_unsafe: bool = False) -> None:
    """Raise ``DecodeError`` (``decoder_unsafe``) unless the cage holds. ``allow_unsafe`` is the operator's word
    (``STTWEB_ALLOW_UNSANDBOXED_DECODER``) that decoding without it is wanted."""
    if allow_unsafe:
        return
    try:
        safe = is_safe(await tested_sandbox())
    except DecodeError:
        safe = False
    if not safe:
        raise DecodeError(UNSAFE.code, UNSAFE.message, next_step=UNSAFE.next_step)


def is_safe(report: SandboxReport) -> bool:
    """Whether resource limits were applied and no network could be reached. Pure."""
    return "rlimits" in report.layers and report.denies_network and "unix" not in report.possible
