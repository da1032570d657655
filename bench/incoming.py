"""How long after a word was spoken it stands on a watcher's page, for sound that a client sends over the audio socket.

    python -m bench.incoming [--form pcm_s16le] [--minutes 1]

Starts the whole product (`manage.py up`, real recogniser) on a folder of its own, plays the packaged sample again and
again at the speed of speech over ``/ws/audio/``, and takes the time at which each word is first part of a guess or of
settled text. The word's end is the engine's own (word times); the network is loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import http.cookiejar
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[1]
#: Bytes a second of each form as it is sent at the speed of speech; an encoded one is sent in equal parts.
FORMS = {
    "pcm_s16le": (16_000, ["-f", "s16le", "-ar", "16000", "-ac", "1"]),
    "mulaw": (8_000, ["-f", "mulaw", "-ar", "8000", "-ac", "1"]),
    "webm": (16_000, ["-f", "webm", "-c:a", "libopus", "-b:a", "32k", "-ac", "1"]),
}
PIECE_S = 0.1


@dataclass
class Heard:
    """What came back: all words in order with the seconds after the start at which each was first seen and at which it
    was spoken (None without word times); ``state`` at the end."""

    seen: list[float] = field(default_factory=list)
    spoken: list[float] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    ended: bool = False

    def take(self, message: dict[str, Any], now: float) -> None:
        """One message of the socket."""
        kind, data = message["type"], message.get("data", {})
        if kind == "partial":
            self._show(len(self.words) + len(data["text"].split()), now)
        elif kind == "commit":
            self.words += data["text"].split()
            self.spoken += [word[2] / 1000 for word in data.get("words") or ()]
            self._show(len(self.words), now)
        self.ended = self.ended or kind == "ended"

    def _show(self, count: int, now: float) -> None:
        self.seen += [now] * (count - len(self.seen))

    def delays(self) -> list[float]:
        """Seconds from the end of each word to its first sight; those that were guessed ahead of their end count 0."""
        return [max(0.0, seen - spoken) for seen, spoken in zip(self.seen, self.spoken, strict=False)]


def encoded(form: str, source: Path, times: int = 1) -> bytes:
    """The recording, ``times`` in a row, as a client of that form sends it."""
    from transcripts.media.ffmpeg import find_program

    command = [find_program(), "-loglevel", "error", "-stream_loop", str(times - 1), "-i", str(source)]
    return subprocess.run([*command, *FORMS[form][1], "pipe:1"], capture_output=True, check=True).stdout


def cookies_of(origin: str, name: str, password: str) -> str:
    """A logged-in session, as the header Cookie."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = opener.open(f"{origin}/login").read().decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None
    form = {"login": name, "password": password, "csrfmiddlewaretoken": found[1]}
    opener.open(f"{origin}/login", urllib.parse.urlencode(form).encode())
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


async def send(origin: str, cookies: str, form: str, data: bytes, seconds: float | None) -> Heard:
    """Send ``data`` in ``seconds`` (None: at once) and listen until all is written down."""
    heard, start = Heard(), {"type": "start", "title": f"Sent as {form}", "format": form, "preset": "live"}
    url = origin.replace("http", "ws", 1) + "/ws/audio/"
    headers = {"Cookie": cookies}
    async with connect(url, origin=origin, additional_headers=headers, max_size=None) as wire:  # type: ignore[arg-type]
        await wire.send(json.dumps(start | {"sample_rate": FORMS[form][0], "options": {"include_timestamps": True}}))
        while json.loads(await wire.recv())["type"] != "ready":
            pass
        began = time.monotonic()
        speaking = asyncio.create_task(_speak(wire, data, seconds, began))
        async for text in wire:
            heard.take(json.loads(text), time.monotonic() - began)
        await speaking
    return heard


async def _speak(wire: Any, data: bytes, seconds: float | None, began: float) -> None:
    pieces = max(1, round((seconds or 1.0) / PIECE_S))
    size = -(-len(data) // pieces)
    for number in range(pieces):
        await wire.send(data[number * size : (number + 1) * size] or b"")
        if seconds is not None:
            await asyncio.sleep(max(0.0, began + (number + 1) * PIECE_S - time.monotonic()))
    await wire.send(json.dumps({"type": "stop"}))


def until_up(process: subprocess.Popen[str]) -> str:
    """The password that the first start prints."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Next step" in line:
            break
    found = re.search(r"Password\s+(\S+)", printed)
    assert found is not None, printed
    return found[1]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", choices=FORMS, action="append")
    parser.add_argument("--minutes", type=float, default=1.0)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sttweb.settings")
    from transcripts.media.sample import find_sample

    sample = find_sample()
    assert sample is not None
    with wave.open(str(sample.path)) as file:
        length = file.getnframes() / file.getframerate()
    times = max(1, round(options.minutes * 60 / length))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sttweb-incoming-") as var:
        variables = {**os.environ, "STTWEB_VAR": var, "STTWEB_PORT": str(port), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, str(ROOT / "manage.py"), "up"]
        with subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as up:
            origin = f"http://127.0.0.1:{port}"
            cookies = cookies_of(origin, "owner", until_up(up))
            for form in options.form or FORMS:
                data = encoded(form, sample.path, times)
                _print(form, asyncio.run(send(origin, cookies, form, data, times * length)))
            up.send_signal(signal.SIGTERM)
    return 0


def _print(form: str, heard: Heard) -> None:
    delays = sorted(heard.delays())
    p50, p95 = statistics.median(delays), delays[int(0.95 * (len(delays) - 1))]
    load = os.getloadavg()[0]
    print(f"{form:10} {len(delays):4} words: spoken to seen p50 {p50:.2f} s, p95 {p95:.2f} s (load {load:.1f})")


if __name__ == "__main__":
    raise SystemExit(main())
