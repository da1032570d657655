"""The board's socket: every card at first, then each change, at most once a second a card."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import async_db
from tests.live.conftest import awrite
from transcripts import services
from transcripts.live import board, publish, station
from transcripts.models import State, Team, Transcript

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


async def test_a_full_board_is_told_of_its_own_cards_and_of_what_comes_and_leaves(
    browse, bob, team, make_transcript, monkeypatch
):
    monkeypatch.setattr(board, "BOARD_SIZE", 3)
    rows = [await asyncio.to_thread(make_transcript, state="running", is_live=True) for _ in range(5)]
    shown = [str(row.pk) for row in rows[:1:-1]]
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    assert ids(await browser.hello(after=0)) == shown
    for row in rows:
        await publish.ring(row.pk, team.pk, await awrite(row, "said"))
    assert ids([await browser.next() for _ in shown]) == shown, "the others are not on it"
    await Transcript.objects.filter(pk=rows[4].pk).aupdate(state="completed")
    await publish.ring(rows[4].pk, team.pk, 9)
    assert await browser.next() == {"type": "card_gone", "data": {"id": str(rows[4].pk)}}
    came = await browser.next()
    assert (came["type"], came["data"]["id"]) == ("card", str(rows[1].pk))


async def test_hundreds_of_sessions_that_speak_at_once_close_nobodys_board(
    browse, bob, team, make_transcript, settings
):
    settings.STTWEB_VIEWER_BYTES = 64 * 1024
    rows = [await asyncio.to_thread(make_transcript, state="running", is_live=True) for _ in range(3)]
    await Transcript.objects.abulk_create(
        Transcript(team=team, title=f"Channel {n}", state="running", is_live=True, last_text="x" * 400, last_seq=2)
        for n in range(200)
    )
    browser = await browse(bob, f"/ws/board/{team.pk}/")
    assert len(ids(await browser.hello(after=0))) == board.BOARD_SIZE
    async for row in Transcript.objects.filter(team=team):
        await publish.ring(row.pk, team.pk, 3)
    assert len(ids([await browser.next() for _ in range(board.BOARD_SIZE)])) == board.BOARD_SIZE
    await Transcript.objects.filter(pk=rows[0].pk).adelete()
    newest = await asyncio.to_thread(make_transcript, state="running", is_live=True)
    await publish.ring(newest.pk, team.pk, 1)
    heard = [await browser.next() for _ in range(2)]
    assert {one["type"] for one in heard} == {"card", "card_gone"}, "and it still hears"


def test_the_ids_of_a_board_are_those_of_its_page(team, make_transcript):
    for state in (*State, State.RUNNING):
        for live in (True, False):
            make_transcript(state=state, is_live=live)
    assert board.board_ids(team.pk) == [card["id"] for card in board.read_board(team.pk)]
