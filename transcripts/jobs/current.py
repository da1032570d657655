"""Which runner the messages of an event loop wake."""

from __future__ import annotations

import asyncio
import logging
from weakref import WeakKeyDictionary

from transcripts.jobs.runner import Runner

logger = logging.getLogger(__name__)

_runners: WeakKeyDictionary[asyncio.AbstractEventLoop, Runner] = WeakKeyDictionary()
_started: set[asyncio.Task[None]] = set()


def set_runner(runner: Runner) -> None:
    """Make ``runner`` the one that messages of this event loop wake."""
    _runners[asyncio.get_running_loop()] = runner


def get_runner() -> Runner:
    """The runner of this event loop; under a plain `runworker` nobody made one, so it starts now."""
    loop = asyncio.get_running_loop()
    if loop not in _runners:
        runner = _runners[loop] = Runner()
        task = asyncio.create_task(runner.run(), name="runner")
        _started.add(task)
        task.add_done_callback(_runner_died)
    return _runners[loop]


def _runner_died(task: asyncio.Task[None]) -> None:
    _started.discard(task)
    _runners.pop(task.get_loop(), None)
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the runner stopped", exc_info=error)
