from __future__ import annotations

import pytest

from transcripts.media.errors import NotMedia
from transcripts.media.sniff import SNIFF_BYTES, judge_content

from .conftest import Recordings


@pytest.mark.parametrize(
    ("name", "container"),
    [("a.wav", "wav"), ("a.mp3", "mp3"), ("a.m4a", "mov"), ("a.ogg", "ogg"), ("a.opus", "ogg"), ("a.webm", "matroska"),
     ("a.flac", "flac"), ("a.ts", "mpegts"), ("a.aac", "aac"), ("a.mkv", "matroska"), ("a.avi", "avi"),
     ("a.wma", "asf"), ("video.mp4", "mov"), ("cover.mp3", "mp3")],
)  # fmt: skip
def test_a_recording_is_recognised_by_its_first_bytes(recordings: Recordings, name: str, container: str) -> None:
    assert judge_content((recordings / name).read_bytes()[:SNIFF_BYTES]) == container


@pytest.mark.parametrize(("name", "container"), [("a.mp3", "mp3"), ("a.aac", "aac"), ("a.ts", "mpegts")])
def test_a_stream_that_is_joined_in_the_middle_is_recognised(recordings: Recordings, name: str, container: str) -> None:
    data = (recordings / name).read_bytes()
    assert judge_content(data[3001 : 3001 + 4096]) == container


@pytest.mark.parametrize(
    ("head", "code", "word"),
    [
        (b"", "empty_source", "empty"),
        (b"\xef\xbb\xbf#EXTM3U\n#EXT-X-VERSION:3\n", "unsupported_hls", "HLS"),
        (b"#EXTM3U\n#EXTINF:1,x\nhttp://a/b.mp3\n", "unsupported_playlist", "playlist"),
        (b"[playlist]\nFile1=http://a/\n", "unsupported_playlist", "playlist"),
        (b"<ASX version='3'>", "unsupported_playlist", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "unsupported_playlist", "playlist"),
        (b"<?xml version='1.0'?>\n<MPD xmlns='urn'>", "unsupported_dash", "DASH"),
        (b"<?xml version='1.0'?><!-- <p> --><rss version='2.0'>", "unsupported_feed", "feed"),
        (b"  \n<!DOCTYPE html><title>Log in</title>", "is_page", "web page"),
        (b"<!-- hello --><html>", "is_page", "web page"),
        (b"<svg xmlns=''>", "not_media", "picture"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\n", "not_media", "text"),
        (b"just words", "not_media", "text"),
        (b"PK\x03\x04rest", "not_media", "ZIP"),
        (b"%PDF-1.7", "not_media", "PDF"),
        (b"\x7fELF\x02", "not_media", "program"),
        (b"\x89PNG\r\n\x1a\n", "not_media", "picture"),
        (bytes(5000), "not_media", "unknown"),
        (b"\xff\xfb\x90\x00" * 2000, "not_media", "unknown"),
        (b"\xff" * 65536, "not_media", "unknown"),
    ],
)
def test_what_is_no_recording_is_refused_and_named(head: bytes, code: str, word: str) -> None:
    with pytest.raises(NotMedia) as refused:
        judge_content(head)
    assert refused.value.code == code
    assert word in refused.value.message


def test_random_bytes_are_no_recording() -> None:
    import random

    source = random.Random(3)
    for _ in range(20):
        with pytest.raises(NotMedia):
            judge_content(b"\x01" + source.randbytes(SNIFF_BYTES))
