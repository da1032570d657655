"""Starts the embedded engine inside a running event loop, for the commands and the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from transcripts.engine.errors import ModelMissing
from transcripts.engine.faults import FaultPlan
from transcripts.engine.moonshine import MoonshineRecognizer
from transcripts.engine.profile import PRODUCT, Profile
from transcripts.engine.reader import ReaderRecognizer
from transcripts.engine.recognizer import Recognizer
from transcripts.engine.server import EngineServer
from transcripts.engine.weights import prepare, vad_model

RECOGNIZERS = ("moonshine", "reader")


async def build_recognizer(name: str, cache: Path | None, model_dir: str | Path | None = None) -> Recognizer:
    """The recogniser of that name, not started; prepares the model in ``cache`` if nobody did (about 7 s).

    ``model_dir`` overrides the installed weights (empty: no override). Raises ``EngineError`` when there are none.
    """
    if name == "reader":
        return ReaderRecognizer()
    if name != "moonshine":
        raise ModelMissing(f"There is no recogniser {name!r}. Choose one of: {', '.join(RECOGNIZERS)}.")
    if cache is None:
        raise ModelMissing("The embedded engine needs a folder for its converted model.")
    ready = await asyncio.to_thread(prepare, cache, Path(model_dir) if model_dir else None)
    return MoonshineRecognizer(ready, vad_model())


@asynccontextmanager
async def embedded_engine(
    cache_dir: Path | None = None,
    *,
    recognizer: str = "moonshine",
    profile: Profile = PRODUCT,
    faults: FaultPlan | None = None,
    api_key: str | None = None,
    model_dir: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[str]:
    """Serves on a free port of the loopback while the context lasts; yields ``ws://HOST:PORT``.

    ``cache_dir`` is the folder of prepared models (needed for moonshine), ``model_dir`` other weights than the
    installed ones, ``api_key`` the key that clients must send (None: any). Raises ``EngineError`` when the recogniser
    cannot start and ``OSError`` when the port is taken. Leaving takes at most about 2 s.
    """
    server = EngineServer(await build_recognizer(recognizer, cache_dir, model_dir), profile, faults, api_key)
    bound = await server.start(host, port)
    try:
        yield f"ws://{host}:{bound}"
    finally:
        await server.close()
