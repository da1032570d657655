"""Database reads of the live part, in two threads of their own: never queued behind a page, a job or each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="live")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``work`` with a database connection; channels' shared thread would put it behind every other caller."""
    call = database_sync_to_async(work, thread_sensitive=False, executor=_threads)
    return await call(*args, **kwargs)
