"""One reader for many viewers: rows are read and encoded once, partials pass through, slow viewers hurt nobody."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import msgpack
import pytest
from channels.layers import get_channel_layer

from tests.conftest import async_db
from tests.live.conftest import awrite
from transcripts.live import events, publish, reader, station
from transcripts.live.outbox import TOO_SLOW, Closed, Outbox
from transcripts.models import Event

pytestmark = async_db


async def test_many_viewers_cost_one_read_a_row(browse, bob, alice, victor, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 600)
    transcript = await asyncio.to_thread(make_transcript)
    browsers = [await browse(user, f"/ws/t/{transcript.pk}/") for user in (bob, alice, victor) for _ in range(4)]
    for browser in browsers:
        await browser.hello(after=1)
    reads: list[int] = []

    def counted(*args):
        rows = original(*args)
        reads.append(len(rows))
        return rows

    original = reader.read_rows
    monkeypatch.setattr(reader, "read_rows", counted)
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "to all"))
    assert {(await browser.next())["data"]["text"] for browser in browsers} == {"to all"}
    assert reads == [1]


async def test_who_comes_back_after_a_moment_costs_no_read(browse, bob, make_transcript, monkeypatch):
    transcript = await asyncio.to_thread(make_transcript)
    stays = await browse(bob, f"/ws/t/{transcript.pk}/")
    await stays.hello(after=1)
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "a", "b"))
    await stays.next()
    await stays.next()
    monkeypatch.setattr(reader, "read_rows", None)
    returns = await browse(bob, f"/ws/t/{transcript.pk}/")
    assert [message.get("seq") for message in await returns.hello(after=1)] == [2, 3, 3]


async def test_partials_pass_through_and_are_never_stored(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, f"/ws/t/{transcript.pk}/")
    await browser.hello(after=1)
    await publish.send_partial(transcript.pk, events.partial("hello wor", 0, 900, 1))
    message = await browser.next()
    assert message == {
        "type": "partial",
        "data": {"text": "hello wor", "start_ms": 0, "heard_ms": 900, "epoch": 1},
    }
    assert await Event.objects.filter(transcript=transcript).acount() == 1


async def test_a_newcomer_gets_the_partial_of_the_moment(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    first = await browse(bob, f"/ws/t/{transcript.pk}/")
    await first.hello(after=1)
    await publish.send_partial(transcript.pk, events.partial("so far", 0, 900, 1))
    await first.next()
    second = await browse(bob, f"/ws/t/{transcript.pk}/")
    await second.hello(after=1)
    assert (await second.next())["data"]["text"] == "so far"


async def test_the_row_comes_before_the_partial_that_follows_it(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, f"/ws/t/{transcript.pk}/")
    await browser.hello(after=1)
    for number in range(20):
        await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, f"row {number}"))
        await publish.send_partial(transcript.pk, events.partial(f"after {number}", 0, 0, 1))
        seen = [await browser.next()]
        while seen[-1]["data"]["text"] != f"after {number}":
            seen.append(await browser.next())
        assert seen[-2]["data"]["text"] == f"row {number}"


async def test_everything_on_the_layer_survives_msgpack(make_transcript, monkeypatch):
    transcript = await asyncio.to_thread(make_transcript)
    sent = []

    async def pack(_group: str, message: dict) -> None:
        sent.append(msgpack.unpackb(msgpack.packb(message)))

    monkeypatch.setattr(get_channel_layer(), "group_send", pack)
    await publish.ring(transcript.pk, transcript.team_id, 7)
    await publish.send_partial(transcript.pk, events.partial("ß 🙂", 0, 0, 1))
    assert [message["type"] for message in sent] == ["log.grown", "log.grown", "partial"]
    assert all(message["group"] for message in sent)


def test_messages_keep_the_providers_extras_to_themselves():
    at = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    message = json.loads(events.stored("commit", 3, at, {"text": "x", "raw": {"secret": 1}}))
    assert message == {"type": "commit", "seq": 3, "at": "2026-01-02T03:04:05.678+00:00", "data": {"text": "x"}}


class Socket:
    """A socket that takes nothing until it is let."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.sent: list[str] = []
        self.codes: list[int] = []

    async def send(self, text: str) -> None:
        await self.open.wait()
        self.sent.append(text)

    async def close(self, code: int) -> None:
        self.codes.append(code)


@pytest.fixture
async def stuck():
    socket = Socket()
    box = Outbox(socket.send, socket.close)
    yield socket, box
    await box.stop()


async def test_a_viewer_that_takes_nothing_is_closed_at_the_bound(stuck, settings):
    socket, box = stuck
    piece = "x" * 10_000
    for _ in range(settings.STTWEB_VIEWER_BYTES // len(piece) + 3):
        box.push(piece)
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    assert (socket.codes, box.is_shut) == ([TOO_SLOW], True)
    with pytest.raises(Closed):
        await box.room()


async def test_one_large_message_is_not_a_slow_viewer(stuck, settings):
    socket, box = stuck
    box.push("x" * (2 * settings.STTWEB_VIEWER_BYTES))
    socket.open.set()
    await asyncio.sleep(0.01)
    assert (len(socket.sent), socket.codes) == (1, [])


async def test_a_viewer_stuck_on_one_message_is_closed_in_time(stuck, settings):
    _, box = stuck
    settings.STTWEB_VIEWER_SECONDS = 0.05
    box.push("x")
    await asyncio.sleep(0.01)
    assert not box.is_stuck()
    await asyncio.sleep(0.1)
    assert box.is_stuck()


async def test_partials_wait_in_one_place_and_rows_go_first(stuck):
    socket, box = stuck
    box.push("row 1")
    await asyncio.sleep(0)
    for number in range(100):
        box.offer(f"partial {number}")
    box.push("row 2")
    socket.open.set()
    await asyncio.sleep(0.01)
    assert socket.sent == ["row 1", "row 2", "partial 99"]


async def test_a_replay_waits_for_room_instead_of_being_closed(stuck):
    socket, box = stuck
    piece = "x" * 50_000

    async def replay() -> None:
        for _ in range(30):
            await box.room()
            box.push(piece)

    replaying = asyncio.create_task(replay())
    await asyncio.sleep(0.05)
    assert not replaying.done()
    socket.open.set()
    await replaying
    await asyncio.sleep(0.01)
    assert (len(socket.sent), socket.codes) == (30, [])
