"""The recording of a transcript: single byte ranges, and headers under which it can be nothing but sound."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import Http404
from django.test import AsyncClient

from tests.conftest import async_db
from tests.views.test_submitting import recording
from transcripts.views import recordings
from transcripts.views.media import Unsatisfiable, parse_range, respond


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", (0, 100)),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("", None),
        ("bytes=-", None),
        ("bytes=9-3", None),
        ("bytes=0-1,5-6", None),
        ("chunks=0-1", None),
        ("bytes=a-b", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_ranges_are_read_as_the_standard_says(header, expected):
    assert parse_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_outside_the_file_cannot_be_satisfied(header):
    with pytest.raises(Unsatisfiable):
        parse_range(header, 100)


async def whole(response: Any) -> bytes:
    """The content of an answer that may come in parts."""
    return b"".join([part async for part in response]) if response.streaming else response.content


@pytest.fixture
def listen(settings, tmp_path, alice, make_transcript):
    """``await listen(content, **headers)``: the answer to a request for a recording, and its bytes."""
    settings.STTWEB_MEDIA_DIR = tmp_path

    def keep(content: bytes) -> str:
        stored = recordings.keep([content], len(content))
        return f"/s/{make_transcript(source_kind='upload', media_key=stored.key).pk}/audio"

    async def listen(content: bytes, method: str = "get", **headers: str):
        client = AsyncClient()
        await client.aforce_login(alice)
        path = await sync_to_async(keep)(content)
        response = await getattr(client, method)(path, headers=headers)
        return response, await whole(response)

    return listen


def test_a_recording_that_goes_while_it_is_asked_for_is_not_there(rf, tmp_path):
    with pytest.raises(Http404):
        respond(rf.get("/"), tmp_path / "gone.mp3")


@async_db
async def test_a_range_is_answered_with_exactly_that(listen):
    content = recording(3)
    response, body = await listen(content, range="bytes=1000-70000")
    assert (response.status_code, response["Content-Length"]) == (206, "69001")
    assert response["Content-Range"] == f"bytes 1000-70000/{len(content)}"
    assert response["Content-Type"] == "audio/wav"
    assert body == content[1000:70001]


@async_db
async def test_without_a_range_the_whole_file_comes_in_pieces(listen):
    content = recording(30)
    response, body = await listen(content)
    assert (response.status_code, response["Accept-Ranges"], body) == (200, "bytes", content)


@async_db
async def test_a_range_outside_is_416(listen):
    content = recording()
    response, _ = await listen(content, range=f"bytes={len(content)}-")
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(content)}")


@async_db
async def test_head_says_the_length_and_sends_nothing(listen):
    content = recording()
    response, body = await listen(content, "head")
    assert (response["Content-Length"], body) == (str(len(content)), b"")


@async_db
async def test_whatever_was_uploaded_is_never_a_page(listen):
    response, _ = await listen(b"<html><script>alert(1)</script></html>")
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == "attachment"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "private" in response["Cache-Control"]


@async_db
async def test_the_sample_can_be_played(alice, make_transcript):
    client = AsyncClient()
    await client.aforce_login(alice)
    transcript = await sync_to_async(make_transcript)(source_kind="sample")
    response = await client.get(f"/s/{transcript.pk}/audio", headers={"range": "bytes=0-3"})
    assert await whole(response) == b"RIFF"


def test_links_keep_no_recording(client, alice, make_transcript):
    client.force_login(alice)
    assert client.get(f"/s/{make_transcript().pk}/audio").status_code == 404
