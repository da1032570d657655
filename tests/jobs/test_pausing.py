"""A person pauses what runs, and somebody lets it go on: nothing is lost, nothing comes twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from asgiref.sync import sync_to_async

from tests.conftest import async_db
from tests.jobs.conftest import SubmitTape, names, states_of, words_of
from tests.jobs.test_session import PACE, act, reload, running, until
from transcripts import services
from transcripts.jobs import leases
from transcripts.models import IllegalTransition, State, Transcript

pytestmark = async_db


async def test_a_recording_that_was_paused_goes_on_where_its_text_ends(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        await act(services.pause, transcript)
        row = await until(transcript, state=State.PAUSED)
        assert (row.code, row.rest, row.worker, row.gap_samples) == ("paused_by_person", "rested", "", 0)
        assert len(await words_of(row)) < 900
        # A worker looks at the table twice a second here: it lets a person's pause alone.
        await asyncio.sleep(1.5)
        assert (await reload(transcript)).state == State.PAUSED
        await act(services.retry, transcript)
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(900)
    assert (await states_of(row)).count("paused") == 1


async def test_what_is_paused_while_its_worker_dies_is_paused_by_the_next_one(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(300, pace=PACE)
    claim = await sync_to_async(leases.claim_next)("doomed", 20.0)
    assert claim is not None
    await act(services.pause, transcript)
    await Transcript.objects.aupdate(lease_until=None)
    async with running():
        row = await until(transcript, state=State.PAUSED)
        assert (row.epoch, row.code) == (2, "paused_by_person")
        await act(services.retry, transcript)
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(300)


async def test_who_asked_for_the_end_is_not_asked_to_pause(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        await act(services.stop, transcript)
        with suppress(IllegalTransition):
            await act(services.pause, transcript)
        assert (await until(transcript, state=State.COMPLETED)).state == State.COMPLETED
