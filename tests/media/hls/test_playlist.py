"""Playlists to data: what RFC 8216 allows is read, everything else is our own error, whatever the bytes."""

from __future__ import annotations

import contextlib
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcripts.media.hls.attributes import read_attributes
from transcripts.media.hls.model import ByteRange, HlsError, Key, Map, MasterPlaylist, MediaPlaylist
from transcripts.media.hls.playlist import parse_playlist

URL = "https://radio.sttweb.org/live/main.m3u8"


def media(*lines: str) -> MediaPlaylist:
    found = parse_playlist("\n".join(("#EXTM3U", "#EXT-X-TARGETDURATION:6", *lines)).encode(), URL)
    assert isinstance(found, MediaPlaylist)
    return found


def master(*lines: str) -> MasterPlaylist:
    found = parse_playlist("\n".join(("#EXTM3U", *lines)).encode(), URL)
    assert isinstance(found, MasterPlaylist)
    return found


def refusal(data: bytes | str) -> str:
    with pytest.raises(HlsError) as caught:
        parse_playlist(data if isinstance(data, bytes) else data.encode(), URL)
    assert caught.value.message.endswith(".")
    return caught.value.code


def refused_media(*lines: str) -> str:
    return refusal("\n".join(("#EXTM3U", "#EXT-X-TARGETDURATION:6", *lines)))


def test_segments_are_numbered_from_the_media_sequence_and_resolved_against_the_playlist() -> None:
    found = media("#EXT-X-MEDIA-SEQUENCE:41", "#EXTINF:5.96,Some title", "a.ts", "#EXTINF:6,", "../b.ts?x=1")
    assert [(s.sequence, s.uri, s.duration) for s in found.segments] == [
        (41, "https://radio.sttweb.org/live/a.ts", 5.96),
        (42, "https://radio.sttweb.org/b.ts?x=1", 6.0),
    ]
    assert found.live
    assert found.target == 6


def test_a_list_with_an_end_or_of_type_vod_is_not_live() -> None:
    assert not media("#EXTINF:6,", "a.ts", "#EXT-X-ENDLIST").live
    assert not media("#EXT-X-PLAYLIST-TYPE:VOD", "#EXTINF:6,", "a.ts").live
    assert media("#EXT-X-PLAYLIST-TYPE:EVENT", "#EXTINF:6,", "a.ts").live


def test_gap_and_discontinuity_belong_to_the_next_segment_only() -> None:
    found = media(
        "#EXTINF:6,", "#EXT-X-GAP", "a.ts", "#EXT-X-DISCONTINUITY", "#EXTINF:6,", "b.ts", "#EXTINF:6,", "c.ts"
    )
    assert [(s.gap, s.discontinuity) for s in found.segments] == [(True, False), (False, True), (False, False)]


def test_a_range_without_offset_goes_on_where_the_last_one_of_the_same_file_ended() -> None:
    found = media(
        *("#EXTINF:6,", "#EXT-X-BYTERANGE:100@50", "a.ts"),
        *("#EXTINF:6,", "#EXT-X-BYTERANGE:70", "a.ts"),
    )
    assert [s.byte_range for s in found.segments] == [ByteRange(50, 100), ByteRange(150, 70)]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("#EXT-X-BYTERANGE:-5@0", "a.ts"), id="negative"),
        pytest.param(("#EXT-X-BYTERANGE:0@5", "a.ts"), id="nothing"),
        pytest.param(("#EXT-X-BYTERANGE:100", "a.ts"), id="no offset and nothing before"),
        pytest.param(("#EXT-X-BYTERANGE:", "a.ts"), id="no number"),
        pytest.param(("#EXT-X-BYTERANGE:10000000000000@0", "a.ts"), id="10 TB long"),
        pytest.param(("#EXT-X-BYTERANGE:100@10000000000000", "a.ts"), id="10 TB away"),
        pytest.param(("#EXT-X-BYTERANGE:67108865@0", "a.ts"), id="larger than a segment may be"),
        pytest.param(
            ("#EXT-X-BYTERANGE:100@0", "a.ts", "#EXTINF:6,", "#EXT-X-BYTERANGE:100@99", "a.ts"), id="overlapping"
        ),
    ],
)
def test_impossible_ranges_are_refused(lines: tuple[str, ...]) -> None:
    assert refused_media("#EXTINF:6,", *lines) == "hls_bad_range"


def test_a_file_that_is_played_again_after_a_discontinuity_does_not_overlap() -> None:
    part = ("#EXTINF:6,", "#EXT-X-BYTERANGE:100@0", "a.ts")
    assert len(media(*part, "#EXT-X-DISCONTINUITY", *part).segments) == 2


def test_keys_hold_until_the_next_and_none_ends_them() -> None:
    found = media(
        *('#EXT-X-KEY:METHOD=AES-128,URI="k1",IV=0xAB', "#EXTINF:6,", "a.ts"),
        *('#EXT-X-KEY:METHOD=AES-128,URI="k2",KEYFORMAT="identity"', "#EXTINF:6,", "b.ts", "#EXTINF:6,", "c.ts"),
        *("#EXT-X-KEY:METHOD=NONE", "#EXTINF:6,", "d.ts"),
    )
    first, second = (
        Key("https://radio.sttweb.org/live/k1", bytes(15) + b"\xab"),
        Key("https://radio.sttweb.org/live/k2"),
    )
    assert [s.key for s in found.segments] == [first, second, second, None]


@pytest.mark.parametrize(
    "key",
    [
        'METHOD=SAMPLE-AES,URI="k"',
        'METHOD=SAMPLE-AES-CTR,URI="k",KEYFORMAT="com.widevine"',
        'METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"',
        'METHOD=AES-128,URI="k",KEYFORMAT="com.microsoft.playready"',
        'METHOD=SOMETHING-NEW,URI="k"',
    ],
)
def test_drm_is_named_as_such(key: str) -> None:
    assert refused_media(f"#EXT-X-KEY:{key}", "#EXTINF:6,", "a.ts") == "hls_drm_unsupported"


def test_a_plain_key_beside_one_of_a_drm_system_is_used() -> None:
    found = media(
        '#EXT-X-KEY:METHOD=AES-128,URI="drm",KEYFORMAT="com.example"',
        *('#EXT-X-KEY:METHOD=AES-128,URI="plain"', "#EXTINF:6,", "a.ts"),
    )
    assert found.segments[0].key == Key("https://radio.sttweb.org/live/plain")


@pytest.mark.parametrize("key", ["METHOD=AES-128", 'METHOD=AES-128,URI="k",IV=7', 'METHOD=AES-128,URI="k",IV=0xZZ'])
def test_keys_without_address_or_with_a_broken_iv_are_refused(key: str) -> None:
    assert refused_media(f"#EXT-X-KEY:{key}", "#EXTINF:6,", "a.ts") == "hls_bad_key"


def test_a_map_holds_for_what_follows_and_an_encrypted_one_needs_its_iv() -> None:
    found = media("#EXTINF:6,", "a.aac", '#EXT-X-MAP:URI="init.mp4",BYTERANGE="600@8"', "#EXTINF:6,", "b.m4s")
    expected = Map("https://radio.sttweb.org/live/init.mp4", ByteRange(8, 600))
    assert [s.map for s in found.segments] == [None, expected]
    assert refused_media('#EXT-X-KEY:METHOD=AES-128,URI="k"', '#EXT-X-MAP:URI="i"') == "hls_bad_key"


def test_dates_are_counted_on_until_a_discontinuity() -> None:
    found = media(
        *("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.500Z", "#EXTINF:6,", "a.ts", "#EXTINF:6,", "b.ts"),
        *("#EXT-X-DISCONTINUITY", "#EXTINF:6,", "c.ts"),
        *("#EXT-X-PROGRAM-DATE-TIME:not a date", "#EXTINF:6,", "d.ts"),
    )
    assert [s.program_time for s in found.segments] == [1767225600.5, 1767225606.5, None, None]


@pytest.mark.parametrize("target", ["0", "-5", "1e12", "", "NaN", "six"])
def test_an_absurd_target_duration_is_no_reason_to_refuse(target: str) -> None:
    found = parse_playlist(f"#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n#EXTINF:6,\na.ts".encode(), URL)
    assert isinstance(found, MediaPlaylist)
    assert found.target == {"-5": -5.0, "1e12": 1e12}.get(target, 0.0)


@pytest.mark.parametrize("duration", ["-1", "nan", "inf", "1e308", "", "x", "86401"])
def test_impossible_durations_are_refused(duration: str) -> None:
    assert refused_media(f"#EXTINF:{duration},", "a.ts") == "hls_invalid"


def test_a_segment_without_extinf_is_taken_for_one_of_the_target_duration() -> None:
    assert media("a.ts").segments[0].duration == 6


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "hls_invalid", id="nothing"),
        pytest.param(b"<html>", "hls_invalid", id="a page"),
        pytest.param(b"<?xml version='1.0'?><MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>", "hls_invalid", id="DASH"),
        pytest.param(b"#EXTM3U\nhttp://a.sttweb.org/stream", "hls_invalid", id="a plain list"),
        pytest.param(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:6,\nb", "hls_invalid", id="both kinds"),
        pytest.param(b'#EXTM3U\n#EXT-X-DEFINE:NAME="a",VALUE="b"\n#EXTINF:6,\n{$a}', "hls_unsupported", id="variables"),
        pytest.param(b"#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:6,\nb", "hls_unsupported", id="delta"),
        pytest.param(b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n#EXTINF:6,\nb", "hls_invalid", id="no number"),
        pytest.param(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1", "hls_invalid", id="a stream without address"),
        pytest.param(b"#EXTM3U\n#EXTINF:6,\nhttp://[::1", "hls_invalid", id="an address with half a bracket"),
    ],
)
def test_what_is_no_playlist_for_us_is_named(data: bytes, code: str) -> None:
    assert refusal(data) == code


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"#EXTM3U\n" + b"#" * 1024**2, id="1 MB"),
        pytest.param(b"#EXTM3U\n" + b"#EXTINF:1,\na\n" * 10_000, id="20,000 lines"),
        pytest.param(b"#EXTM3U\n#" + b"x" * 8192, id="a long line"),
        pytest.param(b"#EXTM3U\n" + b"#EXT-X-STREAM-INF:BANDWIDTH=1\na\n" * 201, id="201 variants"),
    ],
)
def test_playlists_beyond_the_limits_are_refused(data: bytes) -> None:
    assert refusal(data) == "hls_limits"


def test_the_largest_playlist_allowed_is_read_in_about_linear_time() -> None:
    def cost(count: int) -> float:
        data = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n" + b"#EXTINF:6,\nsegment.ts\n" * count
        began = time.process_time()
        assert isinstance(parse_playlist(data, URL), MediaPlaylist)
        return time.process_time() - began

    small = min(cost(900) for _ in range(3))
    assert cost(9_000) < 40 * small


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"#EXTM3U\n" + b"#EXTINF:1,\na\n" * 1_000_000, id="a million segments"),
        pytest.param(b"#EXTM3U\n" + b"#EXTINF:1,\na\n" * 9_990, id="as many as are allowed"),
        pytest.param(b"#EXTM3U\n#" + b"x" * 1_000_000, id="one line of a megabyte"),
        pytest.param(b"#EXTM3U\n" + b"#EXT-X-STREAM-INF:BANDWIDTH=1\na\n" * 9_990, id="thousands of variants"),
    ],
)
def test_playlists_at_and_beyond_the_limits_cost_little_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(HlsError):
            parse_playlist(data, URL)
        assert tracemalloc.get_traced_memory()[1] < 16 * 1024**2
    finally:
        tracemalloc.stop()


def test_a_master_lists_variants_and_audio_and_nothing_else_that_has_an_address() -> None:
    found = master(
        '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="http://127.0.0.1/k"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",URI="http://127.0.0.1/s"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English, of course",LANGUAGE="en",DEFAULT=YES,URI="en.m3u8"',
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="http://127.0.0.1/i"',
        '#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.4d, mp4a.40.2",RESOLUTION=640x360,AUDIO="a"',
        *("#EXT-X-SOMETHING", "low.m3u8"),
    )
    assert [(v.uri, v.bandwidth, v.codecs, v.picture) for v in found.variants] == [
        ("https://radio.sttweb.org/live/low.m3u8", 900_000, ("avc1.4d", "mp4a.40.2"), True)
    ]
    assert [(r.name, r.uri, r.default) for r in found.renditions] == [
        ("English, of course", "https://radio.sttweb.org/live/en.m3u8", True)
    ]


@pytest.mark.parametrize("text", ["", "A", "a=1", "A=1,,B=2", 'A="1', 'A="1"x', "A=1,A=2", "A=1 B=2"])
def test_malformed_attributes_are_refused(text: str) -> None:
    with pytest.raises(HlsError):
        read_attributes(text)


def test_attributes_may_have_commas_and_equals_signs_inside_quotes() -> None:
    assert read_attributes('URI="a,b=c", IV=0x1,X-Y="",') == {"URI": "a,b=c", "IV": "0x1", "X-Y": ""}


TAGS = st.sampled_from(
    [
        *("#EXTM3U", "#EXTINF:", "#EXT-X-KEY:METHOD=", "#EXT-X-KEY:METHOD=AES-128,URI=", "#EXT-X-MAP:URI="),
        *("#EXT-X-BYTERANGE:", "#EXT-X-MEDIA-SEQUENCE:", "#EXT-X-TARGETDURATION:", "#EXT-X-PROGRAM-DATE-TIME:"),
        *("#EXT-X-STREAM-INF:", "#EXT-X-MEDIA:TYPE=AUDIO,", "#EXT-X-DISCONTINUITY", "#EXT-X-GAP", "#EXT-X-ENDLIST"),
        *("http://", "//[", "a.ts", "0", "9" * 30, '"', ",", "@", "=", "IV=0x", "\x00", "é", "\u2028"),
    ]
)
HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.lists(st.one_of(TAGS, st.text(max_size=8), st.just("\n")), max_size=40).map(
        lambda parts: ("#EXTM3U\n" + "".join(parts)).encode("utf-8", "surrogatepass")
    ),
)


@given(HOSTILE)
@settings(max_examples=400, deadline=None)
def test_any_bytes_become_a_playlist_or_our_error(data: bytes) -> None:
    try:
        found = parse_playlist(data, URL)
    except HlsError:
        return
    if isinstance(found, MediaPlaylist):
        assert [s.sequence for s in found.segments] == list(range(found.sequence, found.sequence + len(found.segments)))
        assert 0 <= found.seconds < 86_400 * 20_000
