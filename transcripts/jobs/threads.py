"""A database thread for each long task: one slow write must not hold up every other session of the process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThread:
    """Runs database work on one thread of its own, in order, with a connection that is closed after each call.

    Without it all coroutines of a process share a single thread (channels #2132).
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __call__(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``work``. Cancelling the wait does not break off what the database is doing."""
        call = database_sync_to_async(work, thread_sensitive=False, executor=self._executor)
        return await call(*args, **kwargs)

    def close(self) -> None:
        """Let the thread end after what it is doing; nobody waits for it on the event loop."""
        self._executor.shutdown(wait=False)
