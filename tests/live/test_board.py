"""The board's socket: every card at first, then each change, at most once a second a card."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import async_db
from tests.live.conftest import awrite
from transcripts import services
from transcripts.live import board, publish, station
from transcripts.models import Team, Transcript

pytestmark = async_db


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(board, "CARD_SECONDS", 0.1)


def ids(messages) -> list[str]:
    return [message["data"]["id"] for message in messages if message["type"] == "card"]


async def test_hello_brings_every_card_of_the_team_in_order(browse, bob, team, other_team, make_transcript):
    done = await asyncio.to_thread(make_transcript, state="completed")
    live = await asyncio.to_thread(make_transcript, state="running")
    await asyncio.to_thread(make_transcript, team=other_team)
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    assert ids(await browser.hello(after=0)) == [str(live.pk), str(done.pk)]


async def test_a_change_moves_the_card(browse, bob, team, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    await browser.hello(after=0)
    await asyncio.to_thread(services.cancel, transcript)
    message = await browser.next()
    assert (message["type"], message["data"]["state"]) == ("card", "cancelled")


async def test_a_new_transcript_appears(browse, bob, team, make_transcript):
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    await browser.hello(after=0)
    transcript = await asyncio.to_thread(make_transcript, title="Brand new")
    message = await browser.next()
    assert (message["data"]["id"], message["data"]["title"]) == (str(transcript.pk), "Brand new")


async def test_a_busy_card_goes_out_once_a_period(browse, bob, team, make_transcript, monkeypatch):
    monkeypatch.setattr(board, "CARD_SECONDS", 0.5)
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    await browser.hello(after=0)
    last = 0
    for number in range(20):
        last = await awrite(transcript, f"line {number}")
        await publish.ring(transcript.pk, team.pk, last)
    seqs = [(await browser.next())["data"]["seq"]]
    while seqs[-1] != last:
        seqs.append((await browser.next())["data"]["seq"])
    assert len(seqs) <= 4


async def test_lost_doorbells_are_found_by_the_poll(browse, bob, team, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.1)
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    await browser.hello(after=0)
    await Transcript.objects.filter(pk=transcript.pk).aupdate(state="completed", last_seq=9)
    message = await browser.next()
    assert (message["data"]["state"], message["data"]["seq"]) == ("completed", 9)


async def test_a_deleted_transcript_leaves_the_board(browse, bob, team, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.1)
    transcript = await asyncio.to_thread(make_transcript)
    key = str(transcript.pk)
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    await browser.hello(after=0)
    await asyncio.to_thread(services.delete, transcript)
    assert await browser.next() == {"type": "card_gone", "data": {"id": key}}


async def test_cards_of_another_team_never_come(browse, bob, team, other_team, make_transcript):
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    await browser.hello(after=0)
    foreign = await asyncio.to_thread(make_transcript, team=other_team)
    # Even a doorbell that names the wrong team shows nothing of the row.
    await publish.ring(foreign.pk, team.pk, 1)
    assert await browser.next() == {"type": "card_gone", "data": {"id": str(foreign.pk)}}
    assert await Team.objects.acount() == 2
