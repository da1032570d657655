"""Whole streams through the guarded client from a local origin: what comes out, in which order, and what is fetched."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import Path

import pytest

from tests.figures import figure
from tests.media.conftest import Recordings
from tests.media.hls.reading import SPEED, everything, failure, reader, short
from tests.media.origins import (
    FastClock,
    LiveList,
    Origin,
    Request,
    adts,
    adts_number,
    make_hls,
    recorded,
    recorded_segments,
    serve_folder,
    write,
)
from transcripts.media.fetch import Limits, Response
from transcripts.media.ffmpeg import find_program
from transcripts.media.hls.items import Bytes, Discontinuity, Ended, Item, Missing, Stalled
from transcripts.media.hls.loading import Fetch
from transcripts.media.hls.reader import Patience


async def test_a_recording_comes_whole_in_order_and_ends(origin: Origin, fetch: Fetch) -> None:
    source = reader(recorded(origin, "/a.m3u8", recorded_segments(origin, 4)), fetch)
    stream = await source.open()
    assert (stream.live, stream.seconds, stream.encrypted) == (False, 24.0, False)
    assert short(await everything(source)) == [0, 1, 2, 3, Ended("complete")]
    assert origin.paths() == ["/a.m3u8", *(f"/seg{n}.aac" for n in range(4))]


async def test_a_master_leads_to_its_audio_and_nothing_else_is_fetched(origin: Origin, fetch: Fetch) -> None:
    recorded(origin, "/audio.m3u8", recorded_segments(origin, 1))
    url = origin.serve(
        "/master.m3u8",
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Main",DEFAULT=YES,URI="audio.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=9,AUDIO="a"\nvideo.m3u8\n',
    )
    source = reader(url, fetch)
    assert (await source.open()).choice.audio_only
    assert short(await everything(source)) == [0, Ended("complete")]
    assert origin.paths() == ["/master.m3u8", "/audio.m3u8", "/seg0.aac"]


async def test_a_redirected_playlist_resolves_its_segments_where_it_was_found(origin: Origin, fetch: Fetch) -> None:
    origin.serve("/deep/seg.aac", adts(7))
    recorded(origin, "/deep/a.m3u8", ["#EXTINF:6,", "seg.aac"])
    assert short(await everything(reader(origin.redirect("/a.m3u8", "/deep/a.m3u8"), fetch))) == [7, Ended("complete")]


async def test_tags_in_front_of_packed_audio_do_not_reach_the_decoder(origin: Origin, fetch: Fetch) -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    origin.serve("/seg.aac", tag + tag + adts(3))
    items = await everything(reader(recorded(origin, "/a.m3u8", ["#EXTINF:6,", "seg.aac"]), fetch))
    assert items == [Bytes(adts(3), 6.0), Ended("complete")]


async def test_at_most_one_segment_is_fetched_ahead_of_the_consumer(origin: Origin, fetch: Fetch) -> None:
    source = reader(recorded(origin, "/a.m3u8", recorded_segments(origin, 6)), fetch)
    async with aclosing(source.items()) as items:
        for taken in (1, 2, 3):
            await anext(items)
            await asyncio.sleep(0.15)
            assert origin.paths()[1:] == [f"/seg{n}.aac" for n in range(taken + 1)]


async def test_leaving_ends_the_download_and_every_task(origin: Origin, fetch: Fetch) -> None:
    origin.endless("/slow.aac", adts(0), wait_s=0.01)
    source = reader(recorded(origin, "/a.m3u8", [*recorded_segments(origin, 1), "#EXTINF:6,", "slow.aac"]), fetch)
    before = asyncio.all_tasks()
    async with aclosing(source.items()) as items:
        await anext(items)
        while "/slow.aac" not in origin.paths():
            await asyncio.sleep(0.01)
    for _ in range(100):
        if asyncio.all_tasks() <= before:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"left behind: {asyncio.all_tasks() - before}")


async def test_cancelling_the_consumer_ends_the_reader(origin: Origin, fetch: Fetch) -> None:
    consumer = asyncio.create_task(everything(reader(LiveList(origin, FastClock(1.0)).start(), fetch)))
    while len(origin.requests) < 4:
        await asyncio.sleep(0.01)
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer


# Live ----------------------------------------------------------------------------------------------------------------


async def test_a_live_stream_is_followed_to_its_end_without_a_hole(origin: Origin, fetch: Fetch) -> None:
    clock = FastClock(SPEED)
    url = LiveList(origin, clock, window=10, end_after=17).start()
    items = await everything(reader(url, fetch, clock=clock))
    assert short(items) == [*range(107, 117), Ended("complete")]
    reloads = [request.at for request in origin.requests if request.path == "/live.m3u8"]
    assert len(reloads) <= 7 * 6.0 / 3.0 + 3


async def test_f31_a_stall_of_45_s_is_told_within_20_s_and_the_jump_is_one_hole_of_the_missing_time(
    origin: Origin, fetch: Fetch
) -> None:
    clock = FastClock(SPEED)
    live = LiveList(origin, clock, window=3, stalls=((8.0, 53.0),), end_after=14)
    items = await everything(reader(live.start(), fetch, clock=clock))
    stalls = [item for item in items if isinstance(item, Stalled)]
    assert {stall.seconds for stall in stalls} == {15.0}
    numbers = [number for number in short(items) if isinstance(number, int)]
    assert len(set(numbers)) == len(numbers)
    unseen = set(range(100, 114)) - live.listed
    assert len(unseen) >= 4
    missing = [item for item in items if isinstance(item, Missing)]
    assert [item.reason for item in missing] == ["missed"]
    assert missing[0].seconds == pytest.approx(6.0 * len(unseen), abs=0.5)
    assert set(numbers) | unseen == set(range(100, 114))
    figure("F31", f"a stall of 45 s told after {stalls[0].seconds:.0f} s, then a jump over {len(unseen)} segments: one "
                  f"hole of {missing[0].seconds:.1f} s (real {6.0 * len(unseen):.1f} s), no segment twice")  # fmt: skip


async def test_a_segment_that_is_not_there_is_tried_again_and_then_a_hole(origin: Origin, fetch: Fetch) -> None:
    clock = FastClock(SPEED)
    live = LiveList(origin, clock, window=10, absent=frozenset({108}), end_after=12)
    items = await everything(reader(live.start(), fetch, clock=clock))
    assert short(items) == [107, Missing(6.0, "unavailable"), 109, 110, 111, Ended("complete")]
    assert origin.paths().count("/seg108.aac") == 3


async def test_announced_gaps_and_discontinuities_are_told_in_order(origin: Origin, fetch: Fetch) -> None:
    lines = recorded_segments(origin, 5)
    lines[2:2] = ["#EXT-X-GAP"]
    lines[7:7] = ["#EXT-X-DISCONTINUITY"]
    items = await everything(reader(recorded(origin, "/a.m3u8", lines), fetch))
    assert short(items) == [0, Missing(6.0, "announced"), 2, Discontinuity(), 3, 4, Ended("complete")]
    assert "/seg1.aac" not in origin.paths()


async def test_a_change_of_format_without_a_word_is_a_discontinuity_all_the_same(
    origin: Origin, fetch: Fetch, recordings: Recordings
) -> None:
    lines = recorded_segments(origin, 1)
    stream = (recordings / "a.ts").read_bytes()
    origin.serve("/x.ts", stream)
    items = await everything(reader(recorded(origin, "/a.m3u8", [*lines, "#EXTINF:6,", "x.ts"]), fetch))
    assert items == [Bytes(adts(0), 6.0), Discontinuity(), Bytes(stream, 6.0), Ended("complete")]


@pytest.mark.parametrize("target", ["0", "-5", "0.001", "1e12"])
async def test_reloads_never_come_faster_than_once_a_second(origin: Origin, fetch: Fetch, target: str) -> None:
    clock = FastClock(SPEED)
    live = LiveList(origin, clock, target=target, stalls=((0.0, 1e9),))
    began = clock.now()
    items = await everything(reader(live.start(), fetch, clock=clock, patience=Patience(stall_limit_s=40.0)))
    elapsed = clock.now() - began
    assert items[-1] == Ended("source_ended")
    assert origin.paths().count("/live.m3u8") <= elapsed + 1
    assert any(isinstance(item, Stalled) and item.seconds <= 30 for item in items)


async def test_a_playlist_that_stops_changing_is_stalled_within_30_s_and_ended_at_the_limit(
    origin: Origin, fetch: Fetch
) -> None:
    clock = FastClock(200.0)
    live = LiveList(origin, clock, stalls=((0.0, 1e9),))
    began = clock.now()
    items = await everything(reader(live.start(), fetch, clock=clock, patience=Patience(stall_limit_s=600.0)))
    assert short(items) == [100, 101, 102, Ended("source_ended")]
    assert items[-2] == Stalled(15.0)
    assert 600.0 <= clock.now() - began < 700.0


async def test_a_playlist_that_cannot_be_had_any_more_ends_in_an_error_worth_another_try(
    origin: Origin, fetch: Fetch
) -> None:
    clock = FastClock(200.0)
    url = LiveList(origin, clock).start()
    source = reader(url, fetch, clock=clock, patience=Patience(reloads=4))
    failing = asyncio.create_task(failure(source))
    while "/seg102.aac" not in origin.paths():
        await asyncio.sleep(0.01)
    origin.serve("/live.m3u8", "", status="503 Service Unavailable")
    _, error = await failing
    assert (error.code, error.retryable) == ("source_unavailable", True)


async def test_a_playlist_that_fails_for_a_moment_is_forgiven(origin: Origin, fetch: Fetch) -> None:
    clock = FastClock(SPEED)
    live = LiveList(origin, clock, window=10, end_after=13)
    url = live.start()
    good, count = origin.routes["/live.m3u8"], 0

    async def flaky(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        if count in (2, 3):
            write(writer, b"<html>Oops</html>")
        else:
            await good(request, writer)

    origin.routes["/live.m3u8"] = flaky
    items = await everything(reader(url, fetch, clock=clock))
    assert short(items) == [*range(107, 113), Ended("complete")]


async def test_a_slow_consumer_loses_nothing_that_was_listed_while_it_was_busy(origin: Origin, fetch: Fetch) -> None:
    clock = FastClock(SPEED)
    live = LiveList(origin, clock, window=6, end_after=18)
    numbers = []
    async with aclosing(reader(live.start(), fetch, clock=clock).items()) as items:
        async for item in items:
            if isinstance(item, Bytes):
                numbers.append(adts_number(item.data))
                if len(numbers) == 1:
                    await clock.sleep(66.0)
    assert numbers == list(range(103, 118))


# Encryption, maps and ranges, written by another program -------------------------------------------------------------


async def decoded_seconds(items: list[Item]) -> float:
    """Length of the sound in ``items``, one decoder for each run between discontinuities and holes."""
    runs = [b""]
    for item in items:
        if isinstance(item, Bytes):
            runs[-1] += item.data
        else:
            runs.append(b"")
    return sum(map(_decode, filter(None, runs)))


def _decode(data: bytes) -> float:
    command = [
        find_program(),
        "-v",
        "error",
        "-i",
        "pipe:0",
        "-vn",
        "-f",
        "s16le",
        "-ac",
        "1",
        "-ar",
        "16000",
        "pipe:1",
    ]
    return len(subprocess.run(command, input=data, capture_output=True, check=True, timeout=60).stdout) / 32_000


async def test_an_aes_128_stream_of_another_program_is_decrypted(
    origin: Origin, fetch: Fetch, recordings: Recordings, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(bytes(range(16)))
    (tmp_path / "info").write_text(f"secret.key\n{tmp_path / 'key'}\n")
    make_hls(tmp_path / "hls", recordings / "a.wav", "-hls_key_info_file", str(tmp_path / "info"))
    serve_folder(origin, tmp_path / "hls")
    origin.serve("/secret.key", bytes(range(16)))
    source = reader(origin.url("/out.m3u8"), fetch)
    assert (await source.open()).encrypted
    items = await everything(source)
    assert await decoded_seconds(items) == pytest.approx(12.0, abs=0.15)
    assert origin.paths().count("/secret.key") == 1


async def test_an_explicit_iv_is_used(origin: Origin, fetch: Fetch, recordings: Recordings, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(bytes(range(16)))
    (tmp_path / "info").write_text(f"secret.key\n{tmp_path / 'key'}\n{'ab' * 16}\n")
    make_hls(tmp_path / "hls", recordings / "a.wav", "-hls_key_info_file", str(tmp_path / "info"))
    assert "IV=0xabab" in (tmp_path / "hls" / "out.m3u8").read_text()
    serve_folder(origin, tmp_path / "hls")
    origin.serve("/secret.key", bytes(range(16)))
    items = await everything(reader(origin.url("/out.m3u8"), fetch))
    assert await decoded_seconds(items) == pytest.approx(12.0, abs=0.15)


async def test_fragmented_mp4_gets_its_map_first_and_again_after_a_hole(
    origin: Origin, fetch: Fetch, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav", "-hls_segment_type", "fmp4")
    serve_folder(origin, tmp_path / "hls")
    del origin.routes["/out2.m4s"]
    items = await everything(reader(origin.url("/out.m3u8"), fetch))
    section = (tmp_path / "hls" / "init.mp4").read_bytes()
    assert [item.data for item in items if isinstance(item, Bytes) and item.section] == [section, section]
    missing = [item for item in items if isinstance(item, Missing)]
    assert [round(item.seconds) for item in missing] == [2]
    assert await decoded_seconds(items) == pytest.approx(10.0, abs=0.2)
    assert origin.paths().count("/init.mp4") == 1


def by_query(fetch: Fetch, sent: list[str]) -> Fetch:
    """Notes the ranges that are asked for."""

    def noting(url: str, *, limits: Limits, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Response]:
        sent.append(headers.get("Range", ""))
        return fetch(url, limits=limits, headers=headers)

    return noting


async def test_parts_of_one_file_are_cut_out_even_if_the_server_knows_no_ranges(
    origin: Origin, fetch: Fetch, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav", "-hls_flags", "single_file")
    serve_folder(origin, tmp_path / "hls", ranges=False)
    sent: list[str] = []
    items = await everything(reader(origin.url("/out.m3u8"), by_query(fetch, sent)))
    assert b"".join(item.data for item in items if isinstance(item, Bytes)) == (tmp_path / "hls/out.ts").read_bytes()
    assert all(part.startswith("bytes=") for part in sent[1:])
    assert sent[1].startswith("bytes=0-")


async def test_a_file_shorter_than_its_part_is_a_hole(origin: Origin, fetch: Fetch) -> None:
    origin.serve("/short.aac", adts(1))
    lines = [*recorded_segments(origin, 1), "#EXTINF:6,", "#EXT-X-BYTERANGE:401@0", "short.aac"]
    items = await everything(reader(recorded(origin, "/a.m3u8", lines), fetch))
    assert short(items) == [0, Missing(6.0, "unavailable"), Ended("complete")]


# Hostile -------------------------------------------------------------------------------------------------------------
