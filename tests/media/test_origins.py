"""The radio that other tests listen to keeps the rules of Icecast, or breaks them on request."""

from __future__ import annotations

import asyncio

import pytest

from tests.media.origins import PUBLIC, Origin, Radio, running

MEDIA = bytes(range(256)) * 40


async def listen(port: int, size: int, *headers: str) -> tuple[str, bytes]:
    """Head and at least ``size`` bytes of the body, fewer when the radio hangs up."""
    reader, writer = await asyncio.open_connection(PUBLIC, port)
    writer.write("\r\n".join(("GET /stream HTTP/1.1", "Host: radio", *headers, "", "")).encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        body = b""
        while len(body) < size and (piece := await reader.read(65536)):
            body += piece
        return head.decode("latin-1"), body
    finally:
        writer.close()


async def test_who_does_not_ask_for_metadata_gets_only_media() -> None:
    async with running(Origin()) as origin:
        Radio(origin, MEDIA, rate=400_000).start()
        head, body = await listen(origin.port, 3 * len(MEDIA))
    assert "icy-name: Radio Test" in head
    assert "icy-metaint" not in head
    assert body == (MEDIA * 20)[: len(body)]


async def test_who_asks_gets_a_title_after_each_interval() -> None:
    async with running(Origin()) as origin:
        Radio(origin, MEDIA, rate=400_000, interval=1000).start()
        head, body = await listen(origin.port, 5000, "Icy-MetaData: 1")
    assert "icy-metaint: 1000" in head
    length = body[1000] * 16
    assert body[1001 : 1001 + length].rstrip(b"\x00") == b"StreamTitle='Morning news';"
    assert body[:1000] + body[1001 + length : 2001 + length] == MEDIA[:2000]


@pytest.mark.parametrize("shoutcast", [False, True])
async def test_a_radio_can_hang_up_and_can_speak_the_old_dialect(shoutcast: bool) -> None:
    async with running(Origin()) as origin:
        Radio(origin, MEDIA, rate=400_000, drop_after_s=0.2, shoutcast=shoutcast).start()
        head, body = await listen(origin.port, 10**9)
    assert head.startswith("ICY 200" if shoutcast else "HTTP/1.1 200")
    assert 0 < len(body) < 400_000
