"""Starts the embedded engine inside a running event loop, for the commands and the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from transcripts.engine.faults import FaultPlan
from transcripts.engine.moonshine import MoonshineRecognizer
from transcripts.engine.profile import PRODUCT, Profile
from transcripts.engine.reader import ReaderRecognizer
from transcripts.engine.recognizer import Recognizer
from transcripts.engine.server import EngineServer
from transcripts.engine.weights import prepare, vad_model

RECOGNIZERS = ("moonshine", "reader")


async def build_recognizer(name: str, cache: Path | None, model: Path | None = None) -> Recognizer:
    """The recogniser of that name, not started; prepares the model in ``cache`` if nobody did (about 7 s).

    ``model`` overrides the weights. Raises ``EngineError`` when there are none.
    """
    if name == "reader":
        return ReaderRecognizer()
    if name != "moonshine" or cache is None:
        raise ValueError(f"no recogniser {name!r} with cache {cache}")
    ready = await asyncio.to_thread(prepare, cache, model)
    return MoonshineRecognizer(ready, vad_model())


@asynccontextmanager
async def embedded_engine(
    cache: Path | None = None,
    *,
    recognizer: str = "moonshine",
    profile: Profile = PRODUCT,
    faults: FaultPlan | None = None,
    api_key: str | None = None,
    model: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[str]:
    """Serves on a free port of the loopback while the context lasts; yields ``ws://HOST:PORT``.

    ``cache`` is the folder of prepared models (needed for moonshine). Leaving takes at most about 2 s.
    """
    server = EngineServer(await build_recognizer(recognizer, cache, model), profile, faults, api_key)
    bound = await server.start(host, port)
    try:
        yield f"ws://{host}:{bound}"
    finally:
        await server.close()
