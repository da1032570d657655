"""Stations and playlists that falter, through the one door, the guard and the caged decoder. Faults F30, F31 and F32
of the reliability reference, at a fraction of their length."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.figures import figure
from tests.media.conftest import Recordings
from tests.media.doubles import children, gone
from tests.media.origins import Origin, Radio, Request, head, running, write
from transcripts.media.errors import BlockedUrl, MediaError
from transcripts.media.fetch import Limits
from transcripts.media.guard import Policy
from transcripts.media.live import LivePatience
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.media.sources import Kind
from transcripts.media.status import Notice, NowPlaying, SourceState, SourceStatus

QUICK = LivePatience(stalled_s=0.3, silence_s=1.0, attempts=4, first_wait_s=0.2, longest_wait_s=0.4)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with running(Origin()) as site:
        yield site


def ask(policy: Policy, folder: Path, url: str, **fields: Any) -> AudioRequest:
    return AudioRequest(url=url, policy=policy, spool_dir=folder / "spool", **{"patience": QUICK, **fields})


async def hear(request: AudioRequest, enough: Callable[[list[Chunk]], bool] = lambda _: False) -> list[Chunk]:
    """The chunks up to the end or until they are ``enough``."""
    heard: list[Chunk] = []
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        async for chunk in chunks:
            heard.append(chunk)
            if enough(heard):
                break
    return heard


def gaps(chunks: list[Chunk]) -> list[float]:
    """Seconds of every step of the clock."""
    return [(after.start - before.end) / SAMPLE_RATE for before, after in pairwise(chunks) if after.start != before.end]


def states(told: list[Notice]) -> list[SourceState]:
    return [notice.state for notice in told if isinstance(notice, SourceStatus)]


async def test_f30_a_station_that_restarts_is_heard_again_after_a_gap_as_long_as_it_was_away(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    radio = Radio(origin, (recordings / "a.mp3").read_bytes(), rate=64_000, drop_after_s=1.0)
    url = radio.start()
    told: list[Notice] = []
    dropped: list[float] = []

    async def restart() -> None:
        while not origin.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        del origin.routes["/stream"]
        while len(origin.requests) < 2:
            await asyncio.sleep(0.01)
        radio.drop_after_s = None
        await asyncio.sleep(0.7)
        radio.start()

    restarting = asyncio.create_task(restart())
    before = children()
    patience = LivePatience(attempts=40, first_wait_s=0.1, longest_wait_s=0.1)
    request = ask(policy, tmp_path, url, on_status=told.append, patience=patience, start=160)
    began = time.monotonic()
    chunks = await hear(request, lambda heard: bool(gaps(heard)) and heard[-1].end - heard[0].start > 12 * SAMPLE_RATE)
    dropped.append(time.monotonic() - began)
    await restarting
    assert chunks[0].start == 160
    away = origin.requests[-1].at - (origin.requests[0].at + 1.0)
    assert gaps(chunks) == [pytest.approx(away, abs=0.4)]
    found = states(told)
    assert (found[0], found[-1]) == (SourceState.RECONNECTING, SourceState.PLAYING)
    assert [notice.attempt for notice in told if isinstance(notice, SourceStatus)][:2] == [1, 2]
    assert len(origin.requests) == found.count(SourceState.RECONNECTING) + 1
    assert NowPlaying("Morning news") in told
    assert await gone(children() - before)
    came = f"away for {away:.1f} s: one gap of {gaps(chunks)[0]:.1f} s"
    figure("F30", f"{came}, {len(origin.requests)} connections, each through the guard")


async def test_a_station_s_metadata_never_reaches_the_decoder(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.mp3").read_bytes()
    titles = tuple(f"Title {n}" for n in range(500))
    url = Radio(origin, data, rate=2_000_000, interval=500, titles=titles).start()
    told: list[Notice] = []
    enough = 5 * SAMPLE_RATE
    woven = await hear(ask(policy, tmp_path, url, on_status=told.append), lambda heard: heard[-1].end >= enough)
    origin.endless("/plain", data, wait_s=0.01)
    plain = await hear(
        ask(policy, tmp_path, origin.url("/plain"), kind=Kind.LIVE), lambda heard: heard[-1].end >= enough
    )
    assert (
        b"".join(chunk.data for chunk in woven)[: 2 * enough] == b"".join(chunk.data for chunk in plain)[: 2 * enough]
    )
    assert [notice.title for notice in told if isinstance(notice, NowPlaying)][:2] == ["Title 0", "Title 1"]
    assert origin.requests[0].headers["icy-metadata"] == "1"


async def test_a_station_that_falls_silent_is_told_and_then_connected_to_again(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.mp3").read_bytes()

    async def stalling(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", "icy-name: Radio") + data[:40_000])
        await writer.drain()
        if len(origin.requests) == 1:
            await asyncio.sleep(60)
        writer.write(data)

    origin.routes["/stream"] = stalling
    told: list[Notice] = []
    request = ask(policy, tmp_path, origin.url("/stream"), on_status=told.append)
    chunks = await hear(request, lambda heard: bool(gaps(heard)))
    assert states(told) == [SourceState.STALLED, SourceState.RECONNECTING, SourceState.PLAYING]
    # A second of silence, and the wait before the second connection.
    assert gaps(chunks) == [pytest.approx(1.2, abs=0.4)]


async def test_a_station_that_moves_inside_is_not_followed(
    origin: Origin, policy: Policy, recordings: Recordings, canary: Any, tmp_path: Path
) -> None:
    url = Radio(origin, (recordings / "a.mp3").read_bytes(), rate=64_000, drop_after_s=0.3).start()

    def swap(heard: list[Chunk]) -> bool:
        origin.redirect("/stream", f"http://127.0.0.1:{origin.port}/secret")
        return False

    with pytest.raises(BlockedUrl):
        await hear(ask(policy, tmp_path, url), swap)
    assert canary.connections == 0


async def test_a_stream_without_a_station_that_ends_properly_has_ended(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.mp3").read_bytes()

    async def spoken(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", "Transfer-Encoding: chunked"))
        for at in range(0, len(data), 20_000):
            piece = data[at : at + 20_000]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await asyncio.sleep(0.01)
        writer.write(b"0\r\n\r\n")

    origin.routes["/speech"] = spoken
    chunks = await hear(ask(policy, tmp_path, origin.url("/speech"), kind=Kind.LIVE))
    assert chunks[-1].end / SAMPLE_RATE == pytest.approx(12.0, abs=0.2)
    assert len(origin.requests) == 1


async def test_a_digital_silence_is_told_as_quiet(
    origin: Origin, policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = (
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\x00\x7d\0\0\x02\0\x10\0data\xff\xff\xff\xff"
    )

    async def play(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", "icy-name: Dead air") + silent)
        while not writer.is_closing():
            writer.write(bytes(320_000))
            await writer.drain()
            await asyncio.sleep(0.01)

    origin.routes["/stream"] = play
    told: list[Notice] = []
    request = ask(policy, tmp_path, origin.url("/stream"), on_status=told.append)
    await hear(request, lambda heard: heard[-1].end > 40 * SAMPLE_RATE)
    assert told == [SourceStatus(SourceState.QUIET, seconds=pytest.approx(30.0, abs=0.2))]  # type: ignore[arg-type]


async def test_f32_a_file_that_breaks_off_is_carried_on_where_it_stopped(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.wav").read_bytes()
    ranges: list[str] = []

    async def breaking(request: Request, writer: asyncio.StreamWriter) -> None:
        asked = request.headers.get("range", "")
        ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        stop = start + int(0.6 * (len(data) - start)) if len(ranges) < 3 else len(data)
        status = "206 Partial Content" if asked else "200 OK"
        lines = [f"Content-Length: {len(data) - start}", 'ETag: "one"']
        if asked:
            assert request.headers["if-range"] == '"one"'
            lines.append(f"Content-Range: bytes {start}-{len(data) - 1}/{len(data)}")
        writer.write(head(status, *lines) + data[start:stop])

    origin.routes["/talk.wav"] = breaking
    chunks = await hear(ask(policy, tmp_path, origin.url("/talk.wav")))
    assert chunks[-1].end == 12 * SAMPLE_RATE
    assert len(ranges) == 3
    assert (tmp_path / "spool" / "source.media").read_bytes() == data


@pytest.mark.parametrize(
    ("validator", "answer", "code"),
    [
        ((), "", "source_dropped"),
        (('ETag: W/"weak"',), "", "source_dropped"),
        (('ETag: "one"',), "whole", "source_truncated"),
        (('ETag: "one"',), "other", "source_truncated"),
    ],
)
async def test_f32_a_broken_download_is_never_patched_with_other_bytes(
    origin: Origin,
    policy: Policy,
    recordings: Recordings,
    tmp_path: Path,
    validator: tuple[str],
    answer: str,
    code: str,
) -> None:
    data = (recordings / "a.wav").read_bytes()

    async def breaking(request: Request, writer: asyncio.StreamWriter) -> None:
        if "range" not in request.headers:
            writer.write(head("200 OK", f"Content-Length: {len(data)}", *validator) + data[:500_000])
        elif answer == "whole":
            write(writer, data)
        else:
            write(
                writer,
                data[400_000:],
                "206 Partial Content",
                f"Content-Range: bytes 400000-{len(data) - 1}/{len(data)}",
            )

    origin.routes["/talk.wav"] = breaking
    with pytest.raises(MediaError) as failed:
        await hear(ask(policy, tmp_path, origin.url("/talk.wav")))
    assert (failed.value.code, failed.value.retryable) == (code, True)
    assert not (tmp_path / "spool" / "source.media").exists()


async def test_f32_a_file_that_drips_is_given_up_by_rate(origin: Origin, policy: Policy, tmp_path: Path) -> None:
    url = origin.endless("/slow.mp3", b"ID3" + bytes(97), wait_s=0.05, announced=10_000_000)
    limits = Limits(min_rate=50_000, min_rate_window_s=0.5)
    with pytest.raises(MediaError) as failed:
        await hear(ask(policy, tmp_path, url, limits=limits))
    assert (failed.value.code, failed.value.retryable) == ("source_slow", True)
