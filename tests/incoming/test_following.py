"""What a client sends becomes text word for word: in every form, over the death of a worker, up to the last byte."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from tests.conftest import async_db
from tests.incoming.conftest import BLOCK_BYTES, BeginStream, aappend, converted, file_of
from tests.jobs.conftest import names, states_of, words_of
from tests.jobs.test_session import act, reload, running, until
from transcripts import services
from transcripts.engine.tape import make_tape
from transcripts.incoming import rows
from transcripts.jobs import leases
from transcripts.jobs.engine import EngineHouse
from transcripts.jobs.session import Session
from transcripts.media.formats import Encoding, SoundFormat
from transcripts.models import AudioStream, State, Transcript

pytestmark = async_db


async def close(transcript: Transcript) -> None:
    assert await sync_to_async(rows.close)(transcript.pk)


async def test_what_comes_piece_by_piece_becomes_text_while_it_comes(begin_stream: BeginStream) -> None:
    transcript = await begin_stream(preset="live")
    tape = make_tape(0, 60)
    async with running():
        await until(transcript, state=State.RUNNING)
        for at in range(0, len(tape), 4001):  # odd: samples are cut in two on their way
            await aappend(transcript, tape[at : at + 4001])
        await aappend(transcript, bytes(BLOCK_BYTES * 10))
        row = await until(transcript, segment_count__gte=1)
        assert row.is_live
        assert not row.is_final
        await close(transcript)
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(60)
    assert await states_of(row) == ["queued", "running", "finishing", "completed"]
    assert (row.committed_samples, row.gap_samples) == (70 * 1600, 0)


@pytest.mark.parametrize(
    ("sound", "options"),
    [
        (SoundFormat(Encoding.PCM, 48_000, 1), ["-f", "s16le", "-ar", "48000"]),
        (SoundFormat(Encoding.PCM, 44_100, 2), ["-f", "s16le", "-ar", "44100", "-ac", "2"]),
        (SoundFormat(Encoding.MULAW, 16_000, 1), ["-f", "mulaw", "-ar", "16000"]),
        (SoundFormat(Encoding.MULAW, 8_000, 1), ["-f", "mulaw", "-ar", "8000"]),
        (SoundFormat(Encoding.WEBM), ["-f", "webm", "-c:a", "libopus"]),
        (SoundFormat(Encoding.OGG), ["-f", "ogg", "-c:a", "libopus"]),
    ],
    ids=lambda value: f"{value.encoding}-{value.rate}-{value.channels}" if isinstance(value, SoundFormat) else "",
)
async def test_every_form_is_heard_in_its_whole_length(
    begin_stream: BeginStream, sound: SoundFormat, options: list[str]
) -> None:
    transcript = await begin_stream(sound)
    await aappend(transcript, converted(make_tape(0, 40), *options))
    await close(transcript)
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert row.committed_samples / 1600 == pytest.approx(40, abs=0.5)


async def test_a_worker_that_dies_leaves_no_gap_and_doubles_nothing(begin_stream: BeginStream) -> None:
    transcript = await begin_stream(preset="live")
    claim = await sync_to_async(leases.claim_next)("doomed", 20.0)
    assert claim is not None
    house = EngineHouse()
    task = asyncio.create_task(Session(claim, house.url).run())
    await aappend(transcript, make_tape(0, 40) + bytes(BLOCK_BYTES * 8) + make_tape(40, 15))
    await until(transcript, segment_count__gte=1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await house.close()
    await aappend(transcript, make_tape(55, 45))  # nobody listens, and it is kept
    await Transcript.objects.aupdate(lease_until=None)
    async with running():
        await until(transcript, epoch=2)
        await close(transcript)
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(100)
    assert row.gap_samples == 0


async def test_stop_writes_down_all_that_came_also_before_anybody_worked_on_it(begin_stream: BeginStream) -> None:
    transcript = await begin_stream()
    await aappend(transcript, make_tape(0, 50))
    await act(services.stop, transcript)
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(50)


async def test_a_client_that_does_not_come_back_ends_it(begin_stream: BeginStream, settings: Settings) -> None:
    settings.STTWEB_SOCKET_GONE_SECONDS = 0.3
    transcript = await begin_stream()
    await aappend(transcript, make_tape(0, 30))
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(30)
    assert (await AudioStream.objects.aget(pk=row.pk)).closed_at is not None


async def test_what_was_received_is_removed_once_it_was_heard_and_what_is_kept_stays(begin_stream: BeginStream) -> None:
    transcript = await begin_stream()
    path = file_of(transcript)
    await aappend(transcript, make_tape(0, 30))
    await close(transcript)
    async with running():
        await until(transcript, state=State.COMPLETED)
        await until(transcript, media_key="")
    assert not path.exists()


async def test_what_failed_keeps_its_sound_and_a_retry_hears_all_of_it(begin_stream: BeginStream) -> None:
    transcript = await begin_stream()
    await aappend(transcript, make_tape(0, 30))
    async with running():
        await until(transcript, state=State.RUNNING)
        await act(services.cancel, transcript)
        await until(transcript, state=State.CANCELLED)
        assert file_of(await reload(transcript)).exists()
        await close(transcript)
        await act(services.retry, transcript)
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(30)
