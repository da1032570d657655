"""From the reader's items to PCM on one clock, through the product's own caged decoder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.media.conftest import Recordings
from tests.media.hls.reading import reader
from tests.media.origins import Origin, make_hls, serve_folder
from transcripts.media.decode import decode_stream
from transcripts.media.errors import DecodeError, FetchError
from transcripts.media.hls.items import Bytes, Discontinuity, Ended, Item, Missing, Stalled
from transcripts.media.hls.loading import Fetch
from transcripts.media.hls.sound import hls_chunks
from transcripts.media.pcm import SAMPLE_RATE, Chunk


async def listing(*items: Item) -> AsyncIterator[Item]:
    for item in items:
        yield item


async def test_a_change_of_format_and_a_hole_leave_every_sound_at_its_time(recordings: Recordings) -> None:
    stream, packed = (recordings / "a.ts").read_bytes(), (recordings / "a.aac").read_bytes()
    items = listing(Bytes(stream, 12.0), Discontinuity(), Bytes(packed, 12.0), Missing(30.0, "missed"),
                    Bytes(stream, 12.0), Ended("complete"))  # fmt: skip
    heard: list[Item] = []
    chunks = [chunk async for chunk in hls_chunks(items, decode_stream, on_item=heard.append)]
    steps = [(b.start - a.end) / SAMPLE_RATE for a, b in pairwise(chunks) if b.start != a.end]
    assert steps == [30.0]
    assert chunks[0].start == 0
    assert chunks[-1].end / SAMPLE_RATE == pytest.approx(66.0, abs=0.3)
    assert heard == [Discontinuity(), Missing(30.0, "missed"), Ended("complete")]


async def test_fragmented_mp4_with_a_lost_segment_goes_on_after_the_hole(
    origin: Origin, fetch: Fetch, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav", "-hls_segment_type", "fmp4")
    serve_folder(origin, tmp_path / "hls")
    del origin.routes["/out2.m4s"]
    async with aclosing(reader(origin.url("/out.m3u8"), fetch).items()) as items:
        chunks = [chunk async for chunk in hls_chunks(items, decode_stream, start=160)]
    assert chunks[0].start == 160
    assert sum(chunk.samples for chunk in chunks) / SAMPLE_RATE == pytest.approx(10.0, abs=0.2)
    assert chunks[-1].end / SAMPLE_RATE == pytest.approx(12.0, abs=0.2)


async def test_a_decoder_that_gives_up_is_followed_by_another_that_gets_the_map_again() -> None:
    fed: list[list[bytes]] = []

    async def failing(source: AsyncIterator[bytes], *, start: int) -> AsyncGenerator[Chunk]:
        fed.append([])
        async for piece in source:
            fed[-1].append(piece)
            if piece == b"bad":
                raise DecodeError("decode_failed", "Damaged.")
        yield Chunk(start, bytes(2 * SAMPLE_RATE))

    items = listing(
        Bytes(b"map", section=True), Bytes(b"bad", 6.0), Stalled(15.0), Bytes(b"good", 6.0), Ended("complete")
    )
    chunks = [chunk async for chunk in hls_chunks(items, failing)]
    assert fed == [[b"map", b"bad"], [b"map", b"good"]]
    assert [chunk.start for chunk in chunks] == [6 * SAMPLE_RATE]


async def test_a_stream_that_no_decoder_wants_ends_in_its_error() -> None:
    noise = Bytes(b"\xff\xfb" + bytes(4000), 6.0)
    items = listing(*[item for _ in range(5) for item in (noise, Discontinuity())], Ended("complete"))
    with pytest.raises(DecodeError):
        _ = [chunk async for chunk in hls_chunks(items, decode_stream)]


async def test_the_reader_s_failure_comes_out_after_the_last_sound(recordings: Recordings) -> None:
    async def breaking() -> AsyncIterator[Item]:
        yield Bytes((recordings / "a.aac").read_bytes(), 12.0)
        raise FetchError("source_unavailable", "Gone.", retryable=True)

    chunks: list[Chunk] = []

    async def collect() -> None:
        async for chunk in hls_chunks(breaking(), decode_stream):
            chunks.append(chunk)

    with pytest.raises(FetchError):
        await collect()
    assert chunks[-1].end / SAMPLE_RATE == pytest.approx(12.0, abs=0.2)


async def test_leaving_in_the_middle_leaves_no_task_behind(recordings: Recordings) -> None:
    async def waiting() -> AsyncIterator[Item]:
        yield Bytes((recordings / "a.aac").read_bytes(), 12.0)
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with aclosing(hls_chunks(waiting(), decode_stream)) as chunks:
        await anext(chunks)
    for _ in range(100):
        if asyncio.all_tasks() <= before:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"left behind: {asyncio.all_tasks() - before}")
