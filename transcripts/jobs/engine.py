"""The embedded engine of this process: started when the first session needs it, stopped with the worker."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from django.conf import settings

from transcripts.engine.faults import FaultPlan
from transcripts.engine.launcher import embedded_engine

logger = logging.getLogger(__name__)


class EngineHouse:
    """Holds one embedded engine; all sessions of a process share it.

    ``STTWEB_ENGINE_URL`` names one that runs elsewhere; then none is started here.
    """

    def __init__(self, url: str | None = None) -> None:
        self._fixed = settings.STTWEB_ENGINE_URL if url is None else url
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[str] | None = None
        self._stop = asyncio.Event()

    async def url(self) -> str:
        """Base URL of the engine; starts it when it does not run. Raises EngineError when it cannot start."""
        if self._fixed:
            return self._fixed
        if self._task is None or self._task.done():
            self._ready = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._ready), name="embedded engine")
        assert self._ready is not None
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Stop the engine, if one was started here; it starts again when it is asked for."""
        self._stop.set()
        if self._task is not None:
            await asyncio.wait({self._task})
        self._stop.clear()

    async def _run(self, ready: asyncio.Future[str]) -> None:
        """One task enters and leaves the engine's context, whoever asks for it first."""
        try:
            async with embedded_engine(
                settings.STTWEB_ENGINE_DIR,
                recognizer=settings.STTWEB_ENGINE_RECOGNIZER,
                faults=_faults(),
                model_dir=settings.STTWEB_ENGINE_MODEL,
            ) as url:
                ready.set_result(url)
                await self._stop.wait()
        except Exception as error:
            if ready.done():
                logger.exception("the embedded engine stopped")
            else:
                ready.set_exception(error)


def model_override() -> Path | None:
    """The folder of models that the operator names, if any."""
    return Path(settings.STTWEB_ENGINE_MODEL) if settings.STTWEB_ENGINE_MODEL else None


def _faults() -> FaultPlan | None:
    """The scripted faults of a test: a plan, or the path of one."""
    plan = settings.STTWEB_ENGINE_FAULTS
    if not plan:
        return None
    return FaultPlan.from_json(plan if plan.lstrip().startswith("{") else Path(plan).read_text("utf-8"))
