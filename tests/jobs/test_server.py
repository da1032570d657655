"""The one-process server, as its own process: what it refuses, and how it stops."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.jobs.tiny_server import MAX_BODY, SMALL_BODY


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(*arguments: str, port: int | None = None) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.jobs.tiny_server", str(port), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def post(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, body, {"Content-Type": "multipart/form-data; boundary=x", "X-Name": "alice"})
    try:
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_zero(number: int) -> None:
    with serving() as (process, port):
        until_ready(process)
        assert post(port, "/", b"")[0] == 200
        code, out, err = stop(process, number)
    assert (code, err) == (0, "")
    assert "background stopped in order" in out


def test_a_large_body_reaches_the_application_piece_by_piece() -> None:
    with serving() as (process, port):
        until_ready(process)
        status, text = post(port, "/", bytes(300_000))
        assert (status, text) == (200, b"300000 bytes in 5")
        assert post(port, "/", b"abc") == (200, b"3 bytes in 1")
        assert stop(process)[0] == 0


def test_a_body_over_the_limit_is_refused_by_its_announced_length() -> None:
    with serving() as (process, port):
        until_ready(process)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1))
            assert client.recv(100).startswith(b"HTTP/1.1 413 ")
        assert stop(process)[0] == 0


def test_a_body_of_unknown_length_is_refused_where_it_passes_the_limit() -> None:
    with serving() as (process, port):
        until_ready(process)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nX-Name: alice\r\nTransfer-Encoding: chunked\r\n\r\n")
            client.sendall(b"%x\r\n" % (MAX_BODY + 1) + bytes(MAX_BODY + 1))
            assert client.recv(100).startswith(b"HTTP/1.1 413 ")
        assert stop(process)[0] == 0


def said(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    client.settimeout(20)
    told = b""
    try:
        while piece := client.recv(65_536):
            told += piece
    except ConnectionResetError:
        pass  # it did not read all that was sent
    return told


@pytest.mark.parametrize("head", ["Content-Length: 300000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(("name", "status"), [("mallory", b"403"), ("broken", b"503"), ("alice", b"200")])
def test_a_large_body_is_only_taken_from_people_who_are_known(head: str, name: str, status: bytes) -> None:
    with serving() as (process, port):
        until_ready(process)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(
                f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Name: {name}\r\n{head}\r\n\r\n".encode()
            )
            body = b"%x\r\n" % 300_000 + bytes(300_000) + b"\r\n0\r\n\r\n" if "chunked" in head else bytes(300_000)
            sender = threading.Thread(target=_send_quietly, args=(client, body))
            sender.start()
            assert said(client).startswith(b"HTTP/1.1 " + status)
            sender.join(60)
        assert stop(process)[0] == 0


def _send_quietly(client: socket.socket, body: bytes) -> None:
    with suppress(OSError):
        client.sendall(body)


def test_an_endless_body_of_a_stranger_is_not_read_and_not_kept() -> None:
    """What the system takes over for the server is little; nothing of the rest is read while it finds out."""
    with serving() as (process, port):
        until_ready(process)
        sent = 0
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            piece = b"%x\r\n" % 16_384 + bytes(16_384) + b"\r\n"
            with suppress(OSError):
                while sent < 200_000_000:
                    client.sendall(piece)
                    sent += len(piece)
        assert sent < 20_000_000
        assert post(port, "/", b"abc") == (200, b"3 bytes in 1")


def test_a_path_may_have_a_limit_of_its_own() -> None:
    with serving() as (process, port):
        until_ready(process)
        assert post(port, "/small/1?offset=0", bytes(SMALL_BODY))[0] == 200
        assert post(port, "/large", bytes(SMALL_BODY + 1))[0] == 200
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            head = b"PUT /small/1?offset=0 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            client.sendall(head % (SMALL_BODY + 1))
            assert client.recv(100).startswith(b"HTTP/1.1 413 ")
        assert stop(process)[0] == 0


def test_a_body_that_the_disk_has_no_room_for_is_refused_with_a_sentence_that_arrives() -> None:
    with serving("full") as (process, port):
        until_ready(process)
        status, text = post(port, "/", bytes(300_000))
        assert status == 507
        assert b"Ask its operator for space" in text
        assert post(port, "/", b"abc") == (200, b"3 bytes in 1")
        assert stop(process)[0] == 0


def test_sockets_hear_that_it_is_a_restart() -> None:
    with serving() as (process, port):
        until_ready(process)
        with connect(f"ws://127.0.0.1:{port}/") as client:
            ended = []
            reader = threading.Thread(target=lambda: ended.append(_code_of(client)))
            reader.start()
            code, out, err = stop(process)
            reader.join(60)
    assert (code, err) == (0, "")
    assert ended == [1012]
    assert "socket closed in order" in out


def _code_of(client: object) -> int | None:
    try:
        client.recv()  # type: ignore[attr-defined]
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
    return None


def test_a_request_that_runs_may_end() -> None:
    with serving() as (process, port):
        until_ready(process)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(post(port, "/slow", b"")))
        asking.start()
        time.sleep(0.3)
        assert stop(process)[0] == 0
        asking.join(60)
    assert answers == [(200, b"0 bytes in 1")]


def test_neither_a_stuck_request_nor_half_a_body_nor_a_fresh_socket_holds_it_up() -> None:
    """Daphne itself stumbles over connections without an application, and leaves the others uncancelled."""
    with serving() as (process, port):
        until_ready(process)
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
        stuck = socket.create_connection(("127.0.0.1", port))
        stuck.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
        with connect(f"ws://127.0.0.1:{port}/"):
            code, out, _ = stop(process)
        half.close()
        stuck.close()
    assert code == 0
    assert "background stopped in order" in out


def test_a_port_that_is_taken_is_named_and_the_exit_code_says_so() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with serving(port=port) as (process, _):
            out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert f"Port {port} is already in use" in out
    assert not out.startswith("ready")


def test_background_work_that_dies_takes_the_process_with_it() -> None:
    with serving("dies") as (process, _):
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "The background work stopped" in out
    assert "the group died" in err
