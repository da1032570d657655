"""An application on our server that pours text at whoever connects: ``python -m tests.live.pouring_server PORT``."""

# ruff: noqa: T201 - what it prints is what the tests read

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings

from sttweb.server import Server
from transcripts.live.outbox import TOO_SLOW, Outbox

#: Every way to write a length, more than any buffer in all, and text that is longer in bytes than in characters.
SIZES = (1, 125, 126, 65_535, 65_536)
MANY = 2000


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """``/all``: one message of each size; ``/flood``: as much as fits, through an outbox, until the reader is stuck."""
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/all":
        for size in SIZES:
            await send({"type": "websocket.send", "text": "ü" * (size // 2) + "x" * (size % 2)})
        await receive()
        await receive()
        return
    await flood(send)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    print("gone", flush=True)


async def flood(send: Any) -> None:
    async def send_text(text: str) -> None:
        await send({"type": "websocket.send", "text": text})

    async def close(code: int) -> None:
        print(f"closing {code}", flush=True)
        await send({"type": "websocket.close", "code": code})

    box = Outbox(send_text, close)
    for number in range(MANY):
        try:
            async with asyncio.timeout(2):
                await box.room()
        except TimeoutError:
            break
        box.push(f"{number} ".ljust(20_000, "x"))
    if box.is_stuck():
        box.shut(TOO_SLOW)
    else:
        print("nobody was slow", flush=True)


def main() -> int:
    settings.configure(STTWEB_VIEWER_BYTES=256 * 1024, STTWEB_VIEWER_SECONDS=0.3)
    server = Server(
        application,
        "127.0.0.1",
        int(sys.argv[1]),
        max_body=1000,
        body_dir=Path(tempfile.gettempdir()),
        ready=lambda: print("ready", flush=True),
    )
    return server.serve()


if __name__ == "__main__":
    sys.exit(main())
