"""Small files that name a stream: what they name is given on, unjudged but whole; nothing is fetched."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.media.errors import BlockedUrl
from transcripts.media.guard import Policy, judge_url
from transcripts.media.wrappers import MAX_BYTES, MAX_ENTRIES, Entry, WrapperError, read_wrapper, wrapper_kind

BASE = "https://radio.sttweb.org/listen/this"

PLS = b"""[playlist]
NumberOfEntries=2
File2=http://b.sttweb.org:8000/low
Title2=Radio B
file1 = http://a.sttweb.org:8000/high
Title1=Radio \xc3\x84
Length1=-1
Version=2
"""
M3U = b"\xef\xbb\xbf#EXTM3U\r\n#EXTINF:-1,Radio \xc3\x84\r\nhttp://a.sttweb.org/high\r\n# a remark\r\n\r\nlow\r\n"
ASX = b"""<ASX version="3.0"><!-- <Ref href="http://no.sttweb.org"/> left in on purpose -->
<Title>Station</Title><Entry><TITLE>Radio &amp; A</TITLE><REF HREF="http://a.sttweb.org/x?a=1&b=2" ></Entry>
<entry><ref href = 'low'/></entry></ASX>"""
XSPF = b"""<?xml version="1.0" encoding="UTF-8"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><title>List</title>
<trackList><track><location>http://a.sttweb.org/high</location><title>Radio A</title></track>
<track><location>low</location></track></trackList></playlist>"""


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        (PLS, "", "pls"),
        (M3U, "", "m3u"),
        (ASX, "", "asx"),
        (XSPF, "", "xspf"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n", "", "hls"),
        (b"http://a.sttweb.org/high\n", "audio/x-mpegurl", "m3u"),
        (b"http://a.sttweb.org/high\n", "text/plain", None),
        (b"<html><body>", "audio/x-mpegurl", None),
        (b"ID3\x04", "audio/x-mpegurl", None),
        (b"", "", None),
    ],
)
def test_the_kind_is_told_by_the_first_bytes(data: bytes, content_type: str, kind: str | None) -> None:
    assert wrapper_kind(data, content_type) == kind


def test_pls_entries_come_in_the_order_of_their_numbers_with_their_titles() -> None:
    assert read_wrapper(PLS, "pls", BASE) == [
        Entry("http://a.sttweb.org:8000/high", "Radio Ä"),
        Entry("http://b.sttweb.org:8000/low", "Radio B"),
    ]


def test_m3u_entries_may_be_relative_and_without_a_title() -> None:
    assert read_wrapper(M3U, "m3u", BASE) == [
        Entry("http://a.sttweb.org/high", "Radio Ä"),
        Entry("https://radio.sttweb.org/listen/low"),
    ]


def test_asx_is_read_as_it_is_written_in_the_wild() -> None:
    assert Entry("http://a.sttweb.org/x?a=1&b=2", "Radio & A") in read_wrapper(ASX, "asx", BASE)
    assert read_wrapper(ASX, "asx", BASE)[-1] == Entry("https://radio.sttweb.org/listen/low")


def test_xspf_tracks_are_read() -> None:
    assert read_wrapper(XSPF, "xspf", BASE) == [
        Entry("http://a.sttweb.org/high", "Radio A"),
        Entry("https://radio.sttweb.org/listen/low"),
    ]


def test_latin_1_titles_are_no_reason_to_fail() -> None:
    data = b"[playlist]\nFile1=http://a.sttweb.org/\nTitle1=K\xf6ln"
    assert read_wrapper(data, "pls", BASE)[0].title == "Köln"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1/", "concat:a|b", "//10.0.0.1/x", "data:,x"])
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("pls", "[playlist]\nFile1={}"),
        ("m3u", "#EXTM3U\n{}"),
        ("asx", '<asx><entry><ref href="{}"/></entry></asx>'),
        ("xspf", "<playlist><trackList><track><location>{}</location></track></trackList></playlist>"),
    ],
)
def test_a_hostile_entry_reaches_the_guard_as_it_is_and_is_refused_there(kind: str, form: str, url: str) -> None:
    (entry,) = read_wrapper(form.format(url).encode(), kind, BASE)
    with pytest.raises(BlockedUrl):
        judge_url(entry.url, Policy())


def test_titles_are_cleaned() -> None:
    data = "[playlist]\nFile1=http://a.sttweb.org/\nTitle1=A\u202eB\x07  C".encode()
    assert read_wrapper(data, "pls", BASE)[0].title == "A B C"


def test_repeats_are_dropped_and_the_number_of_entries_is_bounded() -> None:
    many = b"#EXTM3U\n" + b"\n".join(b"http://a.sttweb.org/%d" % (n // 2) for n in range(3 * MAX_ENTRIES))
    found = read_wrapper(many, "m3u", BASE)
    assert len(found) == MAX_ENTRIES
    assert found[1].url == "http://a.sttweb.org/1"


@pytest.mark.parametrize("data", [b"[playlist]\nNumberOfEntries=0", b"[playlist]\nFile1=", b"[playlist]\nFile1=//["])
def test_a_wrapper_without_a_stream_says_so(data: bytes) -> None:
    with pytest.raises(WrapperError) as caught:
        read_wrapper(data, "pls", BASE)
    assert caught.value.code == "wrapper_empty"


def test_a_wrapper_that_is_too_large_is_not_read() -> None:
    with pytest.raises(WrapperError) as caught:
        read_wrapper(b"#" * (MAX_BYTES + 1), "m3u", BASE)
    assert caught.value.code == "wrapper_limits"


PIECES = st.sampled_from(
    ["[playlist]\n", "File1=", "#EXTM3U\n", "#EXTINF:", "<asx>", "<ref href=", '"', "'", "<track>", "<location>",
     "</track>", "http://[", "\n", "\x00", "é", "&#x110000;", "&#xd800;", "a"]
)  # fmt: skip


@given(
    st.sampled_from(["pls", "m3u", "asx", "xspf"]),
    st.one_of(st.binary(max_size=200), st.lists(PIECES).map(lambda p: "".join(p).encode())),
)
def test_any_bytes_become_entries_or_our_error(kind: str, data: bytes) -> None:
    wrapper_kind(data)
    try:
        found = read_wrapper(data, kind, BASE)
    except WrapperError:
        return
    assert 0 < len(found) <= MAX_ENTRIES


@pytest.mark.parametrize(
    "piece", [b"<", b"<ref href=", b"<a ", b'href="', b"<ref href='", b" ", b"<!--", b"File1", b"&#"]
)
@pytest.mark.parametrize("kind", ["asx", "xspf", "pls", "m3u"])
def test_the_largest_hostile_wrapper_takes_about_linear_time(kind: str, piece: bytes) -> None:
    def cost(size: int) -> float:
        data = (piece * size)[:size]
        began = time.process_time()
        wrapper_kind(data)
        with contextlib.suppress(WrapperError):
            read_wrapper(data, kind, BASE)
        return time.process_time() - began

    small = max(cost(MAX_BYTES // 16), 0.002)
    assert cost(MAX_BYTES) < 64 * small
