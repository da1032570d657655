"""A small application on our server, for tests that need no product: ``python -m tests.jobs.tiny_server PORT``."""

# ruff: noqa: T201 - what it prints is what the tests read

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import django

from sttweb import bodies
from sttweb.server import Server

MAX_BODY = 400_000
STRANGER_BODY = 50_000
SMALL_BODY = 1000
stopping = asyncio.Event()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Echoes the number of body bytes, accepts sockets, and is slow when asked."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        print("socket closed in order", flush=True)
        return
    size, pieces, more = 0, 0, True
    while more:
        message = await receive()
        size, pieces, more = size + len(message["body"]), pieces + 1, message["more_body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(0.8)
    if scope["path"] == "/stuck":
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d bytes in %d" % (size, pieces)})


async def knows(headers: Any) -> bool:
    """Only who says a name; takes its time, as a database does."""
    await asyncio.sleep(0.2)
    if (b"x-name", b"broken") in headers:
        raise OSError("the list of people is away")
    return (b"x-name", b"alice") in headers


async def background() -> None:
    """Ends when asked, or dies at once when the command line says so."""
    if "dies" in sys.argv:
        raise RuntimeError("the group died")
    await stopping.wait()
    await asyncio.sleep(0.1)
    print("background stopped in order", flush=True)


def main() -> int:
    if os.environ.get("TINY_SETTINGS"):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sttweb.settings")
        django.setup()
    if "full" in sys.argv:
        # No disk has so much room.
        bodies.BODY_COPIES = 10**15
    server = Server(
        application,
        "127.0.0.1",
        int(sys.argv[1]),
        max_body=MAX_BODY,
        body_limits={b"/small": SMALL_BODY},
        body_dir=Path(tempfile.gettempdir()),
        stranger_body=STRANGER_BODY,
        knows=knows,
        background=background,
        stop_background=stopping.set,
        ready=lambda: print("ready", flush=True),
    )
    code = server.serve()
    print(server.failure, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
