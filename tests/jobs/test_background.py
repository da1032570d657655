"""What a worker's process consists of: one part that breaks down takes neither the others nor their work with it."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from tests.conftest import async_db
from tests.jobs.conftest import SubmitTape
from tests.jobs.test_session import reload
from transcripts import news
from transcripts.jobs import background, backoff, leases
from transcripts.jobs.runner import Runner
from transcripts.models import State


async def test_what_dies_of_an_error_that_nobody_foresaw_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "REST_SECONDS", 0.0)
    monkeypatch.setattr(backoff, "delay", lambda *_, **__: 0.0)
    begun, working = 0, asyncio.Event()

    async def companion() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise KeyError("one row that nobody thought of")
        working.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(background.kept_going("scanner", companion))
    async with asyncio.timeout(60):
        await working.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert begun == 3
    assert [record.getMessage() for record in caplog.records] == ["scanner ended by an error and begins again"] * 2


async def test_all_that_runs_beside_the_runner_is_kept_going(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    every = asyncio.Event()

    def broken(name: str):
        async def companion(*_: object) -> None:
            begun.append(name)
            if min(map(begun.count, names)) >= 2:
                every.set()
            raise KeyError(name)

        return companion

    class Idle:
        async def run(self) -> None:
            await every.wait()

    names = ["listen", "keep_up", "send_all", "keep_scanning", "follow"]
    monkeypatch.setattr(background, "REST_SECONDS", 0.0)
    monkeypatch.setattr(backoff, "delay", lambda *_, **__: 0.01)
    for name in names[:-1]:
        monkeypatch.setattr(background, name, broken(name))
    monkeypatch.setattr(news, "follow", broken("follow"))
    async with asyncio.timeout(60):
        await background.work(None, Idle())  # type: ignore[arg-type]
    assert set(begun) == set(names)


@async_db
async def test_what_is_being_claimed_while_a_worker_breaks_down_is_handed_on(
    submit_tape: SubmitTape, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = await submit_tape(100)
    claim_next, claimed, go_on = leases.claim_next, threading.Event(), threading.Event()

    def slowly(*args: Any, **options: Any) -> Any:
        claim = claim_next(*args, **options)
        claimed.set()
        go_on.wait(20)
        return claim

    async def breaks_down(_: Runner) -> None:
        await asyncio.to_thread(claimed.wait, 20)
        asyncio.get_running_loop().call_later(0.3, go_on.set)
        raise KeyError("the heartbeat")

    monkeypatch.setattr(leases, "claim_next", slowly)
    monkeypatch.setattr(Runner, "_beat", breaks_down)
    with pytest.raises(KeyError):
        await Runner().run()
    row = await reload(transcript)
    assert (row.state, row.worker, row.epoch) == (State.QUEUED, "", 1)
