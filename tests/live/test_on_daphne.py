"""The server that people start: sends wait for a browser that does not read, and every length of message arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.jobs.test_server import free_port
from tests.live.pouring_server import MANY, SIZES
from transcripts.live.outbox import TOO_SLOW


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The pouring application on our server, in a process of its own."""
    port = free_port()
    # Not in development mode, which complains about a busy machine.
    command = [sys.executable, "-W", "error", "-m", "tests.live.pouring_server", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process, port
    process.terminate()
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def read_to_the_end(socket: ClientConnection) -> list[str]:
    texts = []
    try:
        while True:
            texts.append(str(socket.recv(timeout=60)))
    except ConnectionClosed:
        return texts


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_message_of_any_length_arrives_whole(server):
    _, port = server
    with connect(f"ws://127.0.0.1:{port}/all", compression=None) as socket:
        texts = [str(socket.recv(timeout=60)) for _ in SIZES]
    assert [len(text.encode()) for text in texts] == list(SIZES)
    assert all(set(text) <= {"ü", "x"} for text in texts)


def test_a_browser_that_reads_gets_everything_in_order(server):
    process, port = server
    with connect(f"ws://127.0.0.1:{port}/flood", compression=None) as socket:
        texts = [str(socket.recv(timeout=60)) for _ in range(MANY)]
    assert [int(text.split()[0]) for text in texts] == list(range(MANY))
    assert said(process) == "nobody was slow"
    assert said(process) == "gone"


def test_a_browser_that_stops_reading_is_told_apart_and_given_up(server):
    process, port = server
    with connect(f"ws://127.0.0.1:{port}/flood", compression=None, max_queue=1) as socket:
        assert said(process) == f"closing {TOO_SLOW}"
        texts = read_to_the_end(socket)
        assert said(process) == "gone"
    numbers = [int(text.split()[0]) for text in texts]
    assert numbers == list(range(len(numbers)))
    assert 0 < len(numbers) < MANY
