from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transcripts.media.decode import DecodeLimits, decode_file, decode_stream, file_decoder
from transcripts.media.diagnosis import TAIL_BYTES, Diagnosis
from transcripts.media.errors import DecodeError, FetchError
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.media.titles import clean_title

from .conftest import Recordings, ffmpeg
from .doubles import children, double, gone

FORMATS = ("a.wav", "a.mp3", "a.m4a", "a.ogg", "a.opus", "a.webm", "a.flac", "a.ts", "a.aac", "a.mkv", "a.avi", "a.wma")


async def pcm(path: Path, start: int = 0, **options: Any) -> bytes:
    async with aclosing(decode_file(path, start=start, **options)) as chunks:
        return b"".join([chunk.data async for chunk in chunks])


async def collect(chunks: AsyncIterator[Chunk], into: list[Chunk]) -> None:
    async for chunk in chunks:
        into.append(chunk)


async def failure(path: Path, **options: Any) -> DecodeError:
    with pytest.raises(DecodeError) as failed:
        await pcm(path, **options)
    assert failed.value.message.endswith(".")
    return failed.value


@pytest.mark.parametrize("name", FORMATS)
async def test_every_common_format_becomes_the_same_sound(recordings: Recordings, name: str) -> None:
    reference = np.frombuffer(await pcm(recordings / "a.wav"), "<i2").astype(float)
    sound = np.frombuffer(await pcm(recordings / name), "<i2").astype(float)
    assert abs(len(sound) - 12 * SAMPLE_RATE) < SAMPLE_RATE // 5
    at = 5 * SAMPLE_RATE
    window = reference[at : at + SAMPLE_RATE]
    # Raw AAC and transport streams carry the encoder's lead-in; everything else is in step to the sample.
    slack = 3000 if name in ("a.ts", "a.aac", "a.avi", "a.wma") else 0
    best = max(np.corrcoef(window, sound[at + n : at + n + SAMPLE_RATE])[0, 1] for n in range(0, slack + 1, 4))
    assert best > 0.8


@pytest.mark.parametrize("name", FORMATS)
async def test_resuming_gives_the_very_bytes_of_the_whole_decode(recordings: Recordings, name: str) -> None:
    whole = await pcm(recordings / name)
    for start in (1, 54_321, 100_000):
        assert await pcm(recordings / name, start) == whole[2 * start :]
    assert await pcm(recordings / name, 20 * SAMPLE_RATE) == b""


async def test_chunks_are_numbered_full_and_without_holes(recordings: Recordings) -> None:
    chunks = [chunk async for chunk in decode_file(recordings / "a.flac", start=777, chunk_samples=1000)]
    assert chunks[0].start == 777
    assert all(chunk.samples == 1000 for chunk in chunks[:-1])
    assert all(before.end == after.start for before, after in pairwise(chunks))
    assert chunks[-1].end == 12 * SAMPLE_RATE


async def test_the_container_tells_length_and_title(recordings: Recordings) -> None:
    async with file_decoder(recordings / "cover.mp3") as decoder:
        await decoder.ready()
        assert decoder.title == "A red title"
        assert decoder.duration_samples is not None
        assert abs(decoder.duration_samples - 12 * SAMPLE_RATE) < SAMPLE_RATE // 5
        assert sum([chunk.samples async for chunk in decoder.chunks(0, 0, 16_000)]) > 11 * SAMPLE_RATE


def test_a_strangers_title_becomes_one_harmless_line() -> None:
    assert clean_title("\x1b[31mRed\x00\u202e  <script>\n\ttitle\ufeff") == "Red <script> title"
    assert clean_title("x" * 10_000) == "x" * 300
    assert clean_title("\x07 \u200b") is None


async def test_a_film_gives_its_sound_on_the_films_clock(recordings: Recordings) -> None:
    assert abs(len(await pcm(recordings / "video.mp4")) // 2 - 3 * SAMPLE_RATE) < SAMPLE_RATE // 5
    late = np.frombuffer(await pcm(recordings / "late-sound.mp4"), "<i2")
    assert np.abs(late[: SAMPLE_RATE * 9 // 10]).max() == 0
    assert np.abs(late[SAMPLE_RATE * 11 // 10 : 2 * SAMPLE_RATE]).max() > 1000


@pytest.mark.parametrize(("name", "codec"), [("video.mp4", b"h264"), ("cover.mp3", b"png")])
async def test_no_decoder_of_pictures_is_ever_opened(recordings: Recordings, name: str, codec: bytes) -> None:
    async with file_decoder(recordings / name) as decoder:
        await decoder.ready()
        assert b"Codec (" + codec + b") not on whitelist" in decoder._diagnosis._tail


def wav_of(rate: int, channels: int, seconds: float) -> bytes:
    """A WAV file with a header for ``rate`` and ``channels`` that claims to be as long as the format allows."""
    data = bytes(int(rate * seconds) * channels * 2)
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    return b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + layout + b"data\xff\xff\xff\x7f" + data


@pytest.mark.parametrize(
    ("rate", "channels", "seconds"), [(16_000, 1, 3.0), (1, 1, 3.0), (192_000, 2, 3.0), (48_000, 64, 3.0)]
)
async def test_an_odd_or_lying_header_ends_in_sound_or_a_clean_refusal(
    tmp_path: Path, rate: int, channels: int, seconds: float
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_of(rate, channels, seconds))
    try:
        assert len(await pcm(path)) // 2 <= (seconds + 1) * SAMPLE_RATE
    except DecodeError as error:
        assert error.code in {"not_audio", "no_audio_track", "decode_failed", "decode_limits"}  # noqa: PT017
        assert rate != 16_000


async def test_of_several_sound_tracks_the_first_is_heard(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    ffmpeg("-i", recordings / "a.wav", "-f", "lavfi", "-i", "anullsrc=d=12", "-map", "0:a", "-map", "1:a", path)
    assert np.abs(np.frombuffer(await pcm(path), "<i2")).max() > 1000


async def test_a_film_without_sound_says_so(recordings: Recordings) -> None:
    assert (await failure(recordings / "silent-film.mp4")).code == "no_audio_track"


def hostile_files(folder: Path, victim: Path) -> dict[str, bytes]:
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{victim}\n#EXT-X-ENDLIST\n".encode()
    return {
        "playlist.m3u8": hls,
        "playlist.mp3": hls,
        "local.mp3": hls.replace(str(victim).encode(), f"file://{victim}".encode()),
        "concat.mp3": f"ffconcat version 1.0\nfile '{victim}'\n".encode(),
        "session.mp3": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        "manifest.mp3": f"<?xml version='1.0'?><MPD><Period><BaseURL>{victim}</BaseURL></Period></MPD>".encode(),
        "text.mp3": b"hello there\n" * 100,
        "one-byte.mp3": b"\x00",
        "noise.mp3": random.Random(5).randbytes(100_000),
        "page.mp3": b"<!doctype html><html>" + b" " * 5000,
        "program.mp3": b"\x7fELF" + bytes(3000),
    }


@pytest.mark.parametrize("name", sorted(hostile_files(Path("/x"), Path("/x/y"))))
async def test_a_hostile_file_yields_no_sound_even_past_the_sniffer(
    recordings: Recordings, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(hostile_files(tmp_path, recordings / "a.wav")[name])
    error = await failure(path)
    assert error.code == "not_audio"
    assert not error.retryable


async def test_an_empty_file_is_not_audio(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert (await failure(tmp_path / "a.wav")).code == "not_audio"


async def test_a_cut_recording_gives_what_is_there(recordings: Recordings, tmp_path: Path) -> None:
    for name in ("a.mp3", "a.ogg", "a.wav"):
        data = (recordings / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        assert 4 * SAMPLE_RATE < len(await pcm(tmp_path / name)) // 2 < 8 * SAMPLE_RATE


async def test_a_recording_whose_index_is_cut_off_is_not_audio(recordings: Recordings, tmp_path: Path) -> None:
    data = (recordings / "a.m4a").read_bytes()
    (tmp_path / "a.m4a").write_bytes(data[: len(data) // 2])
    assert (await failure(tmp_path / "a.m4a")).code == "not_audio"


async def test_a_name_that_means_something_to_the_decoder_means_nothing(recordings: Recordings, tmp_path: Path) -> None:
    for name in ("-i", "pipe:0", "concat:x", "a%03d.wav", "file:..x"):
        (tmp_path / name).write_bytes((recordings / "a.wav").read_bytes())
        assert len(await pcm(tmp_path / name)) // 2 == 12 * SAMPLE_RATE


async def test_a_missing_file_and_a_link_to_another_are_refused(recordings: Recordings, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(recordings / "a.wav")
    assert (await failure(tmp_path / "none")).code == "media_missing"
    assert (await failure(tmp_path / "link")).code == "media_missing"


async def test_a_recording_over_the_cap_stops_at_the_cap(recordings: Recordings) -> None:
    heard: list[Chunk] = []
    with pytest.raises(DecodeError, match="too_long"):
        await collect(decode_file(recordings / "a.mp3", limits=DecodeLimits(max_samples=5 * SAMPLE_RATE)), heard)
    assert heard[-1].end <= 5 * SAMPLE_RATE
    assert len(await pcm(recordings / "a.wav", limits=DecodeLimits(max_samples=12 * SAMPLE_RATE))) > 0


def limits_for(folder: Path, body: str, **caps: int) -> dict[str, Any]:
    program, cage = double(folder, body, **caps)
    return {"ffmpeg": program, "limits": DecodeLimits(stall_s=1.0, cage=cage)}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("os.write(1, bytes(32000)); os.kill(os.getpid(), signal.SIGSEGV)", "decode_crashed"),
        ("os.write(1, bytes(32000)); time.sleep(60)", "decode_stalled"),
        ("os.close(1); time.sleep(60)", "decode_stalled"),
        ("os.write(1, bytes(32000)); sys.exit(1)", "decode_failed"),
        ("os.write(1, bytes(32000))\nwhile True: pass", "decode_limits"),
        ("sys.stderr.write('Cannot allocate memory'); sys.exit(1)", "decode_limits"),
    ],
    ids=["crash", "stall", "no end", "failure", "spin", "memory"],
)
async def test_a_decoder_that_misbehaves_ends_in_a_named_failure(
    recordings: Recordings, tmp_path: Path, body: str, code: str
) -> None:
    options = limits_for(tmp_path, body, cpu_s=1)
    if code == "decode_limits":
        options["limits"] = replace(options["limits"], stall_s=10.0)
    before = children()
    assert (await failure(recordings / "a.wav", **options)).code == code
    assert children() == before


async def test_a_decoder_that_floods_its_error_output_does_no_harm(recordings: Recordings, tmp_path: Path) -> None:
    body = "for _ in range(400): os.write(2, b'e' * 65536)\nos.write(1, bytes(32000))"
    assert await pcm(recordings / "a.wav", **limits_for(tmp_path, body)) == bytes(32_000)
    diagnosis = Diagnosis()
    for _ in range(50):
        diagnosis.feed(b"e" * 65_536)
    assert len(diagnosis._tail) <= TAIL_BYTES
    assert len(diagnosis._line) <= 4096


async def test_a_decoder_that_is_not_there_is_named(recordings: Recordings) -> None:
    assert (await failure(recordings / "a.wav", ffmpeg="/nowhere/ffmpeg")).code == "decoder_unavailable"


async def test_half_a_sample_at_the_end_is_dropped(recordings: Recordings, tmp_path: Path) -> None:
    assert await pcm(recordings / "a.wav", **limits_for(tmp_path, "os.write(1, b'abc')")) == b"ab"


async def test_a_claimed_length_is_bounded_by_what_is_there(recordings: Recordings, tmp_path: Path) -> None:
    body = "os.write(2, b'  Duration: 999999999:00:00.00, start\\nOutput #0\\n'); os.write(1, bytes(32000))"
    assert len(await pcm(recordings / "a.wav", **limits_for(tmp_path, body))) == 32_000


async def test_nothing_is_left_when_the_listener_goes_away(recordings: Recordings) -> None:
    before = children()
    async with aclosing(decode_file(recordings / "a.mp3", chunk_samples=1000)) as chunks:
        async for _ in chunks:
            assert len(children() - before) == 1
            break
    assert children() == before


async def test_nothing_is_left_when_the_listener_is_cancelled(recordings: Recordings) -> None:
    before = children()
    begun = asyncio.Event()

    async def listen() -> None:
        async for _ in decode_file(recordings / "a.mp3", chunk_samples=1000):
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(listen())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone(children() - before)


async def test_the_listeners_pace_is_the_decoders_pace(tmp_path: Path) -> None:
    body = "n = 0\nwhile True: n += os.write(1, bytes(65536)); os.write(2, b'%d\\n' % n)"
    program, cage = double(tmp_path, body)
    (tmp_path / "a").touch()
    async with (
        file_decoder(tmp_path / "a", ffmpeg=program, limits=DecodeLimits(cage=cage)) as decoder,
        aclosing(decoder.chunks(0, 0, 16_000)) as chunks,
    ):
        await anext(chunks)
        await asyncio.sleep(0.5)
        written = int(decoder._diagnosis._tail.split()[-1])
    assert written < 1_000_000


async def pieces(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a.opus", "a.aac", "a.ts", "a.webm", "a.flac", "a.wav"])
async def test_a_stream_is_heard_as_it_comes(recordings: Recordings, name: str) -> None:
    data = (recordings / name).read_bytes()
    heard = asyncio.Event()

    async def live() -> AsyncIterator[bytes]:
        async for piece in pieces(data[: len(data) * 3 // 4]):
            yield piece
        await heard.wait()
        yield data[len(data) * 3 // 4 :]

    chunks: list[Chunk] = []
    async with asyncio.timeout(20):
        async for chunk in decode_stream(live(), start=5000):
            chunks.append(chunk)
            if chunk.end > 4 * SAMPLE_RATE:
                heard.set()
    assert chunks[0].start == 5000
    assert all(before.end == after.start for before, after in pairwise(chunks))
    assert abs(chunks[-1].end - 5000 - 12 * SAMPLE_RATE) < SAMPLE_RATE // 5


async def test_a_stream_that_breaks_gives_its_sound_first_and_then_its_reason(recordings: Recordings) -> None:
    data = (recordings / "a.mp3").read_bytes()

    async def broken() -> AsyncIterator[bytes]:
        async for piece in pieces(data[: len(data) // 2]):
            yield piece
        raise FetchError("source_dropped", "The connection broke.", retryable=True)

    heard: list[Chunk] = []
    with pytest.raises(FetchError, match="source_dropped"):
        await collect(decode_stream(broken()), heard)
    assert 5 * SAMPLE_RATE < heard[-1].end < 7 * SAMPLE_RATE


async def test_a_stream_of_something_else_is_refused_while_it_still_comes() -> None:
    async def words() -> AsyncIterator[bytes]:
        while True:
            yield b"words " * 1000
            await asyncio.sleep(0)

    before = children()
    with pytest.raises(DecodeError, match="not_audio"):
        await collect(decode_stream(words()), [])
    assert children() == before
