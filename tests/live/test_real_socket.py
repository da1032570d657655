"""A real server (uvicorn: the application knows no server) and a real socket whose reader stops reading."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext

import pytest
import uvicorn
from asgiref.sync import sync_to_async
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conftest import async_db
from tests.jobs.test_server import free_port
from tests.live.conftest import application, awrite, log_in
from transcripts.live import station
from transcripts.live.outbox import TOO_SLOW

pytestmark = async_db


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """The sockets behind uvicorn on a free port."""
    chosen = free_port()
    config = uvicorn.Config(
        application, host="127.0.0.1", port=chosen, log_level="error", lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment, method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield chosen
    server.should_exit = True
    await serving


def open_socket(port: int, path: str, client, **options):
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    return connect(f"ws://127.0.0.1:{port}{path}", additional_headers={"Cookie": cookie}, compression=None, **options)


async def read_to_the_end(socket) -> tuple[int, int]:
    """The last number that came, and the close code."""
    last = 0
    try:
        while True:
            last = json.loads(await socket.recv())["seq"]
    except ConnectionClosed as closed:
        return last, closed.rcvd.code if closed.rcvd else 0


async def test_a_browser_that_stops_reading_is_closed_and_comes_back(port, bob, make_transcript, monkeypatch, settings):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.1)
    settings.STTWEB_VIEWER_SECONDS = 0.3
    transcript = await sync_to_async(make_transcript)()
    await awrite(transcript, *("x" * 20_000 for _ in range(800)))
    client = await sync_to_async(log_in)(bob)
    path = f"/ws/t/{transcript.pk}/"
    async with open_socket(port, path, client, max_queue=2) as socket:
        await socket.send('{"type":"hello","after":0}')
        async with asyncio.timeout(20):
            while not station.station()._feeds:
                await asyncio.sleep(0.02)
            while any(feed.watchers for feed in station.station()._feeds.values()):
                await asyncio.sleep(0.05)
        last, code = await read_to_the_end(socket)
    assert code == TOO_SLOW
    assert 0 < last < 801
    async with open_socket(port, path, client) as socket:
        await socket.send(json.dumps({"type": "hello", "after": last}))
        seqs = [json.loads(await socket.recv())["seq"] for _ in range(801 - last + 1)]
    assert seqs == [*range(last + 1, 802), 801]


async def test_a_stranger_gets_no_handshake(port, charlie, make_transcript):
    transcript = await sync_to_async(make_transcript)()
    client = await sync_to_async(log_in)(charlie)
    with pytest.raises(InvalidStatus) as refused:
        async with open_socket(port, f"/ws/t/{transcript.pk}/", client):
            raise AssertionError("a stranger was let in")
    assert refused.value.response.status_code == 403
