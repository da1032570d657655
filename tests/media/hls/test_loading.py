"""Answers to requests for a part of a file, and a name that points elsewhere at the second look-up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpcore2
import pytest

from tests.media.conftest import INSIDE, PUBLIC, names
from tests.media.hls.reading import failure, reader
from tests.media.origins import Origin, adts
from transcripts.media.errors import FetchError
from transcripts.media.fetch import Limits, Response, open_url
from transcripts.media.guard import Policy, judge_url
from transcripts.media.hls.loading import Bounds, Fetch, Loader
from transcripts.media.hls.model import MAX_SEGMENT_BYTES, ByteRange, Segment

URL = "https://cdn.sttweb.org/all.aac"
FILE = b"before" + adts(5) + b"after"
PART = ByteRange(6, 400)


def answering(status: int, body: bytes, *headers: tuple[str, str]) -> Fetch:
    """One canned answer, as the guarded client gives it."""

    @asynccontextmanager
    async def fetch(url: str, *, limits: Limits, headers: Mapping[str, str] = {}) -> AsyncIterator[Response]:
        assert headers == {"Range": f"bytes={PART.start}-{PART.end - 1}"}
        yield Response(judge_url(url, Policy()), raw, limits, None)

    raw = httpcore2.Response(status, headers=list(headers), content=body)
    return fetch


async def part(fetch: Fetch, wanted: ByteRange = PART) -> bytes:
    data, container = await Loader(fetch, Bounds()).segment(Segment(0, URL, 6.0, byte_range=wanted))
    assert container == "aac"
    return data


async def test_a_partial_answer_is_the_segment() -> None:
    good = answering(206, FILE[6:406], ("Content-Range", f"bytes 6-405/{len(FILE)}"))
    assert await part(good) == adts(5)


async def test_a_whole_answer_is_cut() -> None:
    assert await part(answering(200, FILE)) == adts(5)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param((206, FILE[7:], ("Content-Range", "bytes 7-410/411")), "source_bad_response", id="another part"),
        pytest.param((206, FILE[6:406]), "source_bad_response", id="a part of unknown place"),
        pytest.param((206, FILE[6:100], ("Content-Range", "bytes 6-99/411")), "source_dropped", id="too short"),
        pytest.param((200, FILE[:100]), "source_dropped", id="a file that is too short"),
        pytest.param((416, b""), "source_bad_response", id="no such part"),
    ],
)
async def test_other_answers_are_failures(answer: tuple[Any, ...], code: str) -> None:
    with pytest.raises(FetchError) as caught:
        await part(answering(*answer))
    assert caught.value.code == code


async def test_a_part_far_inside_a_file_is_not_cut_out_of_a_whole_answer() -> None:
    far = ByteRange(MAX_SEGMENT_BYTES, 400)

    @asynccontextmanager
    async def whole(url: str, *, limits: Limits, headers: Mapping[str, str]) -> AsyncIterator[Response]:
        yield Response(judge_url(url, Policy()), httpcore2.Response(200, content=FILE), limits, None)

    with pytest.raises(FetchError) as caught:
        await part(whole, far)
    assert caught.value.code == "source_too_large"


async def test_a_name_that_turns_inside_between_playlist_and_segment_is_refused(
    origin: Origin, policy: Policy, canary: Any
) -> None:
    resolver = names({"cdn.sttweb.org": [[PUBLIC], [INSIDE]]})

    def fetch(url: str, *, limits: Limits, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Response]:
        return open_url(url, policy=policy, limits=limits, resolver=resolver)

    origin.serve("/a.m3u8", "#EXTM3U\n#EXTINF:6,\nseg.aac\n#EXT-X-ENDLIST")
    items, error = await failure(reader(f"http://cdn.sttweb.org:{origin.port}/a.m3u8", fetch))
    assert (items, error.code) == ([], "url_address")
    assert origin.paths() == ["/a.m3u8"]
    assert canary.connections == 0
