from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import OperationalError

from tests.conftest import MakeTranscript, async_db
from transcripts.jobs import leases, recorder
from transcripts.jobs.claims import Claim, LeaseLost
from transcripts.jobs.recorder import Recorder, write_batch
from transcripts.jobs.recording import Batch, Position, plan
from transcripts.jobs.threads import DatabaseThread
from transcripts.live.publish import transcript_group
from transcripts.models import Event, Segment, Transcript
from transcripts.realtime.results import Committed, Finished, Gap, Partial, StreamEvent

pytestmark = async_db

START = Position(0, 0)
SECOND = 16_000


def commits(number: int) -> list[Committed]:
    """So many commits of a second each."""
    return [Committed(f"Word {n}.", n * SECOND, (n + 1) * SECOND) for n in range(number)]


@pytest.fixture
def claim(make_transcript: MakeTranscript) -> Claim:
    make_transcript()
    found = leases.claim_next("one", 20.0)
    assert found is not None
    return found


@asynccontextmanager
async def recording(claim: Claim, failed: Callable[[Exception], None] = lambda _: None) -> AsyncIterator[Recorder]:
    row = await Transcript.objects.aget(pk=claim.transcript_id)
    database = DatabaseThread("test")
    position = Position(row.committed_samples, row.segment_count)
    running = Recorder(claim, position, row.last_seq, database, failed)
    try:
        yield running
    finally:
        with suppress(LeaseLost):
            await running.close()
        database.close()


async def row_of(claim: Claim) -> Transcript:
    return await Transcript.objects.aget(pk=claim.transcript_id)


async def take_over(claim: Claim) -> None:
    """Let the lease pass and another worker claim."""
    await Transcript.objects.filter(pk=claim.transcript_id).aupdate(lease_until=None)
    assert await database_sync_to_async(leases.claim_next)("two", 20.0) is not None


async def test_everything_that_was_put_is_stored_in_order(claim: Claim) -> None:
    async with recording(claim) as running:
        put: list[StreamEvent] = [*commits(60), Finished(60 * SECOND, 61 * SECOND)]
        for event in put:
            await running.put(event)
    row = await row_of(claim)
    assert (row.committed_samples, row.segment_count, row.billed_samples) == (60 * SECOND, 60, 61 * SECOND)
    assert row.last_text == "Word 59."
    segments = [segment async for segment in Segment.objects.order_by("index")]
    assert [segment.text for segment in segments] == [f"Word {n}." for n in range(60)]
    events = {event.seq: event async for event in Event.objects.filter(kind="commit")}
    assert all(events[segment.seq].payload["segment"] == segment.index for segment in segments)
    assert sorted(events) == list(range(3, 63))


async def test_a_burst_becomes_few_transactions(claim: Claim, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def counting(claim: Claim, batch: Batch, last_seq: int, again: bool) -> int:
        sizes.append(len(batch.entries))
        return write_batch(claim, batch, last_seq, again)

    monkeypatch.setattr(recorder, "write_batch", counting)
    async with recording(claim) as running:
        for event in commits(40):
            await running.put(event)
    assert sum(sizes) == 40
    assert max(sizes) <= recorder.BATCH_ROWS
    assert len(sizes) <= 5


async def test_an_idle_writer_writes_a_commit_at_once_and_rings(claim: Claim) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_add(transcript_group(claim.transcript_id), "viewer")
    async with recording(claim) as running:
        await running.put(commits(1)[0])
        message = await asyncio.wait_for(layer.receive("viewer"), 60)
        assert await Event.objects.filter(seq=message["seq"], kind="commit").aexists()


async def test_progress_clears_the_counts_of_failures(claim: Claim) -> None:
    await Transcript.objects.aupdate(attempts=3, crash_claims=2)
    async with recording(claim) as running:
        await running.put(Committed("", 0, SECOND))
    row = await row_of(claim)
    assert (row.attempts, row.crash_claims, row.segment_count, row.last_seq) == (0, 0, 0, 2)


async def test_gaps_add_up(claim: Claim) -> None:
    async with recording(claim) as running:
        await running.put(Gap(0, SECOND, "source_dropped"))
        await running.put(Committed("There.", SECOND, 2 * SECOND))
        await running.put(Gap(2 * SECOND, 3 * SECOND, "source_dropped"))
    row = await row_of(claim)
    assert (row.gap_samples, row.committed_samples, row.segment_count) == (2 * SECOND, 3 * SECOND, 1)


async def test_a_zombie_writes_nothing_and_is_told(claim: Claim) -> None:
    failures: list[Exception] = []
    async with recording(claim, failures.append) as running:
        await running.put(commits(1)[0])
        while running.position.committed < SECOND:
            await asyncio.sleep(0.01)
        await take_over(claim)
        await running.put(commits(2)[1])
        while not failures:
            await asyncio.sleep(0.01)
        with pytest.raises(LeaseLost):
            await running.put(Committed("More.", 2 * SECOND, 3 * SECOND))
    assert isinstance(failures[0], LeaseLost)
    assert await Segment.objects.acount() == 1
    assert not await Event.objects.filter(seq__gt=4).aexists()


async def test_a_deleted_transcript_fences_its_session(claim: Claim) -> None:
    await Transcript.objects.all().adelete()
    with pytest.raises(LeaseLost):
        await database_sync_to_async(write_batch)(claim, plan(commits(1), START), 2, False)


@pytest.mark.parametrize("events", [commits(2), [Committed("", 0, SECOND)]])
async def test_a_batch_whose_answer_was_lost_is_not_written_twice(claim: Claim, events: list[StreamEvent]) -> None:
    batch = plan(events, START)
    write = database_sync_to_async(write_batch)
    first = await write(claim, batch, 2, False)
    assert await write(claim, batch, 2, True) == first
    assert await Segment.objects.acount() == len(batch.segments)


async def test_what_else_the_claim_logged_meanwhile_is_not_taken_for_the_batch(claim: Claim) -> None:
    last_seq = (await row_of(claim)).last_seq
    # The first try of the batch failed, and before the second one the session said that it is finishing.
    await database_sync_to_async(leases.finishing)(claim)
    batch = plan(commits(1), START)
    await database_sync_to_async(write_batch)(claim, batch, last_seq, True)
    assert [segment.text async for segment in Segment.objects.all()] == ["Word 0."]
    assert (await row_of(claim)).committed_samples == SECOND


async def test_a_batch_that_never_arrived_is_written_by_the_second_try(
    claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def away_once(claim: Claim, batch: Batch, last_seq: int, again: bool) -> int:
        tries.append(again)
        if not again:
            raise OperationalError("server closed the connection")
        return write_batch(claim, batch, last_seq, again)

    monkeypatch.setattr(recorder, "write_batch", away_once)
    async with recording(claim) as running:
        await running.put(commits(1)[0])
    assert tries == [False, True]
    assert (await row_of(claim)).segment_count == 1


async def test_partials_are_thinned_out_and_never_stored(claim: Claim) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_add(transcript_group(claim.transcript_id), "viewer")
    async with recording(claim) as running:
        for length in range(1, 30):
            await running.put(Partial("x" * length, 0, length * 1600))
            await asyncio.sleep(0.02)
        await asyncio.sleep(recorder.PARTIAL_SECONDS + 0.1)
    heard = []
    with suppress(TimeoutError):
        while True:
            message = await asyncio.wait_for(layer.receive("viewer"), 0.2)
            heard.append(json.loads(message["text"])["data"]["text"])
    assert heard[-1] == "x" * 29
    assert 3 <= len(heard) <= 6
    assert (await row_of(claim)).last_seq == 2


async def test_a_partial_of_a_committed_segment_is_not_sent_after_it(claim: Claim) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_add(transcript_group(claim.transcript_id), "viewer")
    async with recording(claim) as running:
        await running.put(Partial("one", 0, 1600))
        await asyncio.sleep(0.05)
        await running.put(Partial("one two", 0, 3200))
        await running.put(commits(1)[0])
        await asyncio.sleep(recorder.PARTIAL_SECONDS + 0.1)
    kinds = []
    with suppress(TimeoutError):
        while True:
            message = await asyncio.wait_for(layer.receive("viewer"), 0.2)
            kinds.append(json.loads(message["text"])["data"]["text"] if message["type"] == "partial" else "grown")
    assert kinds == ["one", "grown"]
