"""Who watches: told to those who asked, across processes, forgotten when not heard of again."""

from __future__ import annotations

import asyncio
import time

import pytest
from asgiref.sync import sync_to_async

from tests.conftest import async_db
from transcripts.live import publish, station
from transcripts.live.presence import AGAIN_SECONDS, FORGET_SECONDS, MOST_NAMES, Presence

pytestmark = async_db
ASKING = {"type": "hello", "after": 0, "presence": True}


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(station, "ANNOUNCE_SECONDS", 0.05)


async def until_people(browser, *names: str) -> int:
    """How many there are once exactly these names were told."""
    async with asyncio.timeout(60):
        while True:
            message = await browser.next(60)
            if message["type"] == "presence" and message["data"]["people"] == list(names):
                return message["data"]["count"]


async def test_members_see_each_other_come_and_go(browse, alice, bob, victor, make_transcript):
    transcript = await sync_to_async(make_transcript)()
    url = f"/ws/t/{transcript.pk}/"
    first, second, silent = await browse(alice, url), await browse(bob, url), await browse(victor, url)
    await first.send_json_to(ASKING)
    assert await until_people(first, "Alice") == 1
    await second.send_json_to(ASKING)
    await silent.hello(after=0)
    assert await until_people(first, "Alice", "Bob") == 2
    assert await until_people(second, "Alice", "Bob") == 2
    await second.disconnect(timeout=60)
    assert await until_people(first, "Alice") == 1
    assert await silent.receive_nothing(timeout=0.2)


async def test_those_at_another_process_are_seen_as_well(browse, alice, make_transcript):
    transcript = await sync_to_async(make_transcript)()
    browser = await browse(alice, f"/ws/t/{transcript.pk}/")
    await browser.send_json_to(ASKING)
    await until_people(browser, "Alice")
    other: Presence[str] = Presence()
    other.enter("page", 4711, "Zoe")
    announcement = other.announcement() | {"process": "another"}
    await publish.send_presence(transcript.pk, announcement)
    assert await until_people(browser, "Alice", "Zoe") == 2


def test_one_person_with_three_pages_is_one_person():
    here: Presence[int] = Presence()
    for page in range(3):
        here.enter(page, 1, "Ana")
    here.leave(0)
    assert here.names() == (["Ana"], 1)


def test_who_is_not_heard_of_again_is_forgotten(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    here: Presence[int] = Presence()
    here.hear({"process": "another", "people": [[7, "Zoe"]]})
    assert here.names() == (["Zoe"], 1)
    now += FORGET_SECONDS + 1
    assert here.names() == ([], 0)
    here.hear({"process": "another", "people": [[7, "Zoe"]]})
    here.hear({"process": "another", "people": []})
    assert here.names() == ([], 0)


def test_a_crowd_is_counted_and_only_some_are_named():
    here: Presence[int] = Presence()
    for person in range(100):
        here.enter(person, person, f"Person {person:03}")
    names, count = here.names()
    assert (len(names), names[0], count) == (MOST_NAMES, "Person 000", 100)
    assert len(here.announcement()["people"]) == MOST_NAMES  # type: ignore[arg-type]


def test_it_is_announced_on_a_change_and_again_after_a_while(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    here: Presence[int] = Presence()
    assert not here.is_due()
    here.enter(1, 1, "Ana")
    assert here.is_due()
    here.announcement()
    assert not here.is_due()
    now += AGAIN_SECONDS + 1
    assert here.is_due()
    here.announcement()
    here.leave(1)
    assert here.is_due()


def test_nobody_is_told_the_same_twice():
    here: Presence[int] = Presence()
    here.enter(1, 1, "Ana")
    assert here.untold("a") == [1]
    assert here.untold("a") == []
    here.enter(2, 2, "Bob")
    assert here.untold("a") == [2]
    assert here.untold("b") == [1, 2]
