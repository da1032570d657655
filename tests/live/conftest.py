"""Sockets for the tests: the real consumers behind the real routes, with a logged-in session of one of the cast."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from transcripts.models import EventKind, Transcript
from transcripts.models.log import Entry, append
from transcripts.routing import socket_urls

application = AuthMiddlewareStack(URLRouter(socket_urls))


class Browser(WebsocketCommunicator):
    """A socket with the cookies of a person, or of nobody."""

    def __init__(self, url: str, client: Client | None) -> None:
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()) if client else ""
        super().__init__(application, url, headers=[(b"cookie", cookies.encode())])

    async def hello(self, after: int) -> list[dict[str, Any]]:
        """Say hello and return everything up to ``caught_up``."""
        await self.send_json_to({"type": "hello", "after": after})
        messages = [await self.next()]
        while messages[-1]["type"] != "caught_up":
            messages.append(await self.next())
        return messages

    async def next(self, timeout: float = 30) -> dict[str, Any]:
        """The next message."""
        output = await self.receive_output(timeout)
        assert output["type"] == "websocket.send", output
        return json.loads(output["text"])

    async def close_code(self, timeout: float = 30) -> int:
        """Skip what comes before the server's close, and return its code."""
        while True:
            output = await self.receive_output(timeout)
            if output["type"] == "websocket.close":
                return output["code"]


def log_in(user: User) -> Client:
    """A session of the person."""
    client = Client()
    client.force_login(user)
    return client


def write(transcript: Transcript, *texts: str) -> int:
    """Append committed texts to the log, without telling anyone; the last number."""
    entries = [Entry(EventKind.COMMIT, {"text": text, "start_ms": 0, "end_ms": 900}) for text in texts]
    return append(transcript.pk, entries, when={})


awrite = sync_to_async(write)


@pytest.fixture
async def browse() -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    """``await browse(user, url)`` opens a socket that is accepted, and closes it after the test."""
    opened: list[Browser] = []

    async def browse(user: User | None, url: str) -> Browser:
        browser = Browser(url, await sync_to_async(log_in)(user) if user else None)
        opened.append(browser)
        accepted, code = await browser.connect(timeout=30)
        assert accepted, code
        return browser

    yield browse
    for browser in opened:
        await browser.disconnect(timeout=30)
