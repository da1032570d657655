"""What is kept can be played on the clock of the words, whatever happened on the way."""

from __future__ import annotations

import os
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.conftest import Recordings
from tests.media.doubles import children, double, gone
from transcripts.media.decode import decode_file
from transcripts.media.keep import FRAME_BYTES, FRAME_SAMPLES, Keeper, Kept
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.media.peaks import PEAK_SAMPLES, PeakMeter, pool


async def chunks_of(path: Path, size: int = 1600) -> list[Chunk]:
    async with aclosing(decode_file(path, chunk_samples=size)) as chunks:
        return [chunk async for chunk in chunks]


async def keep(folder: Path, chunks: list[Chunk], start: int = 0) -> Kept:
    keeper = Keeper(folder / "sound.mp3", folder / "peaks", start=start)
    for chunk in chunks:
        await keeper.feed(chunk)
    return await keeper.close()


def samples(chunks: list[Chunk]) -> np.ndarray:
    return np.frombuffer(b"".join(chunk.data for chunk in chunks), "<i2").astype(float)


def lag(heard: np.ndarray, said: np.ndarray, reach: int = 2000) -> int:
    """Samples by which ``heard`` comes later than ``said``, by the best match."""
    middle = said[reach:-reach]
    matches = [float(np.dot(heard[reach + by : reach + by + middle.size], middle)) for by in range(-reach, reach)]
    return int(np.argmax(matches)) - reach


async def kept_sound(folder: Path, size: int) -> np.ndarray:
    """The kept sound as a player hears it, without what hangs over at its end."""
    heard = samples(await chunks_of(folder / "sound.mp3"))
    assert 0 <= heard.size - size < 4 * FRAME_SAMPLES
    return heard[:size]


async def test_what_is_kept_is_played_at_the_sample_at_which_it_was_said(
    recordings: Recordings, tmp_path: Path
) -> None:
    said = await chunks_of(recordings / "a.wav")
    kept = await keep(tmp_path, said)
    assert kept.failure is None
    assert kept.samples == 12 * SAMPLE_RATE
    data = (tmp_path / "sound.mp3").read_bytes()
    assert (len(data), len(data) % FRAME_BYTES) == (kept.size, 0)
    # A player that seeks by bytes and one that reads every frame come to the same place.
    assert {data[at : at + 3] for at in range(0, len(data), FRAME_BYTES)} == {b"\xff\xf3\x68"}
    heard = await kept_sound(tmp_path, 12 * SAMPLE_RATE)
    for second in (1, 5, 10):
        part = slice(second * SAMPLE_RATE, (second + 1) * SAMPLE_RATE)
        assert lag(heard[part], samples(said)[part]) == 0
    assert (tmp_path / "sound.mp3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("hole", [0.3, 700.0])
async def test_a_hole_is_silence_and_the_clock_holds(recordings: Recordings, tmp_path: Path, hole: float) -> None:
    said = await chunks_of(recordings / "a.wav")
    by = round(hole * SAMPLE_RATE)
    torn = [*said[:50], *(Chunk(chunk.start + by, chunk.data) for chunk in said[50:])]
    kept = await keep(tmp_path, torn)
    heard = await kept_sound(tmp_path, torn[-1].end)
    assert kept.samples == torn[-1].end
    after = slice(7 * SAMPLE_RATE, 8 * SAMPLE_RATE)
    assert lag(heard[by:][after], samples(said)[after]) == 0
    assert np.abs(heard[5 * SAMPLE_RATE + 2000 : 5 * SAMPLE_RATE + by - 2000]).max(initial=0) < 40
    waveform = (tmp_path / "peaks").read_bytes()
    assert len(waveform) == 2 * -(-torn[-1].end // PEAK_SAMPLES)
    assert pool(waveform, 100, 100 + by // PEAK_SAMPLES, 10) == [(0, 0)] * min(10, by // PEAK_SAMPLES)


@pytest.mark.parametrize(("killed_at", "start"), [(100, 80_123), (60, 80_123), (0, 80_123), (110, 0)])
async def test_another_worker_goes_on_where_the_words_go_on(
    recordings: Recordings, tmp_path: Path, killed_at: int, start: int
) -> None:
    said = await chunks_of(recordings / "a.wav")
    before = Keeper(tmp_path / "sound.mp3", tmp_path / "peaks")
    for chunk in said[:killed_at]:
        await before.feed(chunk)
    await before.close()
    rest = [chunk for chunk in said if chunk.end > start]
    first = rest[0]
    rest[0] = Chunk(max(start, first.start), first.data[2 * max(0, start - first.start) :])
    kept = await keep(tmp_path, rest, start=start)
    heard = await kept_sound(tmp_path, 12 * SAMPLE_RATE)
    assert kept.samples == 12 * SAMPLE_RATE
    part = slice(7 * SAMPLE_RATE, 8 * SAMPLE_RATE)
    assert lag(heard[part], samples(said)[part]) == 0
    whole = await keep(tmp_path / "whole", said)
    assert whole.size == kept.size
    again, once = (tmp_path / "peaks").read_bytes(), (tmp_path / "whole" / "peaks").read_bytes()
    assert again[2 * (start // PEAK_SAMPLES + 1) :] == once[2 * (start // PEAK_SAMPLES + 1) :]


@pytest.mark.parametrize("body", ["sys.exit(1)", "sys.stdin.buffer.read(1000); os.kill(os.getpid(), signal.SIGSEGV)"])
async def test_an_encoder_that_dies_costs_the_sound_and_not_the_transcript(
    recordings: Recordings, tmp_path: Path, body: str
) -> None:
    program, cage = double(tmp_path, body)
    before = children()
    keeper = Keeper(tmp_path / "sound.mp3", tmp_path / "peaks", ffmpeg=program, cage=cage)
    for chunk in await chunks_of(recordings / "a.wav"):
        await keeper.feed(chunk)
    kept = await keeper.close()
    assert kept.failure is not None
    assert (kept.failure.code, kept.samples) == ("keep_failed", 12 * SAMPLE_RATE)
    assert len((tmp_path / "peaks").read_bytes()) == 2 * 240
    assert await gone(children() - before)


async def test_a_folder_that_cannot_be_written_costs_no_more_than_what_was_to_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    keeper = Keeper(tmp_path / "file" / "sound.mp3", tmp_path / "file" / "peaks")
    for at in range(0, 60 * SAMPLE_RATE, SAMPLE_RATE):
        await keeper.feed(Chunk(at, bytes(2 * SAMPLE_RATE)))
    kept = await keeper.close()
    assert kept.failure is not None
    assert (kept.failure.code, kept.size) == ("keep_failed", 0)


async def test_an_upload_needs_only_its_waveform(recordings: Recordings, tmp_path: Path) -> None:
    before = children()
    keeper = Keeper(None, tmp_path / "peaks")
    for chunk in await chunks_of(recordings / "a.wav"):
        await keeper.feed(chunk)
        assert not children() - before
    assert (await keeper.close()).failure is None
    assert os.listdir(tmp_path) == ["peaks"]


@given(
    pieces=st.lists(st.tuples(st.integers(0, 1700), st.integers(1, 2500)), min_size=1, max_size=20),
    start=st.integers(0, 3000),
)
def test_a_waveform_does_not_depend_on_how_the_sound_arrives(pieces: list[tuple[int, int]], start: int) -> None:
    random = np.random.default_rng(len(pieces))
    total = start + sum(hole + size for hole, size in pieces)
    line, meter, told, at = np.zeros(total, "<i2"), PeakMeter(start), b"", start
    for hole, size in pieces:
        at += hole
        line[at : at + size] = random.integers(-32_768, 32_767, size)
        told += meter.feed(Chunk(at, line[at : at + size].tobytes()))
        at += size
    told += meter.end()
    begin = start - start % PEAK_SAMPLES
    blocks = [line[i : i + PEAK_SAMPLES] for i in range(begin, total, PEAK_SAMPLES)]
    assert pool(told, 0, 10**6, 10**6) == [
        (int(block.min()) >> 8, min(127, -(-int(block.max()) // 256))) for block in blocks
    ]


def test_a_view_gets_as_many_points_as_it_asked_for_and_loses_no_peak() -> None:
    pairs = np.zeros((72_000, 2), np.int8)
    pairs[41_234] = (-100, 90)
    points = pool(pairs.tobytes() + b"x", 0, 72_000, 2_000)
    assert len(points) == 2_000
    assert [point for point in points if point != (0, 0)] == [(-100, 90)]
    assert pool(pairs.tobytes(), 41_230, 41_240, 2_000)[4] == (-100, 90)
    assert pool(pairs.tobytes(), 80_000, 90_000, 10) == pool(b"", 0, 10, 10) == []
