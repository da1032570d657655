"""What a session hears is kept: on the clock of the words, whatever takes it over, and gone with its transcript."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asgiref.sync import sync_to_async
from pytest_django import Settings

from tests.conftest import async_db
from tests.jobs.conftest import SubmitTape, names, words_of
from tests.jobs.test_session import running, until
from transcripts.jobs import leases
from transcripts.jobs.engine import EngineHouse
from transcripts.jobs.kept import forget_kept, kept_dir, kept_files, take_over
from transcripts.jobs.session import Session
from transcripts.media.decode import decode_file
from transcripts.media.keep import FRAME_BYTES, FRAME_SAMPLES
from transcripts.media.peaks import PAIR_BYTES, PEAK_SAMPLES
from transcripts.models import State, Transcript
from transcripts.upkeep.erasing import erase_media

pytestmark = async_db


async def heard_samples(transcript: Transcript) -> int:
    sound = (await sync_to_async(kept_files)(transcript.pk)).sound
    assert sound is not None
    return sum(chunk.end - chunk.start for chunk in [chunk async for chunk in decode_file(sound)])


async def test_a_recording_is_kept_in_full_with_its_waveform(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(50, pause_every=10)
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    kept = await sync_to_async(kept_files)(row.pk)
    assert row.is_kept
    assert kept.sound is not None
    assert kept.peaks is not None
    assert 0 <= await heard_samples(row) - row.committed_samples < 4 * FRAME_SAMPLES
    assert kept.peaks.stat().st_size == -(-row.committed_samples // PEAK_SAMPLES) * PAIR_BYTES


async def test_only_the_waveform_is_kept_where_the_operator_wants_no_sound(
    submit_tape: SubmitTape, settings: Settings
) -> None:
    settings.STTWEB_KEEP_SOUND = False
    transcript = await submit_tape(20)
    async with running():
        await until(transcript, state=State.COMPLETED)
    kept = await sync_to_async(kept_files)(transcript.pk)
    assert kept.sound is None
    assert kept.peaks is not None


async def test_who_takes_over_goes_on_in_the_same_sound(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(80, pause_every=20, pace=2.0, preset="live")
    claim = await sync_to_async(leases.claim_next)("first", 20.0)
    assert claim is not None
    house = EngineHouse()
    doomed = asyncio.create_task(Session(claim, house.url).run())
    await until(transcript, segment_count__gte=1)
    doomed.cancel()
    await asyncio.wait([doomed])
    await house.close()
    await Transcript.objects.aupdate(lease_until=None)
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(80)
    assert 0 <= await heard_samples(row) - row.committed_samples < 4 * FRAME_SAMPLES
    left = {path.name for path in kept_dir(row.pk).iterdir()}
    assert left == {f"{row.epoch}.mp3", f"{row.epoch}.peaks"}


def test_a_worker_that_was_taken_over_finds_no_file_to_write_to(settings: Settings, tmp_path: Path) -> None:
    settings.STTWEB_MEDIA_DIR = tmp_path
    name = Transcript().pk
    old = take_over(name, 3)
    assert old.sound is not None
    old.sound.write_bytes(b"x" * FRAME_BYTES)
    new = take_over(name, 4)
    assert not old.sound.exists()
    assert kept_files(name).sound == new.sound
    forget_kept(name)
    assert not kept_dir(name).exists()


async def test_what_cannot_be_kept_is_a_notice_and_ends_nothing(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(30)
    await sync_to_async(kept_dir(transcript.pk).parent.mkdir)(parents=True)
    await sync_to_async(kept_dir(transcript.pk).write_text)("in the way")
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert await words_of(row) == names(30)
    notice = await row.events.aget(kind="notice")
    assert notice.payload["code"] == "keep_failed"


async def test_erasing_the_recording_erases_what_was_kept(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(20)
    async with running():
        row = await until(transcript, state=State.COMPLETED)
    assert await sync_to_async(erase_media)(row)
    await row.arefresh_from_db()
    assert not row.is_kept
    assert not kept_dir(row.pk).exists()


async def test_what_is_deleted_while_it_is_heard_leaves_no_sound_behind(submit_tape: SubmitTape) -> None:
    transcript = await submit_tape(200, pace=2.0)
    async with running():
        await until(transcript, segment_count__gte=1, is_kept=True)
        await Transcript.objects.filter(pk=transcript.pk).adelete()
    assert not kept_dir(transcript.pk).exists()
