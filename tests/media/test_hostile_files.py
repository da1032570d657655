"""Files made to reach other decoders, other files or other machines: only their sound comes out, or nothing."""

from __future__ import annotations

import os
import struct
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from transcripts.media.decode import DecodeLimits, file_decoder
from transcripts.media.errors import MediaError
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.sandbox import Cage

from .conftest import Canary, Recordings, ffmpeg


async def pcm(path: Path, limits: DecodeLimits | None = None) -> np.ndarray:
    request = AudioRequest(path=path, decode_limits=limits or DecodeLimits())
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        return np.frombuffer(b"".join([chunk.data async for chunk in chunks]), "<i2")


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def listing(name: bytes, *parts: bytes) -> bytes:
    return chunk(b"LIST", name + b"".join(parts))


def avi_with_subtitles(sound: bytes, subtitles: bytes) -> bytes:
    """An AVI of 16 kHz mono PCM whose second stream is a GAB2 subtitle "file": a document inside the container, which
    FFmpeg would open with whatever demuxer it looks like."""
    gab2 = b"GAB2\x00" + struct.pack("<HIHHI", 2, 0, 4, 0, len(subtitles)) + subtitles
    rate, size = SAMPLE_RATE, len(sound)
    main = struct.pack("<14I", 0, rate * 2, 0, 0x10, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0)
    heard = struct.pack("<4s4sIHHIIIIIIIIQ", b"auds", bytes(4), 0, 0, 0, 0, 2, rate * 2, 0, size // 2, 0, 0, 2, 0)
    read = struct.pack("<4s4sIHHIIIIIIIIQ", b"txts", bytes(4), 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0)
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16)
    header = listing(
        b"hdrl",
        chunk(b"avih", main),
        listing(b"strl", chunk(b"strh", heard), chunk(b"strf", form)),
        listing(b"strl", chunk(b"strh", read), chunk(b"strf", b"")),
    )
    movie = listing(b"movi", chunk(b"01tx", gab2), chunk(b"01sb", gab2), chunk(b"00wb", sound))
    return chunk(b"RIFF", b"AVI " + header + movie)


@pytest.mark.parametrize("target", ["file", "http"])
async def test_a_playlist_hidden_in_the_subtitles_of_a_film_is_never_followed(
    recordings: Recordings, canary: Canary, tmp_path: Path, target: str
) -> None:
    victim = f"file://{recordings / 'a.wav'}" if target == "file" else f"http://127.0.0.1:{canary.port}/a.wav"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{victim}\n#EXT-X-ENDLIST\n".encode()
    tone = (8_000 * np.sin(np.arange(SAMPLE_RATE) * 0.1)).astype("<i2")
    path = tmp_path / "film.avi"
    path.write_bytes(avi_with_subtitles(tone.tobytes(), playlist))
    heard = await pcm(path)
    assert np.array_equal(heard[: tone.size], tone)
    assert heard.size == tone.size
    assert canary.connections == 0


async def test_a_film_in_a_coding_with_a_known_hole_gives_its_sound_and_its_picture_is_never_decoded(
    recordings: Recordings, tmp_path: Path
) -> None:
    path = tmp_path / "film.avi"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=2:s=64x64", "-i", recordings / "a.wav", "-t", "2", "-c:v", "magicyuv",
           "-c:a", "pcm_s16le", path)  # fmt: skip
    async with file_decoder(path) as decoder:
        await decoder.ready()
        assert b"Codec (magicyuv) not on whitelist" in decoder._diagnosis._tail
    assert abs((await pcm(path)).size - 2 * SAMPLE_RATE) < SAMPLE_RATE // 10


async def test_a_cover_that_is_no_picture_is_not_looked_at(recordings: Recordings, tmp_path: Path) -> None:
    data = (recordings / "cover.mp3").read_bytes()
    at = data.index(b"\x89PNG")
    path = tmp_path / "cover.mp3"
    path.write_bytes(data[: at + 16] + b"\xff" * 64 + data[at + 80 :])
    assert np.array_equal(await pcm(path), await pcm(recordings / "cover.mp3"))


@pytest.mark.parametrize("streams", [3, 70])
async def test_a_file_of_very_many_streams_gives_sound_of_its_first_and_no_more(
    recordings: Recordings, tmp_path: Path, streams: int
) -> None:
    path = tmp_path / "many.mkv"
    ffmpeg("-t", "1", "-i", recordings / "a.wav", *["-map", "0:a"] * streams, "-c:a", "pcm_s16le", path)
    heard, first = await pcm(path), await pcm(recordings / "a.wav")
    # Beyond the 64 streams that are opened FFmpeg loses its way in the file; what it gives until then is right.
    assert SAMPLE_RATE // 20 < heard.size <= SAMPLE_RATE
    assert np.array_equal(heard[:-100], first[: heard.size - 100])


async def test_hours_of_silence_in_a_small_file_stop_at_the_longest_length_allowed(tmp_path: Path) -> None:
    path = tmp_path / "silence.opus"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-t", "300", "-b:a", "6k", "-frame_duration", "60", path)
    assert path.stat().st_size < 100_000
    with pytest.raises(MediaError, match="too_long"):
        await pcm(path, DecodeLimits(max_samples=60 * SAMPLE_RATE))


async def test_a_chain_of_thousands_of_recordings_ends_within_its_processor_time(
    recordings: Recordings, tmp_path: Path
) -> None:
    link = tmp_path / "link.ogg"
    ffmpeg("-t", "0.05", "-i", recordings / "a.wav", "-ac", "1", "-ar", "16000", "-c:a", "libopus", link)
    path = tmp_path / "chain.ogg"
    path.write_bytes(link.read_bytes() * 5_000)
    try:
        assert (await pcm(path, DecodeLimits(cage=Cage(cpu_s=30)))).size > 0
    except MediaError as error:
        assert error.code in {"decode_limits", "decode_failed", "too_long"}  # noqa: PT017


async def test_a_recording_that_is_also_a_page_is_heard_as_a_recording(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "both.mp3"
    sound = (recordings / "a.mp3").read_bytes()
    tag = b"<script>alert(1)</script>".ljust(100, b" ")
    size = bytes((0, 0, 0, len(tag)))
    path.write_bytes(b"ID3\x03\x00\x00" + size + tag + sound[45:] + b"<html><script>alert(1)</script></html>")
    assert abs((await pcm(path)).size - 12 * SAMPLE_RATE) < SAMPLE_RATE // 2


async def test_a_title_of_megabytes_costs_neither_memory_nor_time(recordings: Recordings, tmp_path: Path) -> None:
    path = tmp_path / "title.mp3"
    title = b"\x03" + b"\x1b[31m\xe2\x80\xae<script>" * 200_000
    frame = b"TIT2" + struct.pack(">I", len(title)) + b"\x00\x00" + title
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + (recordings / "a.mp3").read_bytes())
    async with open_audio(AudioRequest(path=path)) as audio:
        assert len(audio.title_hint or "") <= 300
        assert "\x1b" not in (audio.title_hint or "")
        first = await anext(audio.chunks())
    assert first.samples == SAMPLE_RATE


async def test_a_file_in_which_decoding_writes_nothing_leaves_the_folder_as_it_was(
    recordings: Recordings, tmp_path: Path
) -> None:
    path = tmp_path / "a%03d.wav"
    path.write_bytes((recordings / "a.wav").read_bytes())
    await pcm(path)
    assert os.listdir(tmp_path) == [path.name]
