"""Proof, before the first recording is decoded, that the decoder's cage holds on this machine.

A sandbox that is silently not there is the usual way in which such sandboxes fail. So the fence is tried from inside
once per process, and without resource limits and denial of every network no decoder is started.
"""

from __future__ import annotations

from .errors import DecodeError
from .sandbox import SandboxReport, sandbox_report

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
        step = "Ask the operator to look at the decoder's self-test on the health page."
        raise DecodeError("decoder_unsafe", "Recordings are not decoded here: the sandbox does not hold.",
                          next_step=step)  # fmt: skip


def is_safe(report: SandboxReport) -> bool:
    """Whether resource limits were applied and no network could be reached. Pure."""
    return "rlimits" in report.layers and report.denies_network and "unix" not in report.possible
