"""A receiver on a loopback address that plays the public internet (127.0.0.2); 127.0.0.1 stays the inside."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import LazySettings

from transcripts.models import Team, Webhook, WebhookEvent
from transcripts.webhooks import signing

PUBLIC, INSIDE = "127.0.0.2", "127.0.0.1"


@dataclass
class Receiver:
    """A real HTTP server: keeps what it got, answers as told."""

    host: str = PUBLIC
    port: int = 0
    status: int = 200
    answer: bytes = b"thanks"
    location: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    #: Called with each request before it is answered.
    before: Callable[[], object] = lambda: None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    @property
    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]


def serve(receiver: Receiver) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            receiver.before()
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(len(receiver.answer)))
            self.end_headers()
            try:
                self.wfile.write(receiver.answer)
            except ConnectionError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer((receiver.host, 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    made = Receiver()
    server = serve(made)
    settings.FETCH_ALLOW_NETWORKS = ["127.0.0.2/32"]
    settings.FETCH_ALLOW_PORTS = [made.port]
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def canary(settings: LazySettings) -> Iterator[Receiver]:
    """Stands on the inside; its port is allowed, its address is not."""
    made = Receiver(host=INSIDE)
    server = serve(made)
    settings.FETCH_ALLOW_PORTS = [*settings.FETCH_ALLOW_PORTS, made.port]
    yield made
    server.shutdown()
    server.server_close()


MakeHook = Callable[..., Webhook]


@pytest.fixture
def make_hook(team: Team, receiver: Receiver) -> MakeHook:
    def make(*events: WebhookEvent, **fields: Any) -> Webhook:
        values: dict[str, Any] = {"team": team, "url": receiver.url, "secret": signing.new_secret()}
        return Webhook.objects.create(**values | {"events": [str(event) for event in events]} | fields)

    return make


def is_genuine(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """The check of a receiver, written from the scheme's description and sharing nothing with the sender."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    wanted = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    given = [entry.split(",", 1) for entry in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(wanted, value) for version, value in given)


def run(work: Any) -> Any:
    """A coroutine, from a test that is synchronous because its rows are."""
    return asyncio.run(work)
