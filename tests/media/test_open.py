from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import pytest

from transcripts.media import sources
from transcripts.media.errors import MediaError
from transcripts.media.fetch import Limits
from transcripts.media.guard import Policy
from transcripts.media.live import LivePatience
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.sources import Kind, kind_of

from .conftest import Canary, Handler, Origin, Recordings, raw
from .doubles import children, gone


def request_for(policy: Policy, folder: Path, **fields: object) -> AudioRequest:
    defaults = {"policy": policy, "spool_dir": folder / "spool", "limits": Limits(idle_s=2.0, max_bytes=5_000_000)}
    return AudioRequest(**(defaults | fields))  # type: ignore[arg-type]


async def hear(request: AudioRequest) -> bytes:
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        return b"".join([chunk.data async for chunk in chunks])


async def failure(request: AudioRequest) -> MediaError:
    before = children()
    with pytest.raises(MediaError) as failed:
        await hear(request)
    assert await gone(children() - before)
    return failed.value


def endless_radio(data: bytes, *headers: str) -> Handler:
    """Plays ``data`` round and round at about ten times its speed, without a length."""

    async def play(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join(["HTTP/1.0 200 OK", *headers, "", ""]).encode())
        while True:
            for at in range(0, len(data), 8000):
                writer.write(data[at : at + 8000])
                await writer.drain()
                await asyncio.sleep(0.05)

    return play


async def test_a_link_to_a_file_with_its_index_at_the_end_is_heard(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.m4a").read_bytes()
    assert data.index(b"moov") > data.index(b"mdat")
    told: list[tuple[int, int | None]] = []
    url = origin.serve("/talk.m4a", data, "Content-Disposition: attachment; filename=../../x", 'ETag: "7"')
    request = request_for(policy, tmp_path, url=url, on_progress=lambda done, size: told.append((done, size)))
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        assert (audio.live, audio.duration_samples, audio.source_url) == (False, 12 * SAMPLE_RATE, url)
        assert sum([chunk.samples async for chunk in chunks]) == 12 * SAMPLE_RATE
    assert told[-1] == (len(data), len(data))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["source.json", "source.media"]
    note = json.loads((tmp_path / "spool" / "source.json").read_text())
    assert (note["etag"], note["size"]) == ('"7"', len(data))


async def test_a_file_job_that_starts_again_hears_the_same_bytes_without_asking_again(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    url = origin.serve("/talk.mp3", (recordings / "a.mp3").read_bytes())
    request = request_for(policy, tmp_path, url=url)
    whole = await hear(request)
    origin.serve("/talk.mp3", b"something else by now")
    assert await hear(request_for(policy, tmp_path, url=url, start=70_001)) == whole[2 * 70_001 :]
    assert len(origin.requests) == 1


async def test_a_spooled_file_that_was_damaged_is_fetched_again(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    url = origin.serve("/talk.mp3", (recordings / "a.mp3").read_bytes())
    whole = await hear(request_for(policy, tmp_path, url=url))
    with (tmp_path / "spool" / "source.media").open("r+b") as file:
        file.write(b"damage")
    assert await hear(request_for(policy, tmp_path, url=url)) == whole
    assert len(origin.requests) == 2


async def test_a_job_is_not_continued_on_another_file(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    url = origin.serve("/talk.mp3", (recordings / "a.mp3").read_bytes())
    async with open_audio(request_for(policy, tmp_path / "one", url=url)) as audio:
        sha256 = audio.sha256
    origin.serve("/talk.mp3", (recordings / "cover.mp3").read_bytes())
    error = await failure(request_for(policy, tmp_path / "two", url=url, start=100, expect_sha256=sha256))
    assert (error.code, error.retryable) == ("source_changed", False)


async def test_f32_a_download_that_breaks_leaves_nothing_and_works_the_next_time(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.mp3").read_bytes()
    origin.routes["/talk.mp3"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data[:100_000])
    request = request_for(policy, tmp_path, url=origin.url("/talk.mp3"))
    error = await failure(request)
    assert (error.code, error.retryable) == ("source_dropped", True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    origin.serve("/talk.mp3", data)
    assert len(await hear(request)) // 2 == 12 * SAMPLE_RATE


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "audio/mpeg", "is_page"),
        (
            b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1/\n",
            "application/vnd.apple.mpegurl",
            "url_address",
        ),
        (b"[playlist]\nFile1=http://127.0.0.1:8000/\n", "audio/x-scpls", "url_address"),
        (b"[playlist]\nFile1=file:///etc/passwd\n", "audio/x-scpls", "url_scheme"),
        (b"[playlist]\nNumberOfEntries=0\n", "audio/x-scpls", "wrapper_empty"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "audio/mpeg", "unsupported_playlist"),
        (b"<?xml version='1.0'?><rss version='2.0'></rss>", "application/rss+xml", "is_feed"),
        (b"", "audio/mpeg", "empty_source"),
    ],
)
async def test_a_link_to_something_else_is_named_and_never_decoded(
    origin: Origin, policy: Policy, canary: Canary, tmp_path: Path, body: bytes, content_type: str, code: str
) -> None:
    url = origin.serve("/a.mp3", body, f"Content-Type: {content_type}")
    error = await failure(request_for(policy, tmp_path, url=url))
    assert error.code == code
    assert canary.connections == 0
    assert not (tmp_path / "spool").exists()


async def test_a_radio_is_heard_while_it_plays_and_let_go(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    radio = endless_radio((recordings / "a.mp3").read_bytes(), "icy-name: Radio \x07Test", "Content-Type: audio/mpeg")
    origin.routes["/live"] = radio
    before = children()
    request = request_for(policy, tmp_path, url=origin.url("/live"), start=48_000)
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        assert (audio.live, audio.duration_samples, audio.title_hint) == (True, None, "Radio Test")
        end = 48_000
        async for chunk in chunks:
            assert (chunk.start, chunk.samples) == (end, SAMPLE_RATE // 10)
            end = chunk.end
            if end > 48_000 + 3 * SAMPLE_RATE:
                break
    assert await gone(children() - before)
    assert not (tmp_path / "spool").exists()


async def test_a_radio_that_never_comes_back_says_so_after_its_last_sound(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    data = (recordings / "a.mp3").read_bytes()
    head = b"HTTP/1.1 200 OK\r\nicy-br: 128\r\nTransfer-Encoding: chunked\r\n\r\n"
    origin.routes["/live"] = raw(head + b"%x\r\n" % len(data) + data + b"\r\n")
    heard = 0
    request = request_for(
        policy, tmp_path, url=origin.url("/live"), patience=LivePatience(attempts=2, first_wait_s=0.1)
    )
    with pytest.raises(MediaError) as failed:  # noqa: PT012  the sound before the failure is the point
        async with open_audio(request) as audio:
            async for chunk in audio.chunks():
                heard = chunk.end
                origin.serve("/live", b"", status="404 Not Found")
    assert (failed.value.code, failed.value.retryable) == ("source_gone", True)
    assert len(origin.requests) == 3
    assert heard > 11 * SAMPLE_RATE


async def test_a_radio_that_was_submitted_as_a_file_is_refused(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    origin.routes["/live"] = endless_radio((recordings / "a.mp3").read_bytes(), "icy-br: 128")
    request = request_for(policy, tmp_path, url=origin.url("/live"), kind=Kind.FILE)
    assert (await failure(request)).code == "source_is_live"


async def test_a_body_without_a_length_that_ends_is_a_file(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    url = origin.serve("/talk", (recordings / "a.m4a").read_bytes(), length=False)
    async with open_audio(request_for(policy, tmp_path, url=url)) as audio:
        assert not audio.live


async def test_a_body_without_a_length_that_goes_on_at_the_pace_of_sound_is_live(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "DECIDE_S", 0.3)
    origin.routes["/live"] = endless_radio((recordings / "a.mp3").read_bytes(), "Content-Type: audio/mpeg")
    async with open_audio(request_for(policy, tmp_path, url=origin.url("/live"))) as audio:
        assert audio.live
        first = await anext(audio.chunks())
    assert first.start == 0


async def test_a_body_without_a_length_that_comes_faster_than_sound_is_a_file(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "DECIDE_BYTES", 1_000_000)
    origin.serve("/talk", (recordings / "a.wav").read_bytes(), length=False)
    async with open_audio(request_for(policy, tmp_path, url=origin.url("/talk"))) as audio:
        assert not audio.live


async def test_a_refused_link_reaches_nobody(origin: Origin, policy: Policy, canary: Canary, tmp_path: Path) -> None:
    error = await failure(request_for(policy, tmp_path, url=f"http://127.0.0.1:{origin.port}/a.mp3"))
    assert (error.code, canary.connections) == ("url_address", 0)


async def test_an_upload_is_sniffed_and_heard(policy: Policy, recordings: Recordings, tmp_path: Path) -> None:
    assert len(await hear(request_for(policy, tmp_path, path=recordings / "video.mp4"))) // 2 > 2 * SAMPLE_RATE
    page = tmp_path / "talk.mp3"
    page.write_bytes(b"<html>")
    assert (await failure(request_for(policy, tmp_path, path=page))).code == "is_page"
    assert (await failure(request_for(policy, tmp_path, path=tmp_path / "none"))).code == "media_missing"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"icy-br": "128", "content-length": "54321"}, Kind.LIVE),
        ({"content-length": "54321"}, Kind.FILE),
        ({"accept-ranges": "bytes"}, Kind.FILE),
        ({"accept-ranges": "none"}, None),
        ({"content-type": "audio/mpeg"}, None),
    ],
)
def test_headers_tell_a_file_from_a_stream(headers: dict[str, str], kind: Kind | None) -> None:
    assert kind_of(headers) is kind
