"""Who may listen: refused before the handshake, refused when a right is lost, and only one command is understood."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from tests.conftest import async_db
from tests.live.conftest import Browser, log_in
from transcripts.live import consumers
from transcripts.models import Membership

pytestmark = async_db


async def refusal(url: str, user: User | None) -> int:
    client = await asyncio.to_thread(log_in, user) if user else None
    browser = Browser(url, client)
    accepted, code = await browser.connect(timeout=30)
    assert not accepted
    return code


@pytest.fixture
async def urls(team, make_transcript) -> list[str]:
    transcript = await asyncio.to_thread(make_transcript)
    return [f"/ws/t/{transcript.pk}/", f"/ws/board/{team.pk}/"]


async def test_strangers_are_refused_before_the_handshake(urls, charlie):
    assert [await refusal(url, charlie) for url in urls] == [4404, 4404]


async def test_nobody_is_refused(urls):
    assert [await refusal(url, None) for url in urls] == [4401, 4401]


async def test_what_does_not_exist_looks_like_what_is_not_yours(bob):
    assert [await refusal(f"/ws/{kind}/{uuid4()}/", bob) for kind in ("t", "board")] == [4404, 4404]


async def test_members_of_every_role_may_listen(urls, browse, alice, bob, victor):
    for user in (alice, bob, victor):
        for url in urls:
            await (await browse(user, url)).hello(after=0)


async def lose_membership(user: User) -> None:
    await Membership.objects.filter(user=user).adelete()


async def be_deactivated(user: User) -> None:
    await User.objects.filter(pk=user.pk).aupdate(is_active=False)


async def log_out(user: User) -> None:
    from django.contrib.sessions.models import Session

    await Session.objects.all().adelete()


async def change_password(user: User) -> None:
    # What a session is bound to is the stored hash; making a real one takes long on a busy machine.
    await User.objects.filter(pk=user.pk).aupdate(password=make_password(None))


@pytest.mark.parametrize(
    ("happening", "code"), [(lose_membership, 4404), (be_deactivated, 4401), (log_out, 4401), (change_password, 4401)]
)
async def test_a_lost_right_closes_open_sockets(urls, browse, bob, monkeypatch, happening, code):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 0.1)
    monkeypatch.setattr(consumers, "HELLO_SECONDS", 1.0)
    browsers = [await browse(bob, url) for url in urls]
    for browser in browsers:
        await browser.hello(after=0)
    await happening(bob)
    assert [await browser.close_code() for browser in browsers] == [code, code]


@pytest.mark.parametrize("happening", [lose_membership, log_out])
async def test_a_lost_right_is_noticed_at_the_next_command(urls, browse, bob, happening):
    browser = await browse(bob, urls[0])
    await browser.hello(after=0)
    await happening(bob)
    await browser.send_json_to({"type": "hello", "after": 0})
    assert await browser.close_code() in (4401, 4404)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("not json", 4400),
        ("[]", 4400),
        ("{}", 4400),
        ('{"type": "stop"}', 4400),
        ('{"type": "hello", "after": -1}', 4400),
        ('{"type": "hello", "after": true}', 4400),
        ('{"type": "hello", "after": "1"}', 4400),
        ('{"type": "hello", "after": 1e400}', 4400),
        (f'{{"type": "hello", "after": {2**70}}}', 4400),
        ("[" * 30_000, 4400),
        ("x" * 65_537, 4413),
    ],
)
async def test_anything_but_the_one_command_ends_the_socket(urls, browse, bob, text, code):
    browser = await browse(bob, urls[0])
    await browser.send_to(text_data=text)
    assert await browser.close_code() == code


async def test_binary_messages_are_not_understood(urls, browse, bob):
    browser = await browse(bob, urls[0])
    await browser.send_to(bytes_data=b"\x00")
    assert await browser.close_code() == 4400


async def test_a_flood_of_commands_ends_the_socket(urls, browse, bob):
    browser = await browse(bob, urls[0])
    for _ in range(200):
        await browser.send_to(text_data=json.dumps({"type": "hello", "after": 0}))
    assert await browser.close_code() == 4429


async def test_who_says_nothing_is_closed(urls, browse, bob, monkeypatch):
    monkeypatch.setattr(consumers, "HELLO_SECONDS", 0.05)
    assert await (await browse(bob, urls[0])).close_code() == 4400


async def test_deleting_a_transcript_closes_its_sockets(urls, browse, bob, monkeypatch):
    from transcripts.live import station
    from transcripts.models import Transcript

    monkeypatch.setattr(station, "POLL_SECONDS", 0.05)
    browser = await browse(bob, urls[0])
    await browser.hello(after=0)
    await asyncio.to_thread(partial(Transcript.objects.all().delete))
    assert await browser.close_code() == 4404
