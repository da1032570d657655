"""HLS through the one door: finished streams as files that resume exactly, live ones as they come."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.media.conftest import Recordings
from tests.media.origins import Origin, Request, make_hls, recorded, serve_folder, write
from transcripts.media.errors import MediaError
from transcripts.media.fetch import Limits
from transcripts.media.guard import Policy
from transcripts.media.hls.items import Bytes, Discontinuity, Ended, Item, Missing
from transcripts.media.hls.reader import Patience
from transcripts.media.hls.recorded import MAX_RUNS, find_recorded, record
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.media.sources import Kind
from transcripts.media.status import Notice


def ask(policy: Policy, folder: Path, url: str, **fields: Any) -> AudioRequest:
    return AudioRequest(url=url, policy=policy, spool_dir=folder / "spool", **fields)


async def hear(request: AudioRequest) -> tuple[list[Chunk], dict[str, Any]]:
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        heard = [chunk async for chunk in chunks]
        return heard, {name: getattr(audio, name) for name in ("live", "sha256", "duration_samples", "missing_at_end")}


def pcm(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.data for chunk in chunks)


def stitched(origin: Origin, folder: Path, sound: Path) -> str:
    """TS segments of 2 s, a hole, the same again as fragmented MP4, and another hole at the end."""
    make_hls(folder / "ts", sound)
    make_hls(folder / "mp4", sound, "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4")
    serve_folder(origin, folder / "ts", prefix="/ts/")
    serve_folder(origin, folder / "mp4", prefix="/mp4/")
    lines = [line for n in range(6) for line in ("#EXTINF:2.0,", f"/ts/out{n}.ts")]
    lines += ["#EXT-X-GAP", "#EXTINF:5,", "/none.ts", "#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="/mp4/init.mp4"']
    lines += [line for n in range(6) for line in ("#EXTINF:2.0,", f"/mp4/out{n}.m4s")]
    return recorded(origin, "/all.m3u8", [*lines, "#EXT-X-GAP", "#EXTINF:3,", "/none.ts"])


async def test_a_finished_stream_is_a_file_that_resumes_at_the_exact_sample(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    url = stitched(origin, tmp_path, recordings / "a.wav")
    told: list[int] = []
    whole, facts = await hear(ask(policy, tmp_path, url, on_progress=lambda size, _: told.append(size)))
    assert (facts["live"], facts["duration_samples"], facts["missing_at_end"]) == (False, 32 * 16_000, 3 * 16_000)
    assert whole[0].start == 0
    assert [(b.start - a.end) / SAMPLE_RATE for a, b in pairwise(whole) if b.start != a.end] == [5.0]
    assert whole[-1].end / SAMPLE_RATE == pytest.approx(29.0, abs=0.3)
    assert told == sorted(told)
    fetched = len(origin.requests)
    for start in (1, 70_001, 13 * SAMPLE_RATE, 20 * SAMPLE_RATE + 7, whole[-1].end - 1):
        rest, _ = await hear(ask(policy, tmp_path, url, start=start, expect_sha256=facts["sha256"]))
        assert rest[0].start == max(start, next(chunk.start for chunk in whole if chunk.end > start))
        assert pcm(rest) == pcm(whole)[-len(pcm(rest)) :]
        assert rest[-1].end == whole[-1].end
    # Only the playlist's own address might be asked again, and even that is not.
    assert len(origin.requests) == fetched


async def test_a_kept_stream_that_was_damaged_is_fetched_again(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav")
    serve_folder(origin, tmp_path / "hls")
    request = ask(policy, tmp_path, origin.url("/out.m3u8"))
    whole, facts = await hear(request)
    with (tmp_path / "spool" / "run-0000.media").open("r+b") as file:
        file.write(b"damage")
    assert find_recorded(tmp_path / "spool") is None
    again, same = await hear(request)
    assert (pcm(again), same["sha256"]) == (pcm(whole), facts["sha256"])


async def test_a_job_is_not_continued_on_a_stream_that_has_other_media_now(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav")
    serve_folder(origin, tmp_path / "hls")
    _, facts = await hear(ask(policy, tmp_path / "one", origin.url("/out.m3u8")))
    origin.serve("/out3.ts", (tmp_path / "hls" / "out1.ts").read_bytes())
    with pytest.raises(MediaError, match="source_changed"):
        await hear(ask(policy, tmp_path / "two", origin.url("/out.m3u8"), expect_sha256=facts["sha256"]))


async def test_a_finished_stream_stays_within_its_size(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav")
    serve_folder(origin, tmp_path / "hls")
    with pytest.raises(MediaError, match="source_too_large"):
        await hear(ask(policy, tmp_path, origin.url("/out.m3u8"), limits=Limits(max_bytes=60_000)))
    assert find_recorded(tmp_path / "spool") is None


async def test_a_stream_that_changes_its_format_at_every_breath_is_refused(tmp_path: Path) -> None:
    async def items() -> Any:
        for _ in range(MAX_RUNS + 1):
            yield Bytes(b"x", 1.0)
            yield Discontinuity()
        yield Ended("complete")

    with pytest.raises(MediaError, match="hls_limits"):
        await record(items(), tmp_path, url="", limits=Limits())


async def test_holes_next_to_each_other_and_stalls_are_one_hole(tmp_path: Path) -> None:
    async def items() -> Any:
        given: list[Item] = [Missing(1.0, "announced"), Missing(2.0, "missed"), Bytes(b"x", 1.0), Ended("complete")]
        for item in given:
            yield item

    kept = await record(items(), tmp_path, url="u", limits=Limits())
    assert ([(run.missing, run.seconds) for run in kept.runs], kept.seconds) == ([(3.0, 1.0)], 4.0)
    assert find_recorded(tmp_path) == kept


async def test_a_live_stream_is_heard_to_its_end_and_a_hole_there_is_told(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav")
    serve_folder(origin, tmp_path / "hls")
    del origin.routes["/out5.ts"]

    async def playlist(_: Request, writer: asyncio.StreamWriter) -> None:
        asked = origin.paths().count("/live.m3u8")
        lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:2", "#EXT-X-MEDIA-SEQUENCE:0"]
        lines += [line for n in range(3 if asked < 3 else 6) for line in ("#EXTINF:2.0,", f"out{n}.ts")]
        write(writer, "\n".join([*lines, *(["#EXT-X-ENDLIST"] if asked >= 3 else [])]).encode())

    origin.routes["/live.m3u8"] = playlist
    told: list[Notice] = []
    patience = Patience(tries=2, retry_s=0.01)
    request = ask(policy, tmp_path, origin.url("/live.m3u8"), start=800, hls_patience=patience, on_status=told.append)
    chunks, facts = await hear(request)
    assert (facts["live"], facts["sha256"], facts["duration_samples"]) == (True, None, None)
    assert chunks[0].start == 800
    assert chunks[-1].end / SAMPLE_RATE == pytest.approx(10.05, abs=0.2)
    assert facts["missing_at_end"] == 2 * SAMPLE_RATE
    assert told == []


async def test_a_live_playlist_that_was_submitted_as_a_file_is_refused(
    origin: Origin, policy: Policy, tmp_path: Path
) -> None:
    url = origin.serve("/live.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n")
    with pytest.raises(MediaError, match="source_is_live"):
        await hear(ask(policy, tmp_path, url, kind=Kind.FILE))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/radio.pls", "[playlist]\nFile1={dead}\nFile2={good}\nTitle2=Second try\n"),
        ("/radio.m3u", "#EXTM3U\n#EXTINF:-1,Second try\n{good}\n"),
        ("/radio.asx", '<ASX version="3"><entry><title>Second try</title><ref href="{good}"/></entry></ASX>'),
    ],
)
async def test_a_wrapper_is_followed_to_the_first_stream_that_answers(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path, name: str, text: str
) -> None:
    good = origin.serve("/talk.mp3", (recordings / "a.mp3").read_bytes())
    url = origin.serve(name, text.format(good=good, dead=origin.url("/gone")))
    chunks, _ = await hear(ask(policy, tmp_path, url))
    assert chunks[-1].end == 12 * SAMPLE_RATE


async def test_a_wrapper_in_a_wrapper_is_refused_and_one_in_front_of_hls_is_not(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav")
    serve_folder(origin, tmp_path / "hls")
    url = origin.serve("/radio.pls", f"[playlist]\nFile1={origin.url('/out.m3u8')}\n")
    chunks, _ = await hear(ask(policy, tmp_path, url))
    assert chunks[-1].end / SAMPLE_RATE == pytest.approx(12.0, abs=0.2)
    nested = origin.serve("/nested.pls", f"[playlist]\nFile1={url}\n")
    with pytest.raises(MediaError, match="wrapper_nested"):
        await hear(ask(policy, tmp_path / "other", nested))


async def test_a_wrapper_that_never_ends_is_read_to_its_limit(origin: Origin, policy: Policy, tmp_path: Path) -> None:
    origin.endless("/radio.pls", b"[playlist]\n" + b"x" * 50_000)
    with pytest.raises(MediaError, match="wrapper_limits"):
        await hear(ask(policy, tmp_path, origin.url("/radio.pls")))
