"""The background part of a process: Channels' own worker on the one worker channel, and the runner that it wakes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from channels.layers import get_channel_layer
from channels.worker import Worker

from transcripts import news
from transcripts.jobs import backoff
from transcripts.jobs.current import set_runner
from transcripts.jobs.runner import Runner
from transcripts.jobs.scanner import keep_scanning
from transcripts.jobs.wake import WORK_CHANNEL
from transcripts.upkeep.rounds import keep_up
from transcripts.webhooks.sending import send_all

logger = logging.getLogger(__name__)

#: What runs beside the runner, from its beginning on.
Companion = Callable[[], Coroutine[Any, Any, None]]
#: Shortest rest after an error of ours, in seconds.
REST_SECONDS = 1.0


class ChannelWorker(Worker):
    """Channels' worker for exactly one channel, without tasks left behind when it ends or its layer fails.

    The original waits for all listeners together, so that one can die unnoticed (stack.md 5.2), and leaves its
    checker running.
    """

    async def handle(self) -> None:
        """Listen to the first channel."""
        await self.listener(self.channels[0])

    async def arun(self) -> None:
        """Listen until cancelled. Raises ExceptionGroup with what the layer raised."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.handle(), name="worker channel")
                checker: Coroutine[Any, Any, None] = self.application_checker()  # type: ignore[no-untyped-call]
                group.create_task(checker, name="consumer checker")
        finally:
            for scope_id in list(self.application_instances):
                self.delete_application_instance(scope_id)  # type: ignore[no-untyped-call]


async def listen(application: Any) -> None:
    """Run the background consumer until cancelled; a layer that fails is tried again, for the sweep works meanwhile."""
    attempt, layer = 0, get_channel_layer()
    assert layer is not None
    while True:
        try:
            await ChannelWorker(application, [WORK_CHANNEL], layer).arun()
        except Exception as error:  # noqa: BLE001 - whatever the layer's trouble is, it must not end the worker
            attempt += 1
            logger.warning("not listening for new work for a moment: %s", _first(error))
            await asyncio.sleep(backoff.delay(attempt, cap=10.0))


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return repr(error)


async def kept_going(name: str, begin: Companion) -> None:
    """Run ``begin()`` until cancelled. What dies of an error that it did not foresee begins again after a rest: the
    others must not do without it until somebody restarts the process."""
    attempt = 0
    while True:
        try:
            await begin()
            return
        except Exception:
            attempt += 1
            logger.exception("%s ended by an error and begins again", name)
            await asyncio.sleep(REST_SECONDS + backoff.delay(attempt))


async def work(application: Any, runner: Runner) -> None:
    """Listen, work, tell other systems and keep the house until ``runner.stop()``. Raises what the runner died of."""
    set_runner(runner)
    companions: dict[str, Companion] = {
        "background consumer": lambda: listen(application),
        "upkeep": keep_up,
        "news": news.follow,
        "webhooks": send_all,
        "scanner": keep_scanning,
    }
    side = [asyncio.create_task(kept_going(name, begin), name=name) for name, begin in companions.items()]
    try:
        await runner.run()
    finally:
        for task in side:
            task.cancel()
        await asyncio.gather(*side, return_exceptions=True)
