"""What the server answers before any application: a page for people, JSON for programs, in the asker's language."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from collections.abc import Iterator

import pytest

from sttweb import ownwords
from sttweb.bodies import TOO_LARGE
from tests.jobs.test_server import serving, until_ready

SENTENCE, STEP = TOO_LARGE[2], TOO_LARGE[3]


def test_people_get_a_page_of_ours() -> None:
    kind, body = ownwords.answer(413, SENTENCE, STEP, "text/html,application/xhtml+xml;q=0.9", "")
    page = body.decode()
    assert kind.startswith("text/html")
    assert SENTENCE in page
    assert STEP in page
    assert "<h1>Too large</h1>" in page
    assert "<script" not in page
    assert " style=" not in page


def test_programs_get_a_code_and_the_rest_plain_text() -> None:
    kind, body = ownwords.answer(413, SENTENCE, STEP, "application/json", "")
    assert (kind, json.loads(body)) == (
        "application/json",
        {"code": "too_large", "message": SENTENCE, "next_step": STEP},
    )
    kind, body = ownwords.answer(413, SENTENCE, STEP, "", "")
    assert (kind.partition(";")[0], body.decode()) == ("text/plain", f"{SENTENCE} {STEP}\n")


@pytest.mark.parametrize(
    ("languages", "word"),
    [("de-AT,de;q=0.9", "größer"), ("xx, en;q=0.5", "larger"), ("de" * 9000, "larger"), ("\x00;q=;;", "larger")],
    ids=["german", "unknown", "long", "odd"],
)
def test_in_the_language_of_the_browser(languages: str, word: str) -> None:
    assert word in ownwords.answer(413, SENTENCE, STEP, "text/html", languages)[1].decode()


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The real server with the product's settings, so that it finds the pages."""
    monkeypatch.setenv("TINY_SETTINGS", "1")
    with serving() as (process, port):
        until_ready(process)
        yield port
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def answered(port: int, request: bytes) -> http.client.HTTPResponse:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request)
        response = http.client.HTTPResponse(client)
        response.begin()
        response.page = response.read().decode()  # type: ignore[attr-defined]
    return response


BROWSER = b"Host: x\r\nAccept: text/html\r\nAccept-Language: de\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "word"),
    [
        (b"POST / HTTP/1.1\r\n" + BROWSER + b"Content-Length: 99999999\r\n\r\n", 413, "größer"),
        (b"GET / HTTP/1.1\r\n" + BROWSER + b"X-Note: a\x0bb\r\n\r\n", 400, "Adresse"),
    ],
    ids=["too large", "header"],
)
def test_the_server_itself_answers_with_the_page(port: int, request_bytes: bytes, status: int, word: str) -> None:
    response = answered(port, request_bytes)
    page = response.page  # type: ignore[attr-defined]
    assert response.status == status
    assert word in page
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("char", [b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x85"], ids=repr)
@pytest.mark.parametrize("hidden", [b"X-Forwarded-For: 127.0.0.1", b"Origin: http://localhost"], ids=["for", "origin"])
def test_a_line_hidden_in_a_header_is_never_a_header(port: int, char: bytes, hidden: bytes) -> None:
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + b"A" * 22
    )
    lines = b"GET / HTTP/1.1\r\nHost: x\r\nX-Note: a" + char + hidden + b"\r\n" + upgrade + b"==\r\n\r\n"
    assert answered(port, lines).status == 400
