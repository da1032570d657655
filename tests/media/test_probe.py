"""What a link is, said before anybody waits for it."""

from __future__ import annotations

import asyncio
import os
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.conftest import Recordings, ffmpeg
from tests.media.doubles import children, gone
from tests.media.origins import Origin, Radio, Request, head, make_hls, podcast, recorded, running, serve_folder, write
from transcripts.media.findings import ProbeKind, say_duration, say_size
from transcripts.media.guard import Policy
from transcripts.media.mp4 import boxes, has_picture, index_start, movie_seconds
from transcripts.media.probe import HEAD_BYTES, TAIL_BYTES, probe


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with running(Origin()) as site:
        yield site


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of picture and sound, 1.5 MB, its index at the end."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=d=75:s=160x120:r=10", "-f", "lavfi", "-i", "sine=d=75", "-c:v", "mpeg4",
           "-b:v", "150k", path)  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.wav", "Audio file, 2.1 MB, 12 s"),
        ("a.mp3", "Audio file, 193 kB, 12 s"),
        ("a.flac", "Audio file, {size}, 12 s"),
        ("a.m4a", "Audio file, {size}, 12 s"),
        ("a.opus", "Audio file, {size}, 12 s"),
        ("a.webm", "Audio file, {size}, 12 s"),
        ("video.mp4", "Video, 3 s"),
        ("cover.mp3", "Audio file, {size}, 12 s"),
    ],
)
async def test_a_recording_is_told_with_its_length(
    origin: Origin, policy: Policy, recordings: Recordings, name: str, sentence: str
) -> None:
    data = (recordings / name).read_bytes()
    before = children()
    found = await probe("  " + origin.serve(f"/{name}", data) + "\n", policy=policy)
    assert found.sentence == sentence.format(size=say_size(len(data)))
    assert (found.live, found.error, found.duration_s) == (False, None, 3 if "Video" in sentence else 12)
    assert await gone(children() - before)


async def test_a_long_film_is_judged_by_a_few_hundred_kilobytes(origin: Origin, policy: Policy, film: Path) -> None:
    data = film.read_bytes()
    assert len(data) > HEAD_BYTES + TAIL_BYTES
    sent: list[int] = []

    async def counting(request: Request, writer: asyncio.StreamWriter) -> None:
        asked = request.headers.get("range", "")
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = data[int(first or 0) : int(last or len(data)) + 1]
        lines = [f"Content-Length: {len(part)}"]
        if asked:
            lines.append(f"Content-Range: bytes {first}-{last}/{len(data)}")
        writer.write(head("206 Partial Content" if asked else "200 OK", *lines))
        sent.append(0)
        for at in range(0, len(part), 4096):
            writer.write(part[at : at + 4096])
            await writer.drain()
            sent[-1] += 4096

    origin.routes["/film.mp4"] = counting
    found = await probe(origin.url("/film.mp4"), policy=policy)
    assert (found.kind, found.sentence) == (ProbeKind.VIDEO, "Video, 1 min 15 s")
    assert (len(sent), sent[1] <= TAIL_BYTES + 4096) == (2, True)


async def test_an_index_longer_than_what_is_fetched_tells_the_length_all_the_same(
    origin: Origin, policy: Policy, film: Path
) -> None:
    data = film.read_bytes()
    index = next(box for box in boxes(data) if box.kind == b"moov")
    padding = struct.pack(">I4s", 3_000_000, b"free") + bytes(2_999_992)
    moov = data[index.start : index.start + index.size] + padding
    swollen = struct.pack(">I", len(moov)) + moov[4:]
    # The header keeps its place at the beginning of the index; what tells the samples' places is behind the padding.
    at = 8 + struct.unpack_from(">I", moov, 8)[0]
    swollen = swollen[:at] + padding + swollen[at : index.size]
    found = await probe(origin.serve("/film.mp4", data[: index.start] + swollen), policy=policy)
    assert found.duration_s == 75


async def test_a_server_without_ranges_costs_the_length_and_nothing_else(
    origin: Origin, policy: Policy, film: Path
) -> None:
    found = await probe(origin.serve("/film.mp4", film.read_bytes(), ranges=False), policy=policy)
    assert (found.error, found.duration_s) == (None, None)
    assert found.sentence == f"Recording, {say_size(film.stat().st_size)}"


async def test_a_film_without_sound_is_told_before_it_is_submitted(
    origin: Origin, policy: Policy, recordings: Recordings
) -> None:
    found = await probe(origin.serve("/a.mp4", (recordings / "silent-film.mp4").read_bytes()), policy=policy)
    assert found.error is not None
    assert (found.kind, found.error.code) == (ProbeKind.UNUSABLE, "no_audio_track")


async def test_a_station_is_told_by_name_and_bit_rate(origin: Origin, policy: Policy, recordings: Recordings) -> None:
    url = Radio(origin, (recordings / "a.mp3").read_bytes()).start()
    found = await probe(origin.serve("/radio.pls", f"[playlist]\nFile1={url}\n"), policy=policy)
    assert (found.sentence, found.title, found.live) == ("Live radio, 128 kb/s", "Radio Test", True)


async def test_a_live_playlist_is_told_with_the_rate_of_its_sound(origin: Origin, policy: Policy) -> None:
    origin.serve("/low.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.aac\n")
    sound = '#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS="mp4a.40.2"\nlow.m3u8\n'
    found = await probe(origin.serve("/live.m3u8", f"#EXTM3U\n{sound}"), policy=policy)
    assert (found.sentence, found.kind) == ("Live HLS radio, 128 kb/s", ProbeKind.HLS_LIVE)
    assert (await probe(origin.url("/low.m3u8"), policy=policy)).sentence == "Live HLS stream"
    assert "/a.aac" not in origin.paths()


async def test_a_finished_playlist_is_told_with_its_length(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    make_hls(tmp_path / "hls", recordings / "a.wav")
    serve_folder(origin, tmp_path / "hls")
    found = await probe(origin.url("/out.m3u8"), policy=policy)
    assert (found.sentence, found.duration_s, found.live) == ("HLS recording, 12 s", 12, False)
    secret = recorded(origin, "/secret.m3u8", ['#EXT-X-KEY:METHOD=AES-128,URI="/key"', "#EXTINF:4320,", "a.ts"])
    assert (await probe(secret, policy=policy)).sentence == "HLS recording, 1 h 12 min, encrypted"
    assert "/key" not in origin.paths()


async def test_a_feed_is_told_with_its_episodes_to_pick_from(origin: Origin, policy: Policy) -> None:
    found = await probe(origin.serve("/feed", podcast(214)), policy=policy)
    assert (found.sentence, found.title, found.kind) == ("Podcast feed, 214 episodes", "A podcast", ProbeKind.FEED)
    assert found.episodes is not None
    assert (len(found.episodes), found.episodes[0].title) == (214, "Episode 214 & more")
    hostile = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "x">]><rss><channel></channel></rss>'
    assert (await probe(origin.serve("/bad", hostile), policy=policy)).parts[0].code == "feed_dtd"


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("http://127.0.0.1:{port}/a.mp3", "Blocked: private address"),
        ("http://10.0.0.7/", "Blocked: private address"),
        ("ftp://example.com/a.mp3", "Blocked: "),
        ("{site}/moved", "Blocked: private address"),
        ("{site}/nothing", "There is nothing at this link (404)."),
        ("{site}/page", "This is a web page, not a recording."),
        ("{site}/list.pls", "Blocked: "),
        ("not a link", "Blocked: "),
        ("", "Blocked: "),
    ],
)
async def test_what_cannot_be_used_is_told_in_a_sentence(
    origin: Origin, policy: Policy, canary: Any, link: str, sentence: str
) -> None:
    origin.redirect("/moved", f"http://127.0.0.1:{origin.port}/a.mp3")
    origin.serve("/page", "<!doctype html><title>Log in</title>")
    origin.serve("/list.pls", "[playlist]\nFile1=file:///etc/passwd\n")
    found = await probe(link.format(port=origin.port, site=origin.url("")), policy=policy)
    assert found.sentence.startswith(sentence)
    assert found.kind is ProbeKind.UNUSABLE
    assert found.error is not None
    assert canary.connections == 0


@pytest.mark.parametrize("misbehaviour", ["silent", "dripping", "endless", "announced"])
async def test_a_look_is_bounded_whatever_the_server_does(
    origin: Origin, policy: Policy, recordings: Recordings, misbehaviour: str
) -> None:
    data = (recordings / "a.wav").read_bytes()

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        if misbehaviour == "announced":
            return write(writer, data[:1000], "200 OK", "Content-Length: 99999999999999")
        if misbehaviour != "silent":
            writer.write(head("200 OK"))
        while not writer.is_closing():
            if misbehaviour == "endless":
                writer.write(data)
            elif misbehaviour == "dripping":
                writer.write(b"RIFF")
            await writer.drain()
            await asyncio.sleep(0.05)
        return None

    origin.routes["/a.wav"] = answer
    tasks = asyncio.all_tasks()
    began = time.monotonic()
    found = await probe(origin.url("/a.wav"), policy=policy, seconds=1.5)
    assert time.monotonic() - began < 6
    if misbehaviour != "endless":
        assert found.error is not None
    for _ in range(100):
        if len(asyncio.all_tasks() - tasks) <= 1:
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"left behind: {asyncio.all_tasks() - tasks}")


async def test_a_look_leaves_no_file_behind(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    await probe(origin.serve("/a.wav", (recordings / "a.wav").read_bytes()), policy=policy)
    assert os.listdir(tmp_path) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_as_an_index_without_harm(data: bytes) -> None:
    for text in (data, b"\x00\x00\x00\x18ftypmp42" + data, b"\x00\x00\x00\x10moov" + b"mvhd" + data):
        movie_seconds(text)
        has_picture(text)
        start = index_start(text)
        assert start is None or start >= len(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (483, "8 min 3 s"), (3600, "1 h"), (4321, "1 h 12 min")],
)
def test_lengths_are_said_in_two_units_at_most(seconds: int, said: str) -> None:
    assert say_duration(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"), [(12, "12 bytes"), (1500, "1.5 kB"), (12_345_678, "12 MB"), (1_900_000_000, "1.9 GB")]
)
def test_sizes_are_said_as_shops_do(size: int, said: str) -> None:
    assert say_size(size) == said
