"""Rights that are lost while sockets are open, on a real server with real sockets: each ends within seconds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
import uvicorn
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.test import Client
from django.utils import timezone
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from sttweb.origins import OwnOrigins
from tests.conftest import async_db
from tests.jobs.test_server import free_port
from transcripts import tokens
from transcripts.access import Scope
from transcripts.incoming import socket
from transcripts.membership import members
from transcripts.models import ApiToken, Role, Team, Transcript
from transcripts.routing import socket_urls

pytestmark = async_db
Open = Callable[..., Awaitable[ClientConnection]]


@pytest.fixture
async def address(transactional_db: None) -> AsyncIterator[str]:
    """The product on a free port."""
    port = free_port()
    guarded = OwnOrigins(AuthMiddlewareStack(URLRouter(socket_urls)), [f"http://127.0.0.1:{port}"])
    application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": guarded})
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="error", lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment, method-assign]
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(60):
        while not server.started:
            await asyncio.sleep(0.01)
    yield f"127.0.0.1:{port}"
    server.should_exit = True
    await serving


@pytest.fixture
async def open_socket(address: str, bob: User) -> AsyncIterator[Open]:
    """``open_socket(path, first message, token=…)``: Bob's, by his session or by a token, after its first answer."""
    made: list[ClientConnection] = []
    client = Client()
    await sync_to_async(client.force_login)(bob)

    async def open_one(path: str, first: dict[str, Any], token: str = "") -> ClientConnection:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {} if token else {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
        origin: Any = None if token else f"http://{address}"
        one = await connect(f"ws://{address}{path}", additional_headers=headers, origin=origin, open_timeout=60)
        made.append(one)
        await one.send(json.dumps(first))
        async with asyncio.timeout(60):
            await one.recv()
        return one

    yield open_one
    for one in made:
        await one.close()


@pytest.fixture
async def sockets(open_socket: Open, team: Team, make_transcript: Any) -> dict[str, ClientConnection]:
    """What Bob has open: a transcript, the board, and the sound that he sends."""
    transcript: Transcript = await sync_to_async(make_transcript)()
    hello = {"type": "hello", "after": 0}
    return {
        "transcript": await open_socket(f"/ws/t/{transcript.pk}/", hello),
        "board": await open_socket(f"/ws/board/{team.pk}/", hello),
        "sound": await open_socket("/ws/audio/", {"type": "start", "sample_rate": 16_000}),
    }


async def ending(one: ClientConnection) -> int:
    """The code with which the server ends it. What it says before is passed over."""
    async with asyncio.timeout(60):
        try:
            while True:
                await one.recv()
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 0


async def stays(one: ClientConnection) -> None:
    """It still answers."""
    await one.send(json.dumps({"type": "hello", "after": 0}))
    async with asyncio.timeout(60):
        await one.recv()


def removed(bob: User, alice: User, team: Team) -> None:
    members.remove(team, alice, bob.pk)


def left(bob: User, alice: User, team: Team) -> None:
    members.leave(team, bob)


def switched_off(bob: User, alice: User, team: Team) -> None:
    bob.is_active = False
    bob.save()


def another_password(bob: User, alice: User, team: Team) -> None:
    bob.set_unusable_password()
    bob.save()


def logged_out_everywhere(bob: User, alice: User, team: Team) -> None:
    from django.contrib.sessions.models import Session

    Session.objects.all().delete()
    # What ending other sessions on the account's page does.
    from transcripts.live.rights import look_again

    look_again(bob.pk)


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (removed, 4404),
        (left, 4404),
        (switched_off, 4401),
        (another_password, 4401),
        (logged_out_everywhere, 4401),
    ],
)
async def test_whoever_loses_the_team_or_the_account_loses_every_socket(
    sockets, bob, alice, team, happens, code
) -> None:
    await asyncio.to_thread(happens, bob, alice, team)
    assert {name: await ending(one) for name, one in sockets.items()} == dict.fromkeys(sockets, code)


async def test_another_role_ends_what_it_does_not_allow_and_nothing_else(sockets, bob, alice, team) -> None:
    await asyncio.to_thread(members.change_role, team, alice, bob.pk, Role.VIEWER)
    assert await ending(sockets["sound"]) == 4403
    await stays(sockets["transcript"])
    await stays(sockets["board"])


def revoked(token: ApiToken) -> None:
    tokens.revoke(token, token.person)


def expired(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def without_scope(token: ApiToken) -> None:
    ApiToken.objects.filter(pk=token.pk).update(scopes=["read"])


@pytest.mark.parametrize(("happens", "code"), [(revoked, 4401), (expired, 4401), (without_scope, 4403)])
async def test_a_program_loses_its_socket_with_its_token(open_socket, team, bob, happens, code) -> None:
    token, text = await sync_to_async(tokens.make)(team, bob, "mixer", [Scope.SUBMIT, Scope.READ], 1)
    one = await open_socket("/ws/audio/", {"type": "start", "sample_rate": 16_000}, token=text)
    await asyncio.to_thread(happens, token)
    assert await ending(one) == code


def test_a_few_seconds_are_a_few_seconds() -> None:
    """The other sockets are told at once (tests/live/test_access.py)."""
    assert socket.BEAT_SECONDS <= 5
