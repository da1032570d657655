"""What a delivery to a browser costs, and how late it is: live streams with watchers through the real server.

    python -m bench.fanout [--streams 20] [--watchers 5] [--seconds 10] [--rate 5]

The server (Daphne as `manage.py up` runs it, SQLite, in-memory layer) and the streams run in this process; the
watchers are raw sockets in a child. Each stream sends ``rate`` partials a second and one committed row every two
seconds. Printed: CPU of this process a delivery without what the streams themselves cost (the same run without
watchers), and the delay from the provider's event to the watcher's socket.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench.screenshots import free_port


def watch(port: int, cookie: str, ids: list[str], watchers: int, pipe: Connection) -> None:
    """The child: opens all sockets, says so, and reports the delays in seconds when told to stop."""
    delays = asyncio.run(_watch(port, cookie, ids, watchers, pipe))
    pipe.send(delays)


async def _watch(port: int, cookie: str, ids: list[str], watchers: int, pipe: Connection) -> list[float]:
    from websockets.asyncio.client import connect

    delays: list[float] = []
    origin = f"http://127.0.0.1:{port}"

    async def one(stream: str, ready: asyncio.Event) -> None:
        headers = {"Cookie": cookie, "Origin": origin}
        async with connect(
            f"ws://127.0.0.1:{port}/ws/t/{stream}/", additional_headers=headers, compression=None
        ) as socket:
            await socket.send('{"type":"hello","after":0}')
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "caught_up":
                    ready.set()
                elif ready.is_set() and "sent" in message["data"].get("text", ""):
                    delays.append(time.monotonic() - float(message["data"]["text"].split()[-1]))

    tasks = []
    for stream in ids * watchers:
        ready = asyncio.Event()
        tasks.append(asyncio.create_task(one(stream, ready)))
        await ready.wait()
    pipe.send("ready")
    while not pipe.poll():
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return delays


async def speak(rows: list[Any], seconds: float, rate: float) -> None:
    """All streams at once, out of step with each other."""
    await asyncio.gather(*(_speak(row, index, seconds, rate, len(rows)) for index, row in enumerate(rows)))


async def _speak(row: Any, index: int, seconds: float, rate: float, count: int) -> None:
    from transcripts.live import events, publish
    from transcripts.live.threads import in_thread

    await asyncio.sleep(index / count / rate)
    end = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < end:
        turn += 1
        if turn % round(2 * rate):
            filler = "as long as what people say in a few seconds usually is, with some words more "
            text = events.partial(f"{filler} sent {time.monotonic()}", 0, 0, 1)
            await publish.send_partial(row.pk, text)
        else:
            said = time.monotonic()
            await publish.ring(row.pk, row.team_id, await in_thread(write, row, said))
        await asyncio.sleep(1 / rate)


def write(row: Any, said: float) -> int:
    """One committed row, as the recorder writes it."""
    from transcripts.models import EventKind
    from transcripts.models.log import Entry, append

    words = [["word", 0, 100, 0.9]] * 8
    payload = {"segment": 0, "start_ms": 0, "end_ms": 900, "text": f"sent {said}", "words": words}
    return append(row.pk, [Entry(EventKind.COMMIT, payload)], when={})


def prepare(streams: int) -> tuple[list[Any], str]:
    """Rows to watch, and the cookie of somebody who may."""
    from django.contrib.auth.models import User
    from django.test import Client

    from transcripts import services
    from transcripts.models import Membership, Role, SourceKind, Team

    team, user = Team.objects.create(name="Bench"), User.objects.create_user("bench")
    Membership.objects.create(team=team, user=user, role=Role.OWNER)
    submission = services.Submission(title="Stream", kind=SourceKind.SAMPLE)
    rows = [services.submit(team, user, submission, wake=False) for _ in range(streams)]
    client = Client()
    client.force_login(user)
    return rows, f"sessionid={client.cookies['sessionid'].value}"


async def measure(options: argparse.Namespace, rows: list[Any], cookie: str, port: int) -> None:
    """Run without and with watchers and print the difference."""
    cpu = time.process_time()
    await speak(rows, options.seconds, options.rate)
    alone = time.process_time() - cpu
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    ids = [str(row.pk) for row in rows]
    child = context.Process(target=watch, args=(port, cookie, ids, options.watchers, theirs))
    child.start()
    await asyncio.to_thread(ours.recv)
    cpu = time.process_time()
    await speak(rows, options.seconds, options.rate)
    watched = time.process_time() - cpu
    await asyncio.sleep(0.5)
    ours.send("stop")
    delays = await asyncio.to_thread(ours.recv)
    child.join()
    cuts = [1000 * cut for cut in quantiles(delays, n=100)]
    print(f"{len(rows)} streams x {options.watchers} watchers, {options.rate:g} events/s each, {options.seconds:g} s")
    print(f"deliveries          {len(delays)}")
    print(
        f"CPU a delivery      {1e6 * (watched - alone) / len(delays):.0f} us ({watched:.2f} s, {alone:.2f} s unwatched)"
    )
    print(f"event to socket     p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms")


def main() -> int:
    """Serve, measure, stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--watchers", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=5)
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sttweb-fanout-") as var:
        os.environ |= {"STTWEB_VAR": var, "STTWEB_PORT": str(port), "DJANGO_SETTINGS_MODULE": "sttweb.settings"}
        os.environ |= {"DATABASE_URL": "", "REDIS_URL": "", "STTWEB_LOG_LEVEL": "ERROR"}
        # Daphne's reactor before anything else makes a loop.
        import django
        from daphne.server import twisted_loop
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        rows, cookie = prepare(options.streams)
        return serve(options, rows, cookie, port, Path(var), twisted_loop)


def serve(options: argparse.Namespace, rows: list[Any], cookie: str, port: int, var: Path, loop: Any) -> int:
    """The server with the measurement as its background work."""
    from sttweb.asgi import application
    from sttweb.server import Server

    async def background() -> None:
        try:
            await measure(options, rows, cookie, port)
        finally:
            loop.call_soon(server.stop)
            await asyncio.Event().wait()

    server = Server(
        application,
        "127.0.0.1",
        port,
        max_body=1_000_000,
        body_dir=var,
        background=background,
        stop_background=lambda: server._work.cancel() if server._work else None,
    )
    return server.serve()


if __name__ == "__main__":
    sys.exit(main())
