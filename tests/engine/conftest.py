"""A bare client of the wire for the engine's tests: no code of the product's own client takes part."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from transcripts.engine.faults import FaultPlan
from transcripts.engine.launcher import embedded_engine
from transcripts.engine.profile import PRODUCT, Profile
from transcripts.engine.server import PATH

Message = dict[str, Any]


class WireClient:
    """Speaks the protocol frame by frame and remembers what came."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[Message] = []

    async def send(self, pcm: bytes = b"", *, commit: bool = False, **fields: Any) -> None:
        chunk = {"message_type": "input_audio_chunk", "audio_base_64": base64.b64encode(pcm).decode()}
        await self.raw(json.dumps({**chunk, "commit": commit, "sample_rate": 16000, **fields}))

    async def raw(self, frame: str | bytes) -> None:
        await self.socket.send(frame)

    async def next(self) -> Message:
        async with asyncio.timeout(20):
            message: Message = json.loads(await self.socket.recv())
        self.seen.append(message)
        return message

    async def until(self, kind: str) -> Message:
        while (message := await self.next())["message_type"] != kind:
            pass
        return message

    async def final(self) -> str:
        return str((await self.until("committed_transcript"))["text"])

    async def closed(self) -> tuple[int, str]:
        """Reads to the end; code and reason of the close (1006 when there was no close frame)."""
        try:
            while True:
                await self.next()
        except ConnectionClosed as end:
            return (end.rcvd.code, end.rcvd.reason) if end.rcvd else (1006, "")

    @property
    def kinds(self) -> list[str]:
        return [str(message["message_type"]) for message in self.seen]


class Engine:
    """A running engine."""

    def __init__(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def client(self, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[WireClient]:
        url = f"{self.url}{PATH}?model_id=scribe_v2_realtime&{query}"
        async with connect(url, compression=None, additional_headers=headers, close_timeout=0.2) as socket:
            yield WireClient(socket)

    @asynccontextmanager
    async def session(self, query: str = "") -> AsyncIterator[WireClient]:
        """A client whose session has started."""
        async with self.client(query) as client:
            await client.until("session_started")
            client.seen.clear()
            yield client


StartEngine = Callable[..., AbstractAsyncContextManager[Engine]]


@asynccontextmanager
async def reader_engine(
    profile: Profile = PRODUCT, *, rules: list[Message] | None = None, seed: int = 0, api_key: str | None = None
) -> AsyncIterator[Engine]:
    """The engine with the reader of position-coded audio."""
    plan = FaultPlan.from_json(json.dumps({"seed": seed, "rules": rules or []}))
    async with embedded_engine(recognizer="reader", profile=profile, faults=plan, api_key=api_key) as url:
        yield Engine(url)


@pytest.fixture
def start_engine() -> StartEngine:
    return reader_engine


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    async with reader_engine() as running:
        yield running
