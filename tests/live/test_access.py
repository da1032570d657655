"""Who may listen: refused before the handshake, refused when a right is lost, and only one command is understood."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import OperationalError

from tests.conftest import async_db
from tests.live.conftest import Browser, log_in
from transcripts.live import consumers, counts, station
from transcripts.live.consumers import LiveConsumer
from transcripts.live.outbox import BROKEN
from transcripts.membership import members
from transcripts.models import Membership, Role, Team

pytestmark = async_db


async def refusal(url: str, user: User | None) -> int | str | None:
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


def be_removed(user: User, owner: User, team: Team) -> None:
    members.remove(team, owner, user.pk)


def leave_by_oneself(user: User, owner: User, team: Team) -> None:
    members.leave(team, user)


def see_the_team_go(user: User, owner: User, team: Team) -> None:
    team.transcripts.all().delete()
    team.delete()


def be_deactivated_in_the_admin(user: User, owner: User, team: Team) -> None:
    user.is_active = False
    user.save()


def get_another_password(user: User, owner: User, team: Team) -> None:
    user.set_unusable_password()
    user.save()


@pytest.mark.parametrize(
    ("happening", "code"),
    [
        (be_removed, 4404),
        (leave_by_oneself, 4404),
        (see_the_team_go, 4404),
        (be_deactivated_in_the_admin, 4401),
        (get_another_password, 4401),
    ],
)
async def test_what_takes_a_right_away_tells_the_sockets_at_once(
    urls, browse, alice, bob, victor, team, monkeypatch, happening, code
):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 3600.0)  # nobody looks by themselves
    monkeypatch.setattr(station, "POLL_SECONDS", 3600.0)
    gone, stays = [await browse(bob, url) for url in urls], await browse(victor, urls[1])
    for browser in [*gone, stays]:
        await browser.hello(after=0)
    await asyncio.to_thread(happening, bob, alice, team)
    assert [await browser.close_code() for browser in gone] == [code, code]
    if happening is not see_the_team_go:
        await stays.hello(after=0)


async def test_another_role_that_may_still_see_keeps_its_sockets(urls, browse, alice, bob, team, monkeypatch):
    monkeypatch.setattr(consumers, "RIGHTS_SECONDS", 3600.0)
    browser = await browse(bob, urls[0])
    await browser.hello(after=0)
    looked = asyncio.Event()
    look = consumers.LiveConsumer._look

    async def seen(self: consumers.LiveConsumer) -> None:
        await look(self)
        looked.set()

    monkeypatch.setattr(consumers.LiveConsumer, "_look", seen)
    await asyncio.to_thread(members.change_role, team, alice, bob.pk, Role.VIEWER)
    async with asyncio.timeout(30):
        await looked.wait()
    await browser.hello(after=0)


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
    from transcripts.models import Transcript

    monkeypatch.setattr(station, "POLL_SECONDS", 0.05)
    browser = await browse(bob, urls[0])
    await browser.hello(after=0)
    await asyncio.to_thread(partial(Transcript.objects.all().delete))
    assert await browser.close_code() == 4404


async def open_socket(url: str, user: User) -> Browser:
    """A socket that the test ends by itself."""
    browser = Browser(url, await asyncio.to_thread(log_in, user))
    accepted, code = await browser.connect(timeout=30)
    assert accepted, code
    return browser


def tasks_of_sockets() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("live.")}


async def test_a_hello_that_the_database_cannot_judge_ends_with_a_code_and_leaves_nothing(
    bob, make_transcript, monkeypatch
):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await open_socket(f"/ws/t/{transcript.pk}/", bob)

    def away(self):
        raise OperationalError("the server has gone away")

    monkeypatch.setattr(LiveConsumer, "_judge", away)
    await browser.send_json_to({"type": "hello", "after": 0})
    assert await browser.close_code() == BROKEN
    await browser.disconnect()
    assert not tasks_of_sockets()


async def test_an_error_of_ours_ends_the_socket_and_leaves_nothing(bob, make_transcript, monkeypatch):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await open_socket(f"/ws/t/{transcript.pk}/", bob)
    await browser.hello(after=0)
    before = counts.viewers.values()["transcript"]

    def wrong(text):
        raise ZeroDivisionError(text)

    monkeypatch.setattr(consumers, "parse_hello", wrong)
    with pytest.raises(ZeroDivisionError):
        await browser.hello(after=0)
    assert not tasks_of_sockets()
    assert counts.viewers.values()["transcript"] == before - 1
