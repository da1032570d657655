"""The faults of docs/reliability.md, each as short as it can be in this suite and as long as it has to be in `make
faults`. They play on real processes where processes die, and on the real runner in this one otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.faults.machines import LONG, Land
from tests.jobs.conftest import _reader, submit_tape  # noqa: F401 - fixtures
from tests.scale.conftest import _PEOPLE, Postgres, Redis
from transcripts.engine.faults import FaultPlan
from transcripts.engine.profile import PRODUCT, Profile
from transcripts.engine.reader import ReaderRecognizer
from transcripts.engine.server import EngineServer
from transcripts.jobs import plan
from transcripts.models import Transcript
from transcripts.realtime.tuning import Tuning


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long forms take as long as they take."""
    for item in items:
        if LONG and "tests/faults" in str(item.fspath):
            item.add_marker(pytest.mark.timeout(3600))


@pytest.fixture(scope="package")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Land]:
    """PostgreSQL, Redis and an installation on them, started once."""
    postgres, redis = Postgres(), Redis()
    postgres.start()
    redis.start()
    folder = tmp_path_factory.mktemp("land")
    environment = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "STTWEB_REDIS_PREFIX": folder.name,
        "STTWEB_VAR": str(folder),
        "STTWEB_ENGINE_RECOGNIZER": "reader",
        "STTWEB_TESTING": "1",
        "STTWEB_LEASE_SECONDS": "4",
        "STTWEB_HEARTBEAT_SECONDS": "1",
        "STTWEB_SWEEP_SECONDS": "0.5",
        "PYTHONUNBUFFERED": "1",
    }
    land = Land(folder, postgres.url, environment, postgres=postgres, redis=redis)
    try:
        land.run("migrate", "--verbosity", "0")
        land.run("shell", "--command", _PEOPLE)
        land.open()
        yield land
    finally:
        land.stop()
        redis.stop()
        postgres.remove()


@pytest.fixture
def land(machine: Land) -> Iterator[Land]:
    """The installation, without workers and without work."""
    yield machine
    machine.forget_workers()


@pytest.fixture
def tuned(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Shorten waits of the realtime client: ``tuned(ping_timeout_s=1)``. The same code with faster clocks."""

    def tune(**changes: Any) -> None:
        original = plan.tuning_of

        def tuning_of(row: Transcript, *, live: bool) -> Tuning:
            return replace(original(row, live=live), **changes)

        monkeypatch.setattr(plan, "tuning_of", tuning_of)

    return tune


@asynccontextmanager
async def provider(
    rules: list[dict[str, Any]] | None = None, *, profile: Profile = PRODUCT, key: str | None = None, port: int = 0
) -> AsyncIterator[tuple[int, EngineServer]]:
    """A speech service of its own with scripted faults: its port and itself."""
    import json

    faults = FaultPlan.from_json(json.dumps({"seed": 5, "rules": rules or []}))
    server = EngineServer(ReaderRecognizer(), profile, faults, key)
    bound = await server.start("127.0.0.1", port)
    try:
        yield bound, server
    finally:
        await server.close()


@pytest.fixture
def hosted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a port of this machine the hosted service: ``hosted(port, key)``."""
    monkeypatch.setattr(plan, "_breakers", {})

    def point(port: int, key: str = "sk-good") -> None:
        settings.ELEVENLABS_BASE_URL = f"ws://127.0.0.1:{port}"
        settings.ELEVENLABS_API_KEY = key
        settings.STTWEB_FILE_PACE = 100.0

    return point


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder of this test."""
    return tmp_path
