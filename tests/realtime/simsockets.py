"""The simulated server on real sockets of the loopback interface, in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.realtime.simserver import Behaviour, SimSession


class SimServer:
    """``script`` says how the n-th session (from 1) behaves; ``sessions`` and ``paths`` remember them."""

    def __init__(self, script: Callable[[int], Behaviour]) -> None:
        self.script = script
        self.sessions: list[SimSession] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.closes: list[tuple[int | None, str | None]] = []
        self.url = ""

    async def handle(self, socket: ServerConnection) -> None:
        loop = asyncio.get_running_loop()
        assert socket.request is not None
        self.paths.append(socket.request.path)
        self.headers.append({name.lower(): value for name, value in socket.request.headers.raw_items()})
        session = SimSession(self.script(len(self.paths)), loop.time())
        self.sessions.append(session)
        writer = asyncio.create_task(self.deliver(socket, session))
        try:
            while True:
                frame = await socket.recv(decode=False)
                session.feed(frame, loop.time())
        except ConnectionClosed:
            self.closes.append((socket.close_code, socket.close_reason))
        finally:
            writer.cancel()

    async def deliver(self, socket: ServerConnection, session: SimSession) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                session.tick(loop.time())
                while session.out and session.out[0][0] <= loop.time():
                    message = session.out.pop(0)[1]
                    if not isinstance(message, str):
                        if message[0] == 1006:
                            socket.transport.abort()
                        else:
                            await socket.close(*message)
                        return
                    await socket.send(message)
                await asyncio.sleep(0.005)
        except ConnectionClosed:
            return


@asynccontextmanager
async def running(script: Callable[[int], Behaviour]) -> AsyncIterator[SimServer]:
    """A server on a free port of the loopback interface."""
    server = SimServer(script)
    async with serve(server.handle, "127.0.0.1", 0, compression=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}"
        yield server
