"""One long live stream through the whole product, and what it does to memory.

    python -m bench.endurance --hours 2 --pace 1 [--csv memory.csv] [--svg docs/images/memory.svg]

Starts `manage.py up` in a state folder of its own with the engine that reads tape (docs/engine.md), plays a radio
station of numbered tape to it over HTTP (5.6 s of sound, 0.8 s of silence, for ever), watches the transcript over a
socket as a browser does, and writes the memory of the server and of its decoder down every ten seconds. After so many
hours it presses *Stop*, compares every word that was stored and every word that was pushed with what was played, draws
the picture and prints the verdict. ``--pace 6`` plays six times as fast. Exit status 1 when a word is lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import signal
import struct
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from bench.memory_plot import draw, read, verdict
from bench.product import Product, family, free_port, start
from transcripts.engine.tape import block_number, make_tape

EVERY_S = 10.0
#: Of so many blocks of 100 ms ...
CYCLE = 64
#: ... these are sound, the rest is silence.
SOUND = 56
SILENCE = bytes(3200)
ENDED = ("completed", "failed", "cancelled")
ENDLESS_WAV = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", 2**32 - 1, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", 2**32 - 1
)


def slot(number: int) -> bytes:
    """What the station plays in its 100 ms ``number``: the next block of tape, or silence."""
    cycle, place = divmod(number, CYCLE)
    return make_tape(cycle * SOUND + place, 1) if place < SOUND else SILENCE


@dataclass
class Station:
    """A radio station; who listens hears what is on now. ``listeners`` counts connections."""

    pace: float
    listeners: int = 0
    _began: float = field(default_factory=time.monotonic)

    def now(self) -> int:
        """The 100 ms that is on air."""
        return int((time.monotonic() - self._began) * 10 * self.pace)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one listener until it hangs up."""
        self.listeners += 1
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/wav\r\nicy-name: Tape\r\n\r\n" + ENDLESS_WAV)
            number = self.now()
            while True:
                while number <= self.now():
                    writer.write(slot(number))
                    number += 1
                await writer.drain()
                await asyncio.sleep(0.1)
        writer.close()


@dataclass
class Pushed:
    """What the transcript's socket told: words in their order, and the number of the last event."""

    words: list[str] = field(default_factory=list)
    last: int = 0
    state: str = ""

    async def follow(self, product: Product, transcript: str) -> None:
        """Watch until the transcript has ended, coming back whenever the socket closes."""
        cookie = "; ".join(f"{name}={value}" for name, value in product.client.cookies.items())
        url = f"{product.base.replace('http', 'ws')}/ws/t/{transcript}/"
        while not self.state.startswith(ENDED):
            with suppress(OSError, WebSocketException):
                headers = {"Cookie": cookie}
                async with connect(url, origin=product.base, additional_headers=headers) as socket:  # type: ignore[arg-type]
                    await socket.send(json.dumps({"type": "hello", "after": self.last}))
                    async for text in socket:
                        self._take(json.loads(text))
                        if self.state.startswith(ENDED):
                            return
            await asyncio.sleep(0.5)

    def _take(self, message: dict[str, object]) -> None:
        if "seq" not in message or message["type"] == "caught_up":
            return
        self.last = int(str(message["seq"]))
        data = message["data"]
        assert isinstance(data, dict)
        if message["type"] == "commit":
            self.words += str(data["text"]).split()
        if message["type"] == "state":
            self.state = data["state"]
            print(f"{time.strftime('%H:%M:%S')} {self.state}", flush=True)


def resident(pid: int) -> float:
    """Resident memory of a process in MB (10^6 bytes); 0 when it is gone."""
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return 0.0


async def sample(product: Product, path: Path, pushed: Pushed, seconds: float) -> None:
    """Write a line every ten seconds, for so many seconds."""
    began = time.monotonic()
    server = product.process.pid
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["seconds", "server_mb", "all_mb", "cpu_s", "descriptors", "words_pushed", "last_seq"])
        while (passed := time.monotonic() - began) < seconds and product.process.poll() is None:
            everything = sum(resident(pid) for pid in family(server))
            descriptors = len(os.listdir(f"/proc/{server}/fd"))
            row = [f"{passed:.0f}", f"{resident(server):.2f}", f"{everything:.2f}"]
            out.writerow([*row, f"{product.processor_seconds():.1f}", descriptors, len(pushed.words), pushed.last])
            file.flush()
            await asyncio.sleep(EVERY_S)


def compare(words: list[str], what: str) -> int:
    """Print how many blocks are lost and doubled between the first and the last word; return their sum."""
    heard = [block_number(word) for word in words]
    played = set(range(heard[0], heard[-1] + 1)) if heard else set()
    lost, doubled = len(played - set(heard)), len(heard) - len(set(heard))
    order = "in order" if heard == sorted(heard) else "OUT OF ORDER"
    print(f"{what}: {len(heard)} words, {lost} lost, {doubled} doubled, {order}")
    return lost + doubled + (heard != sorted(heard)) + (not heard)


async def run(hours: float, pace: float, path: Path, folder: Path) -> int:
    """Play, watch, measure, stop, compare; return how many words are wrong."""
    station = Station(pace)
    port = free_port()
    server = await asyncio.start_server(station.play, "127.0.0.1", port)
    os.environ |= {"STTWEB_ENGINE_RECOGNIZER": "reader", "FETCH_ALLOW_NETWORKS": "127.0.0.0/8"}
    os.environ |= {"FETCH_ALLOW_PORTS": str(port), "STTWEB_MAX_HOURS": str(max(24.0, 2 * hours * pace))}
    product = await asyncio.to_thread(start, folder)
    try:
        form = {"links": f"http://127.0.0.1:{port}/live", "engine": "embedded"}
        answer = await asyncio.to_thread(product.post, "/new", form)
        transcript = answer.headers["location"].rstrip("/").rsplit("/", 1)[-1]
        pushed = Pushed()
        watching = asyncio.create_task(pushed.follow(product, transcript))
        await sample(product, path, pushed, hours * 3600 / pace)
        await asyncio.to_thread(product.post, f"/s/{transcript}/stop")
        await asyncio.wait_for(watching, 120)
        exported = await asyncio.to_thread(product.client.get, f"/s/{transcript}/export/json", timeout=120)
    finally:
        product.process.send_signal(signal.SIGTERM)
        product.process.wait(60)
        server.close()
    stored = [word for segment in exported.json()["segments"] for word in segment["text"].split()]
    print(f"ended as {pushed.state}; {station.listeners} connections to the station, {pushed.last} events")
    return compare(stored, "stored") + compare(pushed.words, "pushed")


def main() -> int:
    """Run, draw and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--hours", type=float, default=2.0, help="hours of audio")
    options.add_argument("--pace", type=float, default=1.0, help="times real time")
    options.add_argument("--csv", type=Path, default=Path("memory.csv"))
    options.add_argument("--svg", type=Path, default=None, help="where to draw the picture")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(run(chosen.hours, chosen.pace, chosen.csv, Path(folder)))
    samples = read(chosen.csv)
    print(verdict(samples))
    if chosen.svg is not None:
        chosen.svg.write_text(draw(samples), "utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
