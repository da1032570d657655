"""How long a request took, and how much of that was waiting for others: by the clock, and by the kernel's accounts.

On a machine that does other work too, the clock says how busy the machine was. Linux keeps for each thread how long it
ran and how long it stood in the queue for a processor (``/proc/<pid>/schedstat``, ns); the clock less the queue is
about what the same takes on an idle machine. The processes of a PostgreSQL on this machine are counted with ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Lap:
    """Milliseconds: by the clock, without the queue for a processor, on our processor, on the database's. Without the
    queue it is never less than both processors' together, which take turns."""

    clock: float
    unqueued: float
    processor: float
    server: float


def lap(act: Callable[[], Any]) -> tuple[Lap, Any]:
    """Do it once; what it took, and what it gave."""
    pids = _servers()
    ran, waited, ran_there, waited_there = *_account(["self"]), *_account(pids)
    started = time.perf_counter()
    result = act()
    clock = (time.perf_counter() - started) * 1000
    now, queued, there, queued_there = *_account(["self"]), *_account(pids)
    waits = (queued - waited) + (queued_there - waited_there)
    worked, worked_there = now - ran, there - ran_there
    return Lap(clock, max(worked + worked_there, clock - waits), worked, worked_there), result


def _account(pids: Sequence[str]) -> tuple[float, float]:
    """Milliseconds that these processes' main threads ran and waited to run; zeros where no such account is kept."""
    ran = waited = 0
    for pid in pids:
        try:
            fields = Path("/proc", pid, "schedstat").read_text().split()
        except OSError:
            continue
        ran, waited = ran + int(fields[0]), waited + int(fields[1])
    return ran / 1e6, waited / 1e6


def _servers() -> list[str]:
    """The process of PostgreSQL that works for our connection."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return [str(pid) for (pid,) in cursor.fetchall()]


def p95(values: Sequence[float]) -> float:
    """The value that one in twenty is above."""
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def line(name: str, laps: Sequence[Lap]) -> str:
    """A row of the table under `HEAD`."""
    clock, unqueued = [lap.clock for lap in laps], [lap.unqueued for lap in laps]
    middle = statistics.median
    return (
        f"  {name:38} {middle(clock):8.1f} {p95(clock):8.1f} {middle(unqueued):9.1f} {p95(unqueued):8.1f}"
        f" {middle([lap.processor for lap in laps]):9.1f} {middle([lap.server for lap in laps]):8.1f}"
    )


HEAD = f"  {'ms':38} {'clock':>8} {'p95':>8} {'unqueued':>9} {'p95':>8} {'processor':>9} {'server':>8}"


def reference(client: Any, rounds: int) -> str:
    """What nothing takes, in the same run: a bare statement, and a page of the product without a row of the archive."""
    from django.db import connection

    def select() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()

    rows = []
    for name, act in (("SELECT 1", select), ("/new, a page without rows", lambda: client.get("/new"))):
        act()
        rows.append(line(name, [lap(act)[0] for _ in range(rounds)]))
    return "\n".join(rows)
