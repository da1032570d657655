"""Sockets of other sites and of addresses that name nothing: refused before the handshake, without a traceback."""

from __future__ import annotations

import asyncio
import logging

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from sttweb.asgi import application
from tests.conftest import MakeTranscript, async_db
from tests.live.conftest import log_in

pytestmark = async_db

ID = "0198c9c4-0000-7000-8000-000000000000"


def opening(path: str, client: Client, origin: bytes | None) -> WebsocketCommunicator:
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
    headers = [(b"cookie", cookies.encode()), *([(b"origin", origin)] if origin is not None else [])]
    return WebsocketCommunicator(application, path, headers=headers)


async def accepted(path: str, client: Client, origin: bytes | None) -> bool:
    socket = opening(path, client, origin)
    taken, _code = await socket.connect(timeout=60)
    if taken:
        await socket.disconnect()
    return bool(taken)


@pytest.fixture
def own_origin() -> bytes:
    return next(origin for origin in settings.TRUSTED_ORIGINS if "://" in origin and ":*" not in origin).encode()


@pytest.fixture
async def path(make_transcript: MakeTranscript) -> str:
    return f"/ws/t/{(await asyncio.to_thread(make_transcript)).pk}/"


async def test_the_own_page_gets_its_socket(path: str, bob: User, own_origin: bytes) -> None:
    assert await accepted(path, await asyncio.to_thread(log_in, bob), own_origin)


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example", b"http://evil.example:8000", None, b"null", b"", b"http://[", b"http://localhost:99999",
        b"https://localhost:8000", b"http://localhost:8001", b"http://localhost.evil.example:8000",
        b"http://evil.example/http://localhost:8000", b"\xff\xfe", b"file://",
    ],
    ids=repr,
)  # fmt: skip
async def test_a_socket_of_another_origin_is_refused_whoever_is_logged_in(
    path: str, bob: User, origin: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    client = await asyncio.to_thread(log_in, bob)
    with caplog.at_level(logging.ERROR):
        assert not await accepted(path, client, origin)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "path",
    [
        "/ws/t/not-an-id/",
        "/ws/t/" + "a" * 300 + "/",
        "/ws/t/a b!/",
        f"/ws/t/{ID}/../x/",
        "/ws/",
        "/",
        "/ws/t/%00/",
    ],
    ids=["name", "long", "odd", "path", "folder", "root", "nul"],
)
async def test_an_address_that_names_no_transcript_is_closed_and_not_an_error(
    path: str, bob: User, own_origin: bytes, db: None
) -> None:
    assert not await accepted(path, await asyncio.to_thread(log_in, bob), own_origin)
