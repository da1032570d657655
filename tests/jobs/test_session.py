"""One transcript end to end, through a real decoder, a real socket and the engine's exact reader."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from tests.conftest import MakeTranscript, async_db
from tests.jobs.conftest import SubmitTape, names, states_of, words_of
from transcripts import services
from transcripts.jobs import leases, source
from transcripts.jobs.engine import EngineHouse
from transcripts.jobs.runner import Runner
from transcripts.jobs.session import Session
from transcripts.models import Event, Segment, SourceKind, State, Transcript, Worker

pytestmark = async_db

#: Times real time: slow enough to act in the middle of a recording, fast enough for a test.
PACE = 15.0


async def reload(transcript: Transcript) -> Transcript:
    return await Transcript.objects.aget(pk=transcript.pk)


async def until(transcript: Transcript, **reached: Any) -> Transcript:
    """Wait for field lookups to hold."""
    async with asyncio.timeout(60):
        while (row := await Transcript.objects.filter(pk=transcript.pk, **reached).afirst()) is None:
            await asyncio.sleep(0.02)
    return row


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Runner]:
    """A runner at work, stopped in order at the end."""
    runner = Runner(**options)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await task


async def act(what: Any, transcript: Transcript) -> None:
    """A person does something."""
    await sync_to_async(what)(await reload(transcript))


@pytest.fixture
async def silent_url(settings: Settings) -> AsyncIterator[str]:
    """A server that accepts and never answers."""
    writers = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings.FETCH_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.FETCH_ALLOW_PORTS = [port]
    yield f"http://127.0.0.1:{port}/a.mp3"
    server.close()
    for writer in writers:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def test_a_recording_is_transcribed_word_for_word(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(700)
    assert await Runner().run_once() == 1
    row = await reload(transcript)
    assert await words_of(row) == names(700)
    assert await states_of(row) == ["queued", "running", "finishing", "completed"]
    assert row.committed_samples == row.duration_samples == 700 * 1600
    assert row.billed_samples >= row.committed_samples
    assert (row.worker, row.lease_until, row.is_live) == ("", None, False)
    assert row.segment_count == await Segment.objects.acount() > 1
    assert [event.seq async for event in Event.objects.order_by("seq")] == list(range(1, row.last_seq + 1))
    assert not await Worker.objects.aexists()


async def test_several_run_at_once_and_no_more_than_allowed(submit_tape: SubmitTape) -> None:
    transcripts = [await submit_tape(100, pace=PACE) for _ in range(5)]
    async with running(capacity=2) as runner:
        most = 0
        for transcript in transcripts:
            while not (await reload(transcript)).is_final:
                most = max(most, runner.running, await Transcript.objects.filter(state=State.RUNNING).acount())
                await asyncio.sleep(0.02)
    assert most == 2
    for transcript in transcripts:
        assert await words_of(transcript) == names(100)


async def test_stop_ends_with_all_words_that_were_heard(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        await act(services.stop, transcript)
        row = await until(transcript, state=State.COMPLETED)
    words = await words_of(row)
    assert words == names(900)[: len(words)]
    assert 200 < len(words) < 900
    assert row.committed_samples // 1600 == len(words)
    assert "finishing" in await states_of(row)


async def test_cancel_ends_at_once_and_keeps_the_text(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, segment_count__gt=0)
        asked = time.monotonic()
        await act(services.cancel, transcript)
        row = await until(transcript, state=State.CANCELLED)
        assert time.monotonic() - asked < 5
    words = await words_of(row)
    assert words == names(900)[: len(words)] != []
    assert row.finished_at is not None


async def test_what_was_sent_is_counted_also_when_it_is_broken_off(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, preset="manual", pace=PACE)
    async with running():
        await until(transcript, state=State.RUNNING, last_seq__gte=3)
        await asyncio.sleep(0.7)
        await act(services.cancel, transcript)
        row = await until(transcript, state=State.CANCELLED)
    assert row.committed_samples == 0
    assert row.billed_samples >= 3 * 16_000


async def test_finishing_is_told_when_all_was_sent_and_not_when_all_was_decoded(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(60, pace=3.0)
    await Runner().run_once()
    told = [event async for event in Event.objects.filter(transcript=transcript, kind="state").order_by("seq")]
    assert [event.payload["state"] for event in told] == ["queued", "running", "finishing", "completed"]
    # Six seconds at three times real time, less the last frame.
    assert (told[2].at - told[1].at).total_seconds() >= 1.5


async def test_cancel_also_ends_one_whose_source_does_not_answer(
    make_transcript: MakeTranscript, silent_url: str
) -> None:
    transcript = await sync_to_async(make_transcript)(source_url=silent_url)
    async with running():
        await until(transcript, state=State.RUNNING)
        await asyncio.sleep(0.3)
        await act(services.cancel, transcript)
        await until(transcript, state=State.CANCELLED)


async def test_commit_now_settles_what_was_heard(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(200, preset="manual", pace=PACE)
    async with running():
        await until(transcript, last_seq__gte=3)
        await asyncio.sleep(0.4)
        await act(services.commit_now, transcript)
        row = await until(transcript, segment_count=1)
        assert row.state == State.RUNNING
        await until(transcript, state=State.COMPLETED)
    assert await words_of(transcript) == names(200)


async def test_a_killed_session_is_gone_on_with_and_nothing_is_lost_or_doubled(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    claim = await sync_to_async(leases.claim_next)("doomed", 20.0)
    assert claim is not None
    house = EngineHouse()
    task = asyncio.create_task(Session(claim, house.url).run())
    await until(transcript, segment_count__gt=0)
    # As when the process is killed: no goodbye.
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await house.close()
    row = await reload(transcript)
    assert row.state == State.RUNNING
    await Transcript.objects.aupdate(lease_until=None)
    await Transcript.objects.aupdate(options={})
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.epoch, row.crash_claims) == (State.COMPLETED, 2, 0)
    assert await words_of(row) == names(900)


async def test_a_stopping_worker_hands_over_and_another_goes_on(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running():
        await until(transcript, state=State.RUNNING, last_seq__gte=3)
    row = await reload(transcript)
    assert row.state == State.QUEUED
    # It waited for a commit, so what it had heard is not heard again.
    assert row.committed_samples > 0
    assert (await states_of(row))[-1] == "queued"
    await Transcript.objects.aupdate(options={})
    await Runner().run_once()
    assert await words_of(transcript) == names(900)
    assert (await reload(transcript)).crash_claims == 0


async def test_a_second_stop_does_not_wait_for_the_next_commit(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, preset="manual", pace=1.0)
    async with running(drain_seconds=60.0) as runner:
        await until(transcript, state=State.RUNNING, last_seq__gte=3)
        runner.stop()
        await asyncio.sleep(0.1)
        asked = time.monotonic()
    assert time.monotonic() - asked < 10
    assert (await reload(transcript)).state == State.QUEUED


async def test_a_holder_that_cannot_renew_stops_by_its_own_clock(
    submit_tape: SubmitTape, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STTWEB_LEASE_SECONDS = 2.0
    transcript = await submit_tape(900, pace=PACE)

    def frozen(*_: Any) -> dict[Any, Any]:
        time.sleep(3)
        return {}

    async with running() as runner:
        await until(transcript, segment_count__gt=0)
        monkeypatch.setattr(leases, "renew", frozen)
        monkeypatch.setattr(leases, "claim_next", lambda *_, **__: None)
        async with asyncio.timeout(20):
            while runner.running:
                await asyncio.sleep(0.05)
        row = await reload(transcript)
        assert row.state == State.RUNNING
        # What was written before stays a prefix, and nobody writes any more.
        before = row.last_seq
        await asyncio.sleep(0.5)
        assert (await reload(transcript)).last_seq == before
        monkeypatch.undo()
    await Transcript.objects.aupdate(lease_until=None, options={})
    await Runner().run_once()
    assert await words_of(transcript) == names(900)


async def test_a_lease_is_renewed_while_the_work_goes_on(submit_tape: SubmitTape, settings: Settings) -> None:
    settings.STTWEB_LEASE_SECONDS = 4.0
    transcript = await submit_tape(900, pace=PACE)
    async with running(), running():
        row = await until(transcript, state=State.COMPLETED)
    assert row.epoch == 1
    assert await words_of(row) == names(900)


async def test_a_session_that_was_taken_over_ends_without_a_word(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running() as runner:
        await until(transcript, segment_count__gt=0)
        other = None
        while other is None:  # its own worker may renew the lease in between
            await Transcript.objects.aupdate(lease_until=None)
            other = await sync_to_async(leases.claim_next)("other", 20.0)
        async with asyncio.timeout(60):
            while runner.running:
                await asyncio.sleep(0.02)
    row = await reload(transcript)
    assert (row.state, row.worker) == (State.RUNNING, "other")


async def test_a_deleted_transcript_ends_its_session(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(900, pace=PACE)
    async with running() as runner:
        await until(transcript, segment_count__gt=0)
        await act(services.delete, transcript)
        async with asyncio.timeout(20):
            while runner.running:
                await asyncio.sleep(0.02)
    assert not await Event.objects.aexists()


async def test_what_is_no_recording_fails_with_a_sentence(submit_tape: SubmitTape, settings: Settings) -> None:
    transcript = await submit_tape(10)
    for file in settings.STTWEB_MEDIA_DIR.glob("*/*"):
        file.write_bytes(b"this is a letter, not a recording " * 100)
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state == State.FAILED
    assert row.code
    assert row.message
    assert row.worker == ""


async def test_a_missing_file_fails_with_a_sentence(submit_tape: SubmitTape, settings: Settings) -> None:
    transcript = await submit_tape(10)
    for file in settings.STTWEB_MEDIA_DIR.glob("*/*"):
        file.unlink()
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code) == (State.FAILED, "media_missing")


async def test_a_private_address_is_refused(make_transcript: MakeTranscript) -> None:
    transcript = await sync_to_async(make_transcript)(source_url="http://127.0.0.1:80/a.mp3")
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state == State.FAILED
    assert row.code.startswith("url_")


async def test_a_source_that_is_away_is_tried_again_later(
    make_transcript: MakeTranscript, settings: Settings, unused_tcp_port: int
) -> None:
    settings.FETCH_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.FETCH_ALLOW_PORTS = [unused_tcp_port]
    transcript = await sync_to_async(make_transcript)(source_url=f"http://127.0.0.1:{unused_tcp_port}/a.mp3")
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state in {State.WAITING, State.RUNNING}
    assert row.attempts >= 1
    assert row.message


async def test_without_a_key_the_hosted_service_pauses(
    make_transcript: MakeTranscript, submit_tape: SubmitTape
) -> None:
    transcript = await submit_tape(10)
    await Transcript.objects.aupdate(engine="elevenlabs")
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code) == (State.PAUSED, "no_api_key")
    assert row.next_step


async def test_options_that_cannot_work_fail_before_anything_is_sent(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(10, language_code="en-US")
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code) == (State.FAILED, "invalid_options")
    assert "en-US" in row.message


async def test_a_bug_of_ours_fails_with_a_plain_sentence_and_a_traceback_in_the_log(
    submit_tape: SubmitTape, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    transcript = await submit_tape(10)

    def broken(*_: Any) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(source, "source_of", broken)
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code) == (State.FAILED, "internal")
    assert "mistake" not in row.message
    assert "a mistake" in caplog.text


async def test_stop_while_the_source_is_opened_cancels(make_transcript: MakeTranscript, silent_url: str) -> None:
    transcript = await sync_to_async(make_transcript)(source_url=silent_url)
    async with running():
        await until(transcript, state=State.RUNNING)
        await act(services.stop, transcript)
        await until(transcript, state=State.CANCELLED)


async def test_the_sample_plays_at_the_pace_it_was_given(team: Any) -> None:
    submission = services.Submission(title="Sample", kind=SourceKind.SAMPLE, options={"pace": 40.0})
    transcript = await sync_to_async(services.submit)(team, None, submission, wake=False)
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state == State.COMPLETED
    assert row.duration_samples > 5 * 16_000
