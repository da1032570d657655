"""Two loopback addresses play the internet: 127.0.0.2 is "public" (by policy), 127.0.0.1 is the inside, where a canary
counts whoever gets through. Recordings are synthesised and encoded by the product's own decoder program."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from transcripts.media.errors import FetchError
from transcripts.media.ffmpeg import find_program
from transcripts.media.guard import Address, Policy
from transcripts.media.network import Resolver

PUBLIC = "127.0.0.2"
INSIDE = "127.0.0.1"

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Origin:
    """A scripted HTTP server: path -> handler that writes raw bytes. ``requests`` holds every request head."""

    port: int = 0
    routes: dict[str, Handler] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, path: str, host: str = PUBLIC) -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes, *headers: str, status: str = "200 OK", length: bool = True) -> str:
        """Answer ``path`` with ``body``; returns its URL."""
        lines = [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if length else [])]
        self.routes[path] = raw(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        return self.url(path)

    def redirect(self, path: str, location: str) -> str:
        return self.serve(path, b"", f"Location: {location}", status="302 Found")

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            await self.routes[head.split(" ")[1]](writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


def raw(data: bytes) -> Handler:
    """A handler that writes ``data`` and hangs up."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return write


@dataclass
class Canary:
    """Stands on the inside; nobody may ever connect."""

    port: int
    connections: int = 0

    async def handle(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        writer.close()


async def _closed(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    site = Origin()
    server = await asyncio.start_server(site.handle, PUBLIC, 0)
    site.port = server.sockets[0].getsockname()[1]
    yield site
    await _closed(server)


@pytest.fixture
async def canary(origin: Origin) -> AsyncIterator[Canary]:
    """On the same port as the origin, so that only the address tells them apart."""
    bird = Canary(origin.port)
    server = await asyncio.start_server(bird.handle, INSIDE, origin.port)
    yield bird
    await _closed(server)


@pytest.fixture
def policy(origin: Origin) -> Policy:
    return Policy(allow_networks=(ipaddress.ip_network(f"{PUBLIC}/32"),), allow_ports=frozenset({origin.port}))


def names(table: dict[str, Sequence[Sequence[str]]]) -> Resolver:
    """A resolver that gives each name its answers in turn, the last one for ever."""
    left = {name: list(answers) for name, answers in table.items()}

    async def resolve(host: str) -> list[Address]:
        if host not in left:
            raise FetchError("source_not_found", "There is no host of that name.")
        answers = left[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ipaddress.ip_address(text) for text in found]

    return resolve


@dataclass(frozen=True)
class Recordings:
    """The same 12 s of synthetic sound in many coats; attribute access by file name: ``recordings / "a.mp3"``."""

    folder: Path

    def __truediv__(self, name: str) -> Path:
        return self.folder / name


def ffmpeg(*arguments: str | os.PathLike[str]) -> None:
    subprocess.run([find_program(), "-v", "error", "-nostdin", "-y", *arguments], check=True, timeout=60)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    folder = tmp_path_factory.mktemp("recordings")
    wav = folder / "a.wav"
    _synthesise(wav, seconds=12.0)
    for name in ("a.mp3", "a.m4a", "a.ogg", "a.opus", "a.webm", "a.flac", "a.ts", "a.aac", "a.mkv", "a.avi", "a.wma"):
        ffmpeg("-i", wav, folder / name)
    picture = ("-f", "lavfi", "-i", "testsrc=d=3:s=64x64")
    ffmpeg(*picture, "-i", wav, "-t", "3", "-c:v", "libx264", folder / "video.mp4")
    ffmpeg(*picture, "-itsoffset", "1.0", "-i", wav, "-t", "3", "-c:v", "libx264", folder / "late-sound.mp4")
    ffmpeg(*picture, "-c:v", "libx264", folder / "silent-film.mp4")
    ffmpeg(*picture, "-frames:v", "1", folder / "cover.png")
    ffmpeg("-i", wav, "-i", folder / "cover.png", "-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v",
           "attached_pic", "-metadata", "title=A red\u202e title", folder / "cover.mp3")  # fmt: skip
    return Recordings(folder)


def _synthesise(path: Path, seconds: float) -> None:
    """Gliding tones under noise bursts, stereo 44.1 kHz: sound that codecs have to work for."""
    rate = 44_100
    time = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(7).normal(0, 0.05, (time.size, 2))
    tones = 0.3 * np.sin(2 * np.pi * (200 + 40 * time) * time) * (np.sin(2 * np.pi * 1.3 * time) > -0.4)
    samples = ((tones[:, None] + noise) * 32_000).clip(-32_768, 32_767).astype("<i2")
    subprocess.run(
        [find_program(), "-v", "error", "-y", "-f", "s16le", "-ar", str(rate), "-ac", "2", "-i", "pipe:0", path],
        input=samples.tobytes(), check=True, timeout=60,
    )  # fmt: skip
