"""A worker's upkeep: it goes on whatever happens, and does what retention, tombstones and strays ask for."""

from __future__ import annotations

import asyncio
import logging
import os
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from tests.conftest import async_db
from tests.upkeep.conftest import files_in
from transcripts import services
from transcripts.jobs.source import media_store
from transcripts.models import Erasure, Transcript
from transcripts.upkeep import erasing, retention, rounds


@async_db
def test_a_round_prunes_finishes_and_once_a_day_sweeps(keep, team, folders, monkeypatch):
    team.keep_text_days = 1
    team.save()
    keep("Old.", days=3)
    services.delete(keep("Gone.", media=b"x"))
    Erasure.objects.update(finished_at=None)
    stray = folders / "media" / media_store().store([b"lost"]).key
    os.utime(stray, (time.time() - 90_000,) * 2)
    keeper = rounds.Keeper()
    keeper.work()
    assert not Transcript.objects.exists()
    assert not Erasure.objects.filter(finished_at=None).exists()
    assert stray.exists()
    monkeypatch.setattr(rounds, "STRAYS_SECONDS", 0.0)
    keeper.work()
    assert files_in(folders) == {"erasures.jsonl"}


@async_db
@pytest.mark.parametrize("error", [OperationalError("away"), OSError(28, "No space left on device")])
def test_trouble_is_left_to_the_next_round(keep, caplog, monkeypatch, error):
    with monkeypatch.context() as broken:
        broken.setattr(retention, "prune", lambda: (_ for _ in ()).throw(error))
        rounds.Keeper().work()
    assert "left to the next round" in caplog.text
    rounds.Keeper().work()


@async_db
async def test_it_works_until_it_is_cancelled(keep, settings, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    settings.STTWEB_UPKEEP_SECONDS = 0.05
    row = await sync_to_async(keep)("One.")
    with monkeypatch.context() as broken:
        broken.setattr(erasing, "checkpoint", lambda: False)
        await sync_to_async(services.delete)(row)
    assert await Erasure.objects.filter(finished_at=None).aexists()
    task = asyncio.create_task(rounds.keep_up())
    async with asyncio.timeout(20):
        while await Erasure.objects.filter(finished_at=None).aexists():
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
