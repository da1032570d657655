"""How long after words were committed a webhook's receiver and an open page hear of them.

    python -m bench.telling [--commits 200] [--transcripts 5] [--per-second 4] [--no-redis]

Starts `manage.py up` in a state folder of its own with a webhook and a watchlist, and appends commits to transcripts as
the recorder does, at random moments, each with the time in its text. A Redis of its own carries the doorbells from here
to the product; without it nobody rings, and the product finds what was written by looking. A receiver on loopback that
plays the internet (127.0.0.2) and browsers' sockets say when the text, and the hit of the watched word in it, reached
them; the kernel says what processor time the product took, at rest and at work. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.product import Product, free_port, start

OUTSIDE = "127.0.0.2"
#: Seconds for which the product is watched at rest.
REST_S = 20
#: What was heard of -> delays in seconds.
Delays = defaultdict[str, list[float]]


def receive(delays: Delays) -> ThreadingHTTPServer:
    """A receiver of webhooks that answers at once."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            now, body = time.time(), json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            texts = [one["text"] for one in body["data"].get("segments", [])] or [body["data"]["before"]]
            for text in texts:
                note(delays, f"webhook {body['type']}", text, now)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer((OUTSIDE, 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def note(delays: Delays, what: str, text: str, now: float) -> None:
    """The last time that stands in a text as ``said1700000000.123``; before it stands what was said earlier."""
    delays[what].append(now - float(re.findall(r"said(\d+\.\d+)", text)[-1]))


async def watch(product: Product, key: str, delays: Delays, ready: asyncio.Event) -> None:
    """A browser's socket on a transcript, until cancelled."""
    from websockets.asyncio.client import connect

    cookies = "; ".join(f"{name}={value}" for name, value in product.client.cookies.items())
    address = f"ws{product.base.removeprefix('http')}/ws/t/{key}/"
    headers = {"Cookie": cookies, "Origin": product.base}
    async with connect(address, additional_headers=headers) as socket:
        await socket.send('{"type": "hello", "after": 0}')
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "caught_up":
                ready.set()
            elif message["type"] == "alert":
                note(delays, "page alert", message["data"]["before"], time.time())


def prepare(port: int, count: int) -> tuple[Any, list[Any]]:
    """A webhook and a watchlist; the team that the product has made, and transcripts of it."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from transcripts import services
    from transcripts.models import SourceKind, Team, Transcript, Watchlist, Webhook
    from transcripts.webhooks.signing import new_secret

    team, owner = Team.objects.get(), User.objects.get()
    url, events = f"http://{OUTSIDE}:{port}/", ["segment.committed", "alert.hit"]
    Webhook.objects.create(team=team, url=url, events=events, secret=new_secret())
    Watchlist.objects.create(team=team, name="City", terms=["mayor"])
    wanted = services.Submission(title="Council", kind=SourceKind.URL, url="https://media.example.org/a.mp3")
    made = [services.submit(team, owner, wanted, wake=False) for _ in range(count)]
    # Nobody is to work on them.
    Transcript.objects.update(state="completed")
    return team.pk, [row.pk for row in made]


def commit(key: Any, index: int) -> int:
    """Text that says when it was committed; its number in the log."""
    from transcripts.models import EventKind
    from transcripts.models.log import Entry, append

    text = f"the said{time.time():.3f} mayor"
    payload = {"segment": index, "start_ms": index * 1000, "end_ms": index * 1000 + 900, "text": text, "words": []}
    return append(key, [Entry(EventKind.COMMIT, payload)], when={})


async def run(options: argparse.Namespace, product: Product, port: int, delays: Delays) -> None:
    """Everything between start and stop of the product."""
    from transcripts.live import publish

    team, keys = await asyncio.to_thread(prepare, port, options.transcripts)
    signs = [asyncio.Event() for _ in keys]
    watchers = [asyncio.create_task(watch(product, str(k), delays, r)) for k, r in zip(keys, signs, strict=True)]
    await asyncio.gather(*(sign.wait() for sign in signs))
    await asyncio.sleep(3)
    print(f"at rest: {await spent(product, asyncio.sleep(REST_S)) / REST_S * 1000:.1f} ms of processor time a second")
    work = tell(options, team, keys, delays, publish.ring if options.redis else None)
    print(f"at work: {await spent(product, work):.2f} s of processor time for {options.commits} commits")
    for watcher in watchers:
        watcher.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)


async def spent(product: Product, work: Awaitable[object]) -> float:
    """Processor seconds of the product while something is awaited."""
    before = product.processor_seconds()
    await work
    return product.processor_seconds() - before


async def tell(options: argparse.Namespace, team: Any, keys: list[Any], delays: Delays, ring: Any) -> None:
    """Commit at random moments, and wait until everything was heard of."""
    for index in range(options.commits):
        key = random.choice(keys)
        last = await asyncio.to_thread(commit, key, index)
        if ring is not None:
            await ring(key, team, last)
        await asyncio.sleep(random.expovariate(options.per_second))
    until = time.monotonic() + 30
    wanted = ("webhook segment.committed", "webhook alert.hit", "page alert")
    while time.monotonic() < until and any(len(delays[what]) < options.commits for what in wanted):
        await asyncio.sleep(0.2)


@contextmanager
def redis(folder: str, wanted: bool) -> Iterator[dict[str, str]]:
    """A Redis of its own on a free port, as the product's environment."""
    if not wanted:
        yield {}
        return
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    finally:
        server.terminate()
        server.wait(30)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--transcripts", type=int, default=5)
    parser.add_argument("--per-second", type=float, default=4.0)
    parser.add_argument("--no-redis", dest="redis", action="store_false")
    options = parser.parse_args()
    delays: Delays = defaultdict(list)
    server = receive(delays)
    port = server.server_address[1]
    with tempfile.TemporaryDirectory() as folder, redis(folder, options.redis) as layer:
        os.environ |= layer
        os.environ |= {
            "STTWEB_VAR": folder, "FETCH_ALLOW_NETWORKS": f"{OUTSIDE}/32", "FETCH_ALLOW_PORTS": str(port),
            "DJANGO_SETTINGS_MODULE": "sttweb.settings",
        }  # fmt: skip
        product = start(Path(folder))
        try:
            asyncio.run(run(options, product, port, delays))
        finally:
            product.process.send_signal(signal.SIGTERM)
            product.process.wait(30)
    load = os.getloadavg()[0]
    print(f"{options.commits} commits, {options.transcripts} transcripts, load {load:.1f}")
    for what, found in sorted(delays.items()):
        found.sort()
        p50, p95, most = (round(found[int(len(found) * share)] * 1000) for share in (0.5, 0.95, 0.9999))
        print(f"  {what:28} n={len(found)}  p50 {p50} ms  p95 {p95} ms  max {most} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
