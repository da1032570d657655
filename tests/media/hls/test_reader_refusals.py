"""What a stream must not make the reader do: reach inside, read without end, decode what is no media."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.media.hls.reading import everything, failure, reader, short
from tests.media.origins import (
    Origin,
    adts,
    recorded,
    recorded_segments,
)
from transcripts.media.errors import BlockedUrl
from transcripts.media.hls.items import Bytes, Ended, Missing
from transcripts.media.hls.loading import SEGMENT_LIMITS, Bounds, Fetch
from transcripts.media.hls.model import HlsError


@pytest.fixture
async def inside(canary: Any) -> AsyncIterator[str]:
    """An address on the inside; nobody may have connected when the test is over."""
    yield f"http://127.0.0.1:{canary.port}/secret"
    assert canary.connections == 0


async def test_a_segment_on_the_inside_is_refused(origin: Origin, fetch: Fetch, inside: str) -> None:
    lines = [*recorded_segments(origin, 1), "#EXTINF:6,", inside]
    items, error = await failure(reader(recorded(origin, "/a.m3u8", lines), fetch))
    assert short(items) in ([], [0])
    assert isinstance(error, BlockedUrl)
    assert error.code == "url_address"
    assert not error.retryable


@pytest.mark.parametrize(
    "uri",
    ["file:///etc/passwd", "data:audio/aac;base64,AAAA", "concat:a|b", "subfile,,start,0,end,9,,:a", "crypto+file:/a"],
)
async def test_a_segment_of_another_scheme_is_refused_and_gives_no_bytes(
    origin: Origin, fetch: Fetch, inside: str, uri: str
) -> None:
    items, error = await failure(reader(recorded(origin, "/a.m3u8", ["#EXTINF:6,", uri]), fetch))
    assert (items, error.code) == ([], "url_scheme")


@pytest.mark.parametrize(
    "tag", ['#EXT-X-KEY:METHOD=AES-128,URI="{}"', '#EXT-X-MAP:URI="{}"', '#EXT-X-MAP:URI="{}",BYTERANGE="9@0"']
)
async def test_a_key_or_map_on_the_inside_is_refused(origin: Origin, fetch: Fetch, inside: str, tag: str) -> None:
    lines = [tag.format(inside), *recorded_segments(origin, 1)]
    items, error = await failure(reader(recorded(origin, "/a.m3u8", lines), fetch))
    assert (items, error.code) == ([], "url_address")


@pytest.mark.parametrize("tag", ['#EXT-X-KEY:METHOD=AES-128,URI="there"', '#EXT-X-MAP:URI="there"'])
async def test_a_redirect_of_a_key_or_map_to_the_inside_is_refused(
    origin: Origin, fetch: Fetch, inside: str, tag: str
) -> None:
    origin.redirect("/there", inside)
    items, error = await failure(reader(recorded(origin, "/a.m3u8", [tag, *recorded_segments(origin, 1)]), fetch))
    assert (items, error.code) == ([], "url_address")


async def test_addresses_in_tags_that_are_not_ours_are_never_asked(origin: Origin, fetch: Fetch, inside: str) -> None:
    strange = origin.url("/never")
    for address in (inside, strange):
        recorded(
            origin,
            "/audio.m3u8",
            [
                f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{address}"',
                f'#EXT-X-RENDITION-REPORT:URI="{address}"',
                f'#EXT-X-PART:DURATION=1,URI="{address}"',
                *recorded_segments(origin, 1),
            ],
        )
        url = origin.serve(
            "/master.m3u8",
            f'#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID="a",URI="{address}"\n'
            f'#EXT-X-SESSION-KEY:METHOD=AES-128,URI="{address}"\n'
            f'#EXT-X-MEDIA:TYPE=VIDEO,GROUP-ID="v",NAME="v",URI="{address}"\n'
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="other",URI="{address}"\n'
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="ours",DEFAULT=YES,URI="audio.m3u8"\n'
            f'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI="{address}"\n'
            f'#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\n{address}\n',
        )
        assert short(await everything(reader(url, fetch))) == [0, Ended("complete")]
    assert set(origin.paths()) == {"/master.m3u8", "/audio.m3u8", "/seg0.aac"}


async def test_a_segment_redirected_to_a_metadata_service_is_refused(origin: Origin, fetch: Fetch) -> None:
    origin.redirect("/seg.aac", "http://169.254.169.254/latest/meta-data/")
    _, error = await failure(reader(recorded(origin, "/a.m3u8", ["#EXTINF:6,", "seg.aac"]), fetch))
    assert error.code == "url_address"


async def test_a_master_that_leads_to_another_or_to_itself_stops_at_depth_two(origin: Origin, fetch: Fetch) -> None:
    for path, target in (("/self.m3u8", "self.m3u8"), ("/one.m3u8", "two.m3u8"), ("/two.m3u8", "three.m3u8")):
        origin.serve(path, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}")
    for path in ("/self.m3u8", "/one.m3u8"):
        _, error = await failure(reader(origin.url(path), fetch))
        assert error.code == "hls_too_deep"
    assert origin.paths() == ["/self.m3u8", "/self.m3u8", "/one.m3u8", "/two.m3u8"]


@pytest.mark.parametrize("announced", [None, 60 * 1024**2], ids=["endless", "announced"])
async def test_a_huge_playlist_is_refused_before_it_is_read(
    origin: Origin, fetch: Fetch, announced: int | None
) -> None:
    url = origin.endless("/a.m3u8", b"#EXTM3U\n" + b"#\n" * 30_000, announced=announced)
    _, error = await failure(reader(url, fetch))
    assert error.code == "hls_limits"


@pytest.mark.parametrize("line", ['METHOD=SAMPLE-AES,URI="k"', 'METHOD=AES-128,URI="k",KEYFORMAT="com.widevine"'])
async def test_drm_is_said_at_once_and_not_tried_again(origin: Origin, fetch: Fetch, line: str) -> None:
    url = recorded(origin, "/a.m3u8", [f"#EXT-X-KEY:{line}", *recorded_segments(origin, 1)])
    _, error = await failure(reader(url, fetch))
    assert (error.code, error.retryable) == ("hls_drm_unsupported", False)
    assert origin.paths() == ["/a.m3u8"]


@pytest.mark.parametrize("size", [0, 15, 17, 1_000_000])
async def test_a_key_of_the_wrong_size_is_refused(origin: Origin, fetch: Fetch, size: int) -> None:
    origin.serve("/key", bytes(size))
    url = recorded(origin, "/a.m3u8", ['#EXT-X-KEY:METHOD=AES-128,URI="key"', *recorded_segments(origin, 1)])
    items, error = await failure(reader(url, fetch))
    assert (items, error.code) == ([], "hls_bad_key")
    assert origin.paths().count("/key") == 1


async def test_a_wrong_key_gives_no_bytes(origin: Origin, fetch: Fetch) -> None:
    origin.serve("/key", bytes(16))
    url = recorded(origin, "/a.m3u8", ['#EXT-X-KEY:METHOD=AES-128,URI="key"', *recorded_segments(origin, 3)])
    items, error = await failure(reader(url, fetch))
    assert not [item for item in items if isinstance(item, Bytes)]
    assert error.code == "source_bad_segments"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nfile:///etc/passwd\n", id="a playlist"),
        pytest.param(b"<!DOCTYPE html><html><body>404</body></html>", id="a page"),
        pytest.param(b"PK\x03\x04" + bytes(500), id="a ZIP archive"),
        pytest.param(b"<MPD><BaseURL>http://127.0.0.1/</BaseURL></MPD>", id="DASH"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_segments_that_are_no_media_are_holes_and_three_in_a_row_are_the_end(
    origin: Origin, fetch: Fetch, inside: str, body: bytes
) -> None:
    origin.serve("/bad.aac", body)
    bad = ["#EXTINF:6,", "bad.aac"]
    good = recorded_segments(origin, 1)
    items, error = await failure(reader(recorded(origin, "/a.m3u8", [*bad, *bad, *good, *bad, *bad, *bad]), fetch))
    hole = Missing(6.0, "unreadable")
    assert short(items) == [hole, hole, 0, hole, hole]
    assert (error.code, error.retryable) == ("source_bad_segments", False)


@pytest.mark.parametrize("announced", [None, 4 * 1024**3], ids=["never ends", "4 GB"])
async def test_a_segment_without_end_is_cut_at_its_limit(origin: Origin, fetch: Fetch, announced: int | None) -> None:
    origin.endless("/huge.aac", adts(0) * 2000, announced=announced)
    items, error = await failure(reader(recorded(origin, "/a.m3u8", ["#EXTINF:6,", "huge.aac"]), fetch))
    assert (items, error.code) == ([Missing(6.0, "unavailable")], "source_bad_segments")
    assert origin.paths().count("/huge.aac") == 1


async def test_a_segment_that_only_drips_is_given_up_in_time(origin: Origin, fetch: Fetch) -> None:
    origin.endless("/slow.aac", b"\xff", wait_s=0.01)
    bounds = Bounds(segment=replace(SEGMENT_LIMITS, total_s=0.3))
    items, error = await failure(reader(recorded(origin, "/a.m3u8", ["#EXTINF:6,", "slow.aac"]), fetch, bounds=bounds))
    assert (items, error.code) == ([Missing(6.0, "unavailable")], "source_bad_segments")
    assert origin.paths().count("/slow.aac") == 1


async def test_a_segment_that_breaks_off_is_a_hole_worth_another_try(origin: Origin, fetch: Fetch) -> None:
    origin.cut("/cut.aac", adts(0), announced=5000)
    items, error = await failure(reader(recorded(origin, "/a.m3u8", ["#EXTINF:6,", "cut.aac"] * 3), fetch))
    assert len(items) == 2
    assert (error.code, error.retryable) == ("source_bad_segments", True)
    assert origin.paths().count("/cut.aac") == 9


async def test_a_dash_manifest_is_refused_without_another_fetch(origin: Origin, fetch: Fetch, inside: str) -> None:
    url = origin.serve("/a.m3u8", f"<MPD><BaseURL>{inside}</BaseURL></MPD>")
    _, error = await failure(reader(url, fetch))
    assert isinstance(error, HlsError)
    assert origin.paths() == ["/a.m3u8"]


async def test_a_playlist_that_is_not_there_is_told_as_any_link_would_be(origin: Origin, fetch: Fetch) -> None:
    _, error = await failure(reader(origin.url("/none.m3u8"), fetch))
    assert error.code == "source_not_found"
    assert len(origin.requests) == 1
