"""Tries from inside the sandbox what the decoder must not be able to do, and prints one ``name=held`` line each.

Loaded by ``media.sandbox_child`` in a bare interpreter.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable


def probe(held: set[str]) -> None:
    """Print the layers that were applied and, for each attempt, whether it was refused."""
    target = os.environ["PROBE_FILE"]
    attempts: dict[str, Callable[[], object]] = {
        "tcp": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).connect(_address()),
        "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", _address()),
        "unix": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "read": lambda: os.open(target, os.O_RDONLY),
        "environment": lambda: os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY),
        "write": lambda: os.open(target + ".new", os.O_WRONLY | os.O_CREAT, 0o600),
        "fork": _fork,
        "signal": lambda: os.kill(os.getppid(), 0),
    }
    lines = [f"layer={name}" for name in sorted(held)]
    lines += [f"{name}={'refused' if _refused(attempt) else 'possible'}" for name, attempt in attempts.items()]
    sys.stdout.write("\n".join(lines) + "\n")


def _address() -> tuple[str, int]:
    return "127.0.0.1", int(os.environ["PROBE_PORT"])


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False
