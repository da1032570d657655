"""Where the decoder's cage does not hold nothing is decoded, everybody is told why, and it goes on by itself."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from pytest_django import Settings

from tests.conftest import async_db
from tests.jobs.conftest import SubmitTape, names, words_of
from tests.jobs.test_session import running, until
from transcripts.jobs import leases
from transcripts.jobs.engine import EngineHouse
from transcripts.jobs.session import Session
from transcripts.media import selftest
from transcripts.media.sandbox import SandboxReport
from transcripts.models import State, Worker
from transcripts.upkeep.numbers import read
from transcripts.upkeep.sentences import degraded

pytestmark = async_db


@pytest.fixture
def uncaged(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine whose launcher cannot put anything into a cage. What the process found out before is forgotten."""
    monkeypatch.setattr(selftest, "_kept", [])
    monkeypatch.setattr("sys.executable", "/bin/false")
    return monkeypatch


async def test_a_worker_without_a_cage_takes_nothing_and_says_so_everywhere(
    uncaged: pytest.MonkeyPatch, submit_tape: SubmitTape
) -> None:
    transcript = await submit_tape(10)
    async with running() as runner:
        row = await until(transcript, state=State.PAUSED)
        assert (runner.holding_back, runner.running) == ("decoder_unsafe", 0)
        ready = await sync_to_async(Client().get)("/readyz")
        said = [word.text for word in degraded(await sync_to_async(read)())]
    assert (row.code, row.epoch) == ("decoder_unsafe", 0)
    assert "sandbox does not hold" in row.message
    assert "goes on by itself" in row.next_step
    assert (ready.status_code, ready.json()["parts"]["decoder"]["ok"]) == (503, False)
    assert any("sandbox of its decoder does not hold" in text for text in said)
    # The machine is mended and the worker started again.
    uncaged.undo()
    async with running():
        await until(transcript, state=State.COMPLETED)
    assert await words_of(transcript) == names(10)


async def test_what_another_worker_can_decode_waits_for_it(
    uncaged: pytest.MonkeyPatch, submit_tape: SubmitTape
) -> None:
    from transcripts.jobs.roster import report

    await sync_to_async(report)("elsewhere", 4, 4)
    transcript = await submit_tape(10)
    async with running():
        await until(transcript, state=State.QUEUED)
        async with asyncio.timeout(30):
            while not await Worker.objects.filter(holding_back="decoder_unsafe").aexists():
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
    assert (await until(transcript, state=State.QUEUED)).code == ""


async def test_a_session_without_a_cage_pauses_before_it_decodes(
    uncaged: pytest.MonkeyPatch, submit_tape: SubmitTape
) -> None:
    transcript = await submit_tape(10)
    claim = await sync_to_async(leases.claim_next)("bold", 20.0)
    assert claim is not None
    await Session(claim, EngineHouse().url).run()
    row = await until(transcript, state=State.PAUSED)
    assert (row.code, row.committed_samples) == ("decoder_unsafe", 0)


async def test_the_operators_word_lets_it_through(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, submit_tape: SubmitTape
) -> None:
    broken = SandboxReport(frozenset(), frozenset({"tcp"}))
    monkeypatch.setattr(selftest, "_kept", [broken])
    settings.STTWEB_ALLOW_UNSANDBOXED_DECODER = True
    transcript = await submit_tape(10)
    async with running():
        await until(transcript, state=State.COMPLETED)
    assert await words_of(transcript) == names(10)
