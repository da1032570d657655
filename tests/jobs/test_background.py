from __future__ import annotations

import asyncio

import pytest

from transcripts.jobs import background


async def test_what_dies_of_an_error_that_nobody_foresaw_begins_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "REST_SECONDS", 0.0)
    monkeypatch.setattr(background.backoff, "delay", lambda *_, **__: 0.0)
    begun, working = 0, asyncio.Event()

    async def companion() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise KeyError("one row that nobody thought of")
        working.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(background.kept_going("scanner", companion))
    async with asyncio.timeout(10):
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
    monkeypatch.setattr(background.backoff, "delay", lambda *_, **__: 0.01)
    for name in names[:-1]:
        monkeypatch.setattr(background, name, broken(name))
    monkeypatch.setattr(background.news, "follow", broken("follow"))
    async with asyncio.timeout(10):
        await background.work(None, Idle())  # type: ignore[arg-type]
    assert set(begun) == set(names)
