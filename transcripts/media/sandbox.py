"""Runs a program on strangers' bytes with nothing but its descriptors: no network, no files, no secrets, bounded.

The child is started through ``media.sandbox_child`` (no ``preexec_fn``, which is unsafe beside threads): resource
limits, a session of its own, death with its parent, no new privileges, a seccomp filter, Landlock, a two-entry
environment. ``sandbox_report`` shows which of it holds on this machine.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import DecodeError

_LAUNCHER = Path(__file__).with_name("sandbox_child.py")

#: Where the loader finds the C library; what else a program needs to start comes from ``Cage.read_paths``.
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")

#: Exit code of the launcher when a needed layer, or the program itself, could not be had.
LAUNCH_FAILED = 125

#: One arena: glibc reserves 64 MB of address space for each thread's own, and a decoder of eight threads then meets the
#: limit of address space on a busy machine now and then (measured: 573 MB reserved for 33 MB in use; 246 MB with one).
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "MALLOC_ARENA_MAX": "1"}


@dataclass(frozen=True, slots=True)
class Cage:
    """Limits of one child: CPU seconds, bytes of address space, open descriptors, niceness; files and folders that it
    may read and execute beside the system's libraries; ``input_by_path`` lets it open its own standard input again
    through ``/proc``; ``talking`` lets it use connected sockets that it is given; ``required`` names layers
    (``landlock``, ``seccomp``) without which it must not start."""

    cpu_s: int = 3600
    memory_bytes: int = 512 * 1024**2
    open_files: int = 32
    nice: int = 5
    read_paths: tuple[str, ...] = ()
    input_by_path: bool = False
    talking: bool = False
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """Which layers were applied (``rlimits``, ``seccomp``, ``landlock``) and which attempts from inside succeeded
    although they must not (``tcp``, ``udp``, ``unix``, ``read``, ``environment``, ``write``, ``fork``, ``signal``)."""

    layers: frozenset[str]
    possible: frozenset[str]

    @property
    def denies_network(self) -> bool:
        """Nothing inside can reach any network."""
        return not self.possible & {"tcp", "udp"}

    @property
    def holds(self) -> bool:
        """Every attempt was refused."""
        return not self.possible


async def spawn(
    command: Sequence[str], *, stdin: int, cage: Cage, stdout: int = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    """Start ``command`` (absolute path first) in the cage, stdout and stderr piped, ``stdin`` a descriptor or PIPE.

    Must be called on the thread whose end may end the child: the kernel ties "death with the parent" to it.
    """
    return await asyncio.create_subprocess_exec(
        *_launcher(cage, command[0]),
        "--",
        *command,
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT,
        start_new_session=True,
        cwd="/",
    )


async def stop(process: asyncio.subprocess.Process, grace_s: float = 5.0) -> int:
    """End ``process`` and all of its group: SIGTERM, ``grace_s`` seconds, SIGKILL. Reaps it; returns its code."""
    if process.returncode is None:
        _signal_group(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await _drain_and_wait(process)
        except TimeoutError:
            pass
        finally:
            _signal_group(process.pid, signal.SIGKILL)
    return await _drain_and_wait(process)


async def sandbox_report(cage: Cage | None = None) -> SandboxReport:
    """Try the fence from inside (about 100 ms). Raises ``DecodeError`` (``sandbox_failed``) if it cannot be tried."""
    listener = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    with tempfile.NamedTemporaryFile() as canary:
        try:
            output = await _probe(cage or Cage(), {"PROBE_FILE": canary.name, "PROBE_PORT": str(port)})
        finally:
            listener.close()
    pairs = [line.partition("=")[::2] for line in output.splitlines()]
    return SandboxReport(
        layers=frozenset(value for key, value in pairs if key == "layer"),
        possible=frozenset(key for key, value in pairs if value == "possible"),
    )


async def _probe(cage: Cage, extra: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *_launcher(cage, sys.executable),
        "probe=1",
        "--",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_ENVIRONMENT | extra,
        start_new_session=True,
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        reason = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise DecodeError("sandbox_failed", f"The decoder's sandbox could not be tested ({reason[:200]}).")
    return output.decode()


def _launcher(cage: Cage, program: str) -> list[str]:
    readable = (*_LIBRARIES, program, os.path.realpath(program), *cage.read_paths)
    options = {
        "parent": os.getpid(),
        "cpu": cage.cpu_s,
        "memory": cage.memory_bytes,
        "files": cage.open_files,
        "nice": cage.nice,
    }
    # -I and -S: no environment, no site-packages, nothing of the product's own path.
    command = [sys.executable, "-I", "-S", str(_LAUNCHER), *(f"{key}={value}" for key, value in options.items())]
    command += [f"read={path}" for path in readable]
    command += [f"need={layer}" for layer in cage.required]
    command += ["talk=1"] if cage.talking else []
    return [*command, "input=1"] if cage.input_by_path else command


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def _drain_and_wait(process: asyncio.subprocess.Process) -> int:
    """Wait for the end while reading on: a child blocked on a full pipe cannot hear a polite signal."""
    if process.stdout is not None:
        while await process.stdout.read(65536):
            pass
    return await process.wait()
