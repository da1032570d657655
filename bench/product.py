"""Word errors, processor time and delays through the whole product: upload, transcribe, watch, export.

    python -m bench.product [--files N] [--speech ../shared/speech/dev]

Starts `manage.py up` in a state folder of its own, logs in, uploads every English recording of the folder by the
form, waits until all are done, takes each away as TXT and scores it against its reference text. Then it plays the
sample at the speed of speech and measures, over the browser's socket, how long after its last sample a word was seen,
first as a partial and then as committed text. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jiwer
from websockets.asyncio.client import connect
from whisper_normalizer.english import EnglishTextNormalizer

from bench.engine_common import ROOT, processor_seconds


@dataclass
class Product:
    """A running `manage.py up` and a logged-in client of its pages."""

    process: subprocess.Popen[str]
    base: str
    client: httpx.Client

    def post(self, path: str, data: dict[str, Any] | None = None, files: Any = None) -> httpx.Response:
        """Post a form with the CSRF token of the session."""
        token = self.client.cookies["csrftoken"]
        headers = {"X-CSRFToken": token, "Origin": self.base, "Referer": self.base}
        return self.client.post(path, data=data or {}, files=files, headers=headers, timeout=600)

    def processor_seconds(self) -> float:
        """User and system time of the server and its living descendants, and of those it has reaped."""
        return sum(processor_seconds(pid) + reaped_seconds(pid) for pid in family(self.process.pid))


def reaped_seconds(pid: int) -> float:
    """User and system time of the children that a process has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")  # one for each thread
    children = [int(child) for each in lists for child in each.read_text().split()]
    return [pid, *(each for child in children for each in family(child))]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(folder: Path) -> Product:
    """Start the product in ``folder`` and log in with the password it prints."""
    port = free_port()
    engine = os.environ.get("STTWEB_ENGINE_DIR", str(ROOT / "var" / "engine"))
    environment = os.environ | {"STTWEB_VAR": str(folder), "STTWEB_PORT": str(port), "STTWEB_ENGINE_DIR": engine}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    password = ""
    for line in process.stdout:
        if match := re.match(r"\s+Password\s+(\S+)", line):
            password = match[1]
        if "Next step" in line:
            break
    product = Product(process, f"http://127.0.0.1:{port}", httpx.Client(base_url=f"http://127.0.0.1:{port}"))
    product.client.get("/login")
    answer = product.post("/login", {"login": "owner", "password": password})
    assert answer.status_code == 302, answer.text
    return product


def upload(product: Product, paths: list[Path]) -> dict[str, str]:
    """Upload recordings by the form; return file name -> transcript id."""
    found: dict[str, str] = {}
    for path in paths:
        with path.open("rb") as file:
            answer = product.post("/new", {"links": "", "engine": "embedded"}, [("uploads", (path.name, file))])
        assert answer.status_code in {302, 303}, answer.text[:2000]
        found[path.name] = answer.headers["location"].rstrip("/").rsplit("/", 1)[-1]
    return found


def wait(product: Product, ids: list[str]) -> None:
    """Until every transcript has ended."""
    left = set(ids)
    while left:
        time.sleep(1)
        for each in list(left):
            state = json.loads(product.client.get(f"/s/{each}/export/json").text)["state"]
            if state in {"failed", "cancelled", "paused"}:
                raise SystemExit(f"{each} ended as {state}")
            if state.startswith("completed"):
                left.discard(each)


def texts(product: Product, ids: dict[str, str]) -> dict[str, str]:
    """Each transcript's committed text as exported."""
    exported = {}
    for name, each in ids.items():
        data = json.loads(product.client.get(f"/s/{each}/export/json").text)
        exported[name] = " ".join(segment["text"] for segment in data["segments"])
    return exported


def score(references: dict[str, str], hypotheses: dict[str, str]) -> float:
    """Pooled word error rate after Whisper's English normaliser, as engine.md measures."""
    normal = EnglishTextNormalizer()
    names = sorted(references)
    rate: float = jiwer.wer([normal(references[n]) for n in names], [normal(hypotheses[n]) for n in names])
    return rate


@dataclass
class Sightings:
    """When each word position was first covered, seconds after the first audio left; by end time of the word."""

    started: float = 0.0
    partials: list[tuple[float, int]] = field(default_factory=list)
    commits: list[tuple[float, list[Any]]] = field(default_factory=list)


async def watch_sample(product: Product) -> Sightings:
    """Play the sample and write down what its watcher's socket gets, and when."""
    transcript = product.post("/sample").headers["location"].rstrip("/").rsplit("/", 1)[-1]
    cookie = "; ".join(f"{name}={value}" for name, value in product.client.cookies.items())
    url = f"{product.base.replace('http', 'ws')}/ws/t/{transcript}/"
    seen = Sightings()
    async with connect(url, origin=product.base, additional_headers={"Cookie": cookie}) as watcher:  # type: ignore[arg-type]
        await watcher.send(json.dumps({"type": "hello", "after": 0}))
        async for text in watcher:
            now, message = time.monotonic(), json.loads(text)
            if message["type"] == "session":
                seen.started = now
            elif message["type"] == "partial" and message["data"]["text"]:
                seen.partials.append((now - seen.started, len(message["data"]["text"].split())))
            elif message["type"] == "commit":
                seen.commits.append((now - seen.started, message["data"]["words"]))
            elif message["type"] == "state" and message["data"]["state"].startswith("completed"):
                return seen
    raise SystemExit("the socket closed before the sample was done")


def delays(seen: Sightings) -> tuple[list[float], list[float]]:
    """Seconds from each word's end to the first partial that has it, and to its committed text."""
    partial, committed, done_at = [], [], 0.0
    for at, words in seen.commits:
        for place, word in enumerate(words, 1):
            end = word[2] / 1000
            committed.append(at - end)
            first = [when for when, count in seen.partials if done_at < when < at and count >= place]
            if first:
                partial.append(first[0] - end)
        done_at = at
    return partial, committed


def tell(name: str, values: list[float]) -> None:
    """One line: how many, median and 95th percentile."""
    if not values:
        print(f"{name}: none seen")
        return
    p95 = sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
    print(f"{name}: {len(values)} words, median {statistics.median(values):.2f} s, p95 {p95:.2f} s")


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--speech", type=Path, default=ROOT.parent / "shared" / "speech" / "dev")
    chosen = options.parse_args()
    lines = [json.loads(line) for line in (chosen.speech / "manifest.jsonl").read_text().splitlines()]
    entries = [entry for entry in lines if entry["lang"] == "en"][: chosen.files]
    with tempfile.TemporaryDirectory() as folder:
        product = start(Path(folder))
        try:
            began, used = time.monotonic(), product.processor_seconds()
            ids = upload(product, [chosen.speech / entry["file"] for entry in entries])
            wait(product, list(ids.values()))
            took, used = time.monotonic() - began, product.processor_seconds() - used
            hours = sum(entry["seconds"] for entry in entries) / 3600
            rate = score({entry["file"]: entry["text"] for entry in entries}, texts(product, ids))
            print(
                f"{len(entries)} recordings, {hours * 60:.1f} minutes: word error rate {rate:.2%} through the product"
            )
            print(f"wall time {took:.0f} s ({hours * 3600 / took:.1f} x real time)")
            print(f"CPU {used / hours:.0f} s per hour of audio (server, decoder and recogniser; polling included)")
            partial, committed = delays(asyncio.run(watch_sample(product)))
            tell("from a word's end to its first partial on the watcher's socket", partial)
            tell("from a word's end to its committed text on the watcher's socket", committed)
        finally:
            product.process.send_signal(signal.SIGTERM)
            product.process.wait(30)


if __name__ == "__main__":
    main()
