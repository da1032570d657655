"""The list of workers at work: each writes its own row with every heartbeat. Synchronous."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from datetime import timedelta

from django.db.models.functions import Now

from transcripts.jobs import counts
from transcripts.models import Worker

#: Rows of workers that never said goodbye are removed after so long.
FORGET_AFTER = timedelta(days=1)


def worker_name() -> str:
    """A name that no other process has, nor this one after a restart: host, process id and a random part."""
    return f"{socket.gethostname()[:50]}-{os.getpid()}-{secrets.token_hex(3)}"


def report(
    name: str, capacity: int, running: int, holding_back: str = "", breakers: Mapping[str, float] | None = None
) -> None:
    """Say that the worker lives, by the database's clock, and forget those long silent.

    ``holding_back`` is why it takes nothing new; ``breakers`` host to seconds of providers that it leaves alone.
    """
    now = {"heartbeat_at": Now(), "capacity": capacity, "running": running}
    now |= {"holding_back": holding_back, "breakers": dict(breakers or {}), "counts": counts.numbers()}
    Worker.objects.update_or_create(name=name, defaults=now)
    Worker.objects.filter(heartbeat_at__lt=Now() - FORGET_AFTER).delete()


def say_goodbye(name: str) -> None:
    """Take the worker off the list."""
    Worker.objects.filter(name=name).delete()
