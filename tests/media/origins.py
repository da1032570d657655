"""Origins for tests on loopback: files with ranges, HLS on demand and live, an Icecast-like radio, feeds. Each one has
its misbehaviours, and keeps every request head, so that a test can say what was fetched and what was not."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from transcripts.media.ffmpeg import find_program

PUBLIC = "127.0.0.2"

Handler = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """``path`` without query; header names in lower case; ``at`` on the monotonic clock."""

    path: str
    query: str
    headers: dict[str, str]
    at: float


class FastClock:
    """A reader's clock that runs ``speed`` times as fast as the wall's."""

    def __init__(self, speed: float) -> None:
        self.speed = speed

    def now(self) -> float:
        return time.monotonic() * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


@dataclass
class Origin:
    """An HTTP server: path -> handler; anything else is 404."""

    port: int = 0
    routes: dict[str, Handler] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://{PUBLIC}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def serve(
        self, path: str, body: bytes | str, *, kind: str = "", status: str = "200 OK", ranges: bool = True
    ) -> str:
        """A whole answer; with ``ranges`` a part of it when one is asked for. Returns the URL."""
        data = body.encode() if isinstance(body, str) else body

        async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
            part = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", "")) if ranges else None
            if part is None:
                write(writer, data, status, *([f"Content-Type: {kind}"] if kind else []))
                return
            first, last = int(part[1]), min(int(part[2]), len(data) - 1)
            write(
                writer,
                data[first : last + 1],
                "206 Partial Content",
                f"Content-Range: bytes {first}-{last}/{len(data)}",
            )

        self.routes[path] = handle
        return self.url(path)

    def redirect(self, path: str, location: str) -> str:
        async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
            write(writer, b"", "302 Found", f"Location: {location}")

        self.routes[path] = handle
        return self.url(path)

    def endless(self, path: str, piece: bytes, *, wait_s: float = 0.0, announced: int | None = None) -> str:
        """``piece`` again and again until the client leaves; ``announced`` is a Content-Length that is never met."""

        async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
            length = [] if announced is None else [f"Content-Length: {announced}"]
            writer.write(head("200 OK", *length))
            while not writer.is_closing():
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(wait_s)

        self.routes[path] = handle
        return self.url(path)

    def cut(self, path: str, body: bytes, announced: int) -> str:
        """Fewer bytes than announced."""

        async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(head("200 OK", f"Content-Length: {announced}") + body)

        self.routes[path] = handle
        return self.url(path)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = _parse((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
            self.requests.append(request)
            await self.routes.get(request.path, _missing)(request, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def running(origin: Origin) -> AsyncIterator[Origin]:
    """``origin`` on a free port of ``PUBLIC``; leaving ends every connection."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(origin.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, PUBLIC, 0)
    origin.port = server.sockets[0].getsockname()[1]
    try:
        yield origin
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


def head(status: str, *lines: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", *lines, "Connection: close", "", "")).encode()


def write(writer: asyncio.StreamWriter, body: bytes, status: str = "200 OK", *lines: str) -> None:
    writer.write(head(status, f"Content-Length: {len(body)}", *lines) + body)


def _parse(text: str) -> Request:
    first, *lines = text.split("\r\n")
    path, _, query = first.split(" ")[1].partition("?")
    pairs = (line.partition(":") for line in lines if line)
    return Request(path, query, {name.lower(): value.strip() for name, _, value in pairs}, time.monotonic())


async def _missing(_: Request, writer: asyncio.StreamWriter) -> None:
    write(writer, b"", "404 Not Found")


def adts(number: int, frames: int = 4) -> bytes:
    """A segment that every judge takes for AAC and that says which one it is: ``frames`` of 100 bytes."""
    header = bytes((0xFF, 0xF1, 0x50, 0x80, 100 >> 3, (100 & 7) << 5 | 0x1F, 0xFC))
    return (header + f"{number:08d}".encode().ljust(93, b"\x00")) * frames


def adts_number(data: bytes) -> int:
    """Which segment ``data`` is."""
    return int(data[7:15])


@dataclass
class LiveList:
    """A live playlist at ``/live.m3u8`` of ``origin`` with segments ``/seg<n>.aac``, ``seconds`` long, in a sliding
    ``window``, published as ``clock`` says. Between the two times of each of ``stalls`` (seconds from the start) the
    playlist stands still; ``absent`` segments answer 404; ``extra`` lines go in front of the segment of that number;
    ``end_after`` segments the list ends."""

    origin: Origin
    clock: FastClock
    seconds: float = 6.0
    window: int = 3
    first: int = 100
    target: str = "6"
    stalls: tuple[tuple[float, float], ...] = ()
    absent: frozenset[int] = frozenset()
    extra: dict[int, str] = field(default_factory=dict)
    end_after: int | None = None
    listed: set[int] = field(default_factory=set)

    def start(self) -> str:
        self._began = self.clock.now()
        self.origin.routes["/live.m3u8"] = self._playlist
        return self.origin.url("/live.m3u8")

    def numbers(self) -> range:
        """The segments listed now."""
        elapsed = self.clock.now() - self._began
        for begin, end in self.stalls:
            elapsed = begin if begin <= elapsed < end else elapsed
        stop = self.first + self.window + int(elapsed / self.seconds)
        if self.end_after is not None:
            stop = min(stop, self.first + self.end_after)
        return range(max(self.first, stop - self.window), stop)

    def text(self) -> str:
        numbers = self.numbers()
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{self.target}", f"#EXT-X-MEDIA-SEQUENCE:{numbers.start}"]
        for number in numbers:
            self._publish(number)
            if number in self.extra:
                lines.append(self.extra[number])
            lines += [f"#EXTINF:{self.seconds},", f"seg{number}.aac"]
        if self.end_after is not None and numbers.stop >= self.first + self.end_after:
            lines.append("#EXT-X-ENDLIST")
        return "\n".join(lines)

    def _publish(self, number: int) -> None:
        self.listed.add(number)
        if number not in self.absent:
            self.origin.routes.setdefault(f"/seg{number}.aac", _body(adts(number)))

    async def _playlist(self, _: Request, writer: asyncio.StreamWriter) -> None:
        write(writer, self.text().encode(), "200 OK", "Content-Type: application/vnd.apple.mpegurl")


def _body(data: bytes) -> Handler:
    async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
        write(writer, data)

    return handle


def recorded(origin: Origin, path: str, lines: Iterable[str]) -> str:
    """A finished playlist at ``path``; lines as given between head and end."""
    text = "\n".join(("#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:6", *lines, "#EXT-X-ENDLIST"))
    return origin.serve(path, text, kind="application/vnd.apple.mpegurl")


def recorded_segments(origin: Origin, count: int) -> list[str]:
    """Lines of ``count`` good segments of 6 s, served at ``/seg<n>.aac``."""
    for number in range(count):
        origin.serve(f"/seg{number}.aac", adts(number))
    return [line for number in range(count) for line in ("#EXTINF:6,", f"seg{number}.aac")]


def make_hls(folder: Path, sound: Path, *options: str) -> Path:
    """A playlist (``folder / out.m3u8``) with its segments from ``sound``, 2 s each, by the product's own FFmpeg, which
    writes TS unless ``options`` say otherwise."""
    folder.mkdir(exist_ok=True)
    base = ("-c:a", "aac", "-b:a", "64k", "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod")
    command = [find_program(), "-v", "error", "-nostdin", "-y", "-i", str(sound), *base, *options, "out.m3u8"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    return folder / "out.m3u8"


def serve_folder(origin: Origin, folder: Path, *, prefix: str = "/", ranges: bool = True) -> None:
    """Every file of ``folder`` under ``prefix``."""
    for file in folder.iterdir():
        origin.serve(prefix + file.name, file.read_bytes(), ranges=ranges)


@dataclass
class Radio:
    """An Icecast-like mount at ``/stream`` of ``origin``: ``media`` again and again, ``rate`` bytes a second, for
    ever or for ``drop_after_s``. Who asks for metadata gets a block after every ``interval`` bytes, with the next of
    ``titles`` whenever it changes; a client that did not ask never sees one."""

    origin: Origin
    media: bytes
    rate: int = 16_000
    interval: int = 8_000
    titles: tuple[str, ...] = ("Morning news", "Weather")
    name: str = "Radio Test"
    drop_after_s: float | None = None
    shoutcast: bool = False

    def start(self) -> str:
        self.origin.routes["/stream"] = self._stream
        return self.origin.url("/stream")

    async def _stream(self, request: Request, writer: asyncio.StreamWriter) -> None:
        metadata = request.headers.get("icy-metadata") == "1"
        lines = ["Content-Type: audio/mpeg", f"icy-name: {self.name}", f"icy-br: {self.rate * 8 // 1000}"]
        if metadata:
            lines.append(f"icy-metaint: {self.interval}")
        answer = head("200 OK", *lines)
        writer.write(answer.replace(b"HTTP/1.1", b"ICY", 1) if self.shoutcast else answer)
        began, position, block = time.monotonic(), 0, 0
        while self.drop_after_s is None or time.monotonic() - began < self.drop_after_s:
            size = self.interval if metadata else max(1, self.rate // 10)
            writer.write(self._piece(position, size))
            position += size
            if metadata:
                writer.write(self._block(block))
                block += 1
            await writer.drain()
            await asyncio.sleep(size / self.rate)

    def _piece(self, position: int, size: int) -> bytes:
        start = position % len(self.media)
        return (self.media[start:] + self.media * (size // len(self.media) + 1))[:size]

    def _block(self, number: int) -> bytes:
        """Length in units of 16 bytes, then the text; a single zero when the title has not changed."""
        if number >= len(self.titles):
            return b"\x00"
        text = f"StreamTitle='{self.titles[number]}';".encode()
        units = -(-len(text) // 16)
        return bytes((units,)) + text.ljust(units * 16, b"\x00")


def podcast(episodes: int, *, title: str = "A podcast", base: str = "https://cdn.sttweb.org/") -> str:
    """An RSS feed, newest episode first."""
    items = "".join(
        f"<item><title>Episode {n} &amp; more</title><guid>{n}</guid>"
        f"<itunes:duration>1:{n % 60:02d}:03</itunes:duration>"
        f"<pubDate>Thu, 01 Jan 2026 08:{n % 60:02d}:00 +0100</pubDate>"
        f'<enclosure url="{base}{n}.mp3" length="{1000 + n}" type="audio/mpeg"/></item>'
        for n in range(episodes, 0, -1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/'
        f'podcast-1.0.dtd"><channel><title>{title}</title><image><title>Not this</title></image>{items}</channel></rss>'
    )
