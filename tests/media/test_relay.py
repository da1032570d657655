"""The relay is the only network of a caged child: every request on it is judged, and everything it does is bounded."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from tests.media.conftest import Canary, Origin, names, raw
from transcripts.media import relay as module
from transcripts.media.errors import BlockedUrl
from transcripts.media.guard import Policy
from transcripts.media.network import Resolver
from transcripts.media.relay import Relay, read_request, relay

CLOSED = b"HTTP/1.1 403 Forbidden"


class Child:
    """The other end: asks for connections as a caged child does, without opening a socket."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        control.setblocking(True)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._control.sendall(b"c")
        _data, descriptors, _flags, _address = await asyncio.to_thread(socket.recv_fds, self._control, 1, 1)
        if not descriptors:
            raise ConnectionRefusedError
        return await asyncio.open_connection(sock=socket.socket(fileno=descriptors[0]))

    async def ask(self, text: str) -> bytes:
        reader, writer = await self.connect()
        writer.write(text.encode("latin-1"))
        try:
            return await reader.read()
        except ConnectionResetError:  # what was sent was not read to its end
            return b""
        finally:
            writer.close()


@pytest.fixture
def resolver() -> Resolver:
    table = {"site": ["127.0.0.2"], "trap": ["127.0.0.1"], "mixed": ["127.0.0.2", "127.0.0.1"]}
    return names({f"{name}.sttweb.org": [answer] for name, answer in table.items()})


@pytest.fixture
async def at(policy: Policy, resolver: Resolver) -> AsyncIterator[tuple[Relay, Child]]:
    async with relay(policy, resolver) as (serving, theirs):
        yield serving, Child(theirs)


async def test_a_whole_address_is_fetched_under_its_judged_host(at: tuple[Relay, Child], origin: Origin) -> None:
    serving, child = at
    origin.serve("/page", b"hello")
    url = origin.url("/page", "site.sttweb.org")
    answer = await child.ask(f"GET {url} HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: x\r\nCookie: a=b\r\n\r\n")
    assert answer.endswith(b"hello")
    assert serving.refusals == []
    seen = origin.requests[0]
    assert f"Host: site.sttweb.org:{origin.port}\r\n" in seen
    assert "elsewhere" not in seen
    assert "Proxy" not in seen
    assert "Cookie: a=b" in seen


async def test_a_tunnel_carries_both_directions(at: tuple[Relay, Child], origin: Origin) -> None:
    origin.serve("/in", b"through")
    reader, writer = await at[1].connect()
    writer.write(f"CONNECT site.sttweb.org:{origin.port} HTTP/1.1\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET /in HTTP/1.1\r\n\r\n")
    assert (await reader.read()).endswith(b"through")
    writer.close()


@pytest.mark.parametrize(
    "line",
    [
        "GET http://127.0.0.1:{port}/ HTTP/1.1", "GET http://trap.sttweb.org:{port}/ HTTP/1.1",
        "GET http://mixed.sttweb.org:{port}/ HTTP/1.1", "CONNECT 127.0.0.1:{port} HTTP/1.1",
        "CONNECT trap.sttweb.org:{port} HTTP/1.1", "CONNECT [::1]:{port} HTTP/1.1",
        "CONNECT 2130706433:{port} HTTP/1.1",
        "CONNECT localhost:{port} HTTP/1.1", "CONNECT site.sttweb.org:22 HTTP/1.1",
        "CONNECT site.sttweb.org:0 HTTP/1.1",
        "GET file:///etc/passwd HTTP/1.1", "GET ftp://site.sttweb.org/ HTTP/1.1", "GET / HTTP/1.1",
        "GET http://u:p@site.sttweb.org/ HTTP/1.1", "CONNECT u@127.0.0.1:{port} HTTP/1.1", "PRI * HTTP/2.0", "nonsense",
        "CONNECT 169.254.169.254:80 HTTP/1.1", "CONNECT site.sttweb.org:{port}/../@127.0.0.1 HTTP/1.1",
    ],
    ids=lambda line: line.replace("{port}", "P"),
)  # fmt: skip
async def test_what_leads_inside_is_refused_and_never_connected(
    at: tuple[Relay, Child], canary: Canary, origin: Origin, line: str
) -> None:
    serving, child = at
    answer = await child.ask(line.format(port=origin.port) + "\r\n\r\n")
    assert answer.startswith(CLOSED)
    assert isinstance(serving.refusals[0], BlockedUrl)
    assert (canary.connections, origin.requests) == (0, [])


async def test_connections_bytes_heads_and_silence_are_bounded(
    at: tuple[Relay, Child], origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, child = at
    url = origin.url("/big")
    origin.routes["/big"] = raw(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(400_000))
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    assert len(await child.ask(f"GET {url} HTTP/1.1\r\n\r\n")) <= 100_000
    assert serving.refusals[0].code == "page_limits"
    assert await child.ask(f"GET {url} HTTP/1.1\r\n" + "X: " + "a" * 300_000) == b""
    monkeypatch.setattr(module, "IDLE_S", 0.05)
    assert await child.ask("GET") == b""
    monkeypatch.setattr(module, "MAX_CONNECTIONS", 4)
    (await child.connect())[1].close()
    child._control.settimeout(10)
    with pytest.raises((ConnectionError, TimeoutError)):
        await child.connect()


@pytest.mark.parametrize("head", ["GET http://site.sttweb.org/a?b HTTP/1.1\r\nA: 1\r\nConnection: keep-alive\r\nTE: x"])
def test_the_way_on_has_no_lines_of_the_way_to_the_relay(head: str) -> None:
    url, first = read_request(head + "\r\n\r\n", Policy())
    assert str(url) == "http://site.sttweb.org/a?b"
    assert first == b"GET /a?b HTTP/1.1\r\nHost: site.sttweb.org\r\nA: 1\r\nConnection: close\r\n\r\n"
