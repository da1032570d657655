"""F52: browsers that stop reading, beside one that reads."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.faults.machines import LONG, Land, Watcher, figure, rss
from transcripts.live.outbox import TOO_SLOW

_LOG = """
from transcripts import services
from transcripts.models import EventKind, Team
from transcripts.models.log import Entry, append
submission = services.Submission(title="long", kind="url", url="http://a.example.org/a.mp3")
row = services.submit(Team.objects.first(), None, submission, wake=False)
entries = [Entry(EventKind.COMMIT, {"text": "x" * 20_000}) for _ in range(800)]
append(row.pk, entries, when={}, changes={"state": "paused"})
"""


@contextmanager
def deaf(land: Land, transcript: str) -> Iterator[ClientConnection]:
    """A socket that says hello, has 4 KiB for the answers, and does not read them."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.connect(("127.0.0.1", land.visitor.port))
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in land.visitor.jar)
    url = f"ws://127.0.0.1:{land.visitor.port}/ws/t/{transcript}/"
    headers = {"Cookie": cookies}
    with connect(
        url, sock=wire, origin=Origin(land.visitor.origin), additional_headers=headers, max_queue=1, compression=None,
        ping_interval=None, open_timeout=60,
    ) as opened:  # fmt: skip
        opened.send(json.dumps({"type": "hello", "after": 0}))
        yield opened


@pytest.mark.services
@pytest.mark.skipif(not LONG, reason="half a minute for two hundred browsers: make faults")
def test_f52_two_hundred_browsers_that_do_not_read_harm_nobody(land: Land) -> None:
    count = 200
    land.worker(STTWEB_LEASE_SECONDS="20")
    land.run("shell", "-v", "0", "-c", _LOG)
    long = str(land.ask("select id from transcripts_transcript where title = 'long'")[0][0])
    alone, crowded = land.tape(900, pace=30), ""
    before = Watcher(land.visitor, alone).check(land, alone, 60)
    with ExitStack() as stack:
        start = rss(land.web_process.pid)
        slow = [stack.enter_context(deaf(land, long)) for _ in range(count)]
        crowded = land.tape(900, pace=30)
        beside = Watcher(land.visitor, crowded).check(land, crowded, 60)
        most = rss(land.web_process.pid)
        time.sleep(12)
        most = max(most, rss(land.web_process.pid))
        codes = []
        for one in slow:
            with suppress(TimeoutError):
                try:
                    while True:
                        one.recv(timeout=10)
                except ConnectionClosed as closed:
                    codes.append(closed.rcvd.code if closed.rcvd else 0)
    land.check(crowded, 900)
    assert (most - start) / count < 1
    assert codes.count(TOO_SLOW) == count
    each = (most - start) / count
    figure("F52", f"{count} browsers that do not read: all closed with 4408, {each:.2f} MB each; a commit at the one "
                  f"that reads after {beside:.2f} s at most ({before:.2f} s without them)")  # fmt: skip
