"""Every viewer gets every row exactly once and in order, whatever the channel layer does."""

from __future__ import annotations

import asyncio

from channels.layers import get_channel_layer

from tests.conftest import async_db
from tests.live.conftest import awrite
from transcripts.live import publish, station

pytestmark = async_db


def url(transcript) -> str:
    return f"/ws/t/{transcript.pk}/"


def texts(messages) -> list[str]:
    return [message["data"]["text"] for message in messages if message["type"] == "commit"]


async def test_hello_gives_the_rows_after_the_number_then_caught_up(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    await awrite(transcript, "one", "two", "three")
    browser = await browse(bob, url(transcript))
    messages = await browser.hello(after=2)
    assert [message.get("seq") for message in messages] == [3, 4, 4]
    assert messages[-1] == {"type": "caught_up", "seq": 4}
    assert texts(messages) == ["two", "three"]


async def test_a_long_log_is_replayed_whole_and_in_order(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    await awrite(transcript, *(f"{number} " + "x" * 3000 for number in range(450)))
    browser = await browse(bob, url(transcript))
    messages = await browser.hello(after=0)
    assert [message["seq"] for message in messages] == [*range(1, 452), 451]


async def test_a_doorbell_brings_new_rows_at_once(browse, bob, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 600)
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, url(transcript))
    await browser.hello(after=1)
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "first"))
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "second"))
    assert [(await browser.next())["data"]["text"] for _ in range(2)] == ["first", "second"]


async def test_a_lost_doorbell_costs_one_poll_and_no_row(browse, bob, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.2)
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, url(transcript))
    await browser.hello(after=1)
    await awrite(transcript, "nobody", "rang")
    assert [(await browser.next())["data"]["text"] for _ in range(2)] == ["nobody", "rang"]


async def test_rows_written_while_a_viewer_replays_come_once(browse, bob, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.05)
    transcript = await asyncio.to_thread(make_transcript)
    await awrite(transcript, *map(str, range(300)))
    follower, late = await browse(bob, url(transcript)), await browse(bob, url(transcript))
    await follower.hello(after=300)

    async def speak() -> None:
        for number in range(300, 400):
            await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, str(number)))

    speaking = asyncio.create_task(speak())
    messages = await late.hello(after=0)
    while messages[-1].get("seq") != 401 or messages[-1]["type"] == "caught_up":
        messages.append(await late.next())
    await speaking
    assert texts(messages) == [str(number) for number in range(400)]
    assert [message["seq"] for message in messages if message["type"] != "caught_up"] == list(range(1, 402))


async def test_a_second_hello_on_the_same_socket_fills_a_hole(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    await awrite(transcript, "one", "two")
    browser = await browse(bob, url(transcript))
    assert texts(await browser.hello(after=3)) == []
    assert texts(await browser.hello(after=1)) == ["one", "two"]
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "three"))
    assert (await browser.next())["data"]["text"] == "three"


async def test_a_number_from_the_future_is_answered_with_the_real_one(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, url(transcript))
    assert await browser.hello(after=99) == [{"type": "caught_up", "seq": 1}]


async def test_a_layer_that_drops_and_then_dies_stops_nobody(browse, bob, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 0.2)
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, url(transcript))
    await browser.hello(after=1)
    layer = get_channel_layer()

    async def broken(*_: object) -> None:
        raise ConnectionError("gone")

    for name in ("receive", "group_add", "group_send", "send", "new_channel"):
        monkeypatch.setattr(layer, name, broken)
    # The ear is inside a receive that began before: wake it so that it meets the dead layer.
    layer.groups.clear()
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "dead layer"))
    assert (await browser.next())["data"]["text"] == "dead layer"
    newcomer = await browse(bob, url(transcript))
    assert texts(await newcomer.hello(after=0)) == ["dead layer"]


async def test_after_a_dead_layer_doorbells_are_heard_again(browse, bob, make_transcript, monkeypatch):
    monkeypatch.setattr(station, "POLL_SECONDS", 600)
    monkeypatch.setattr("transcripts.live.hub.FIRST_RETRY_SECONDS", 0.05)
    transcript = await asyncio.to_thread(make_transcript)
    layer = get_channel_layer()
    alive = layer.receive

    async def broken(_channel: str) -> None:
        raise ConnectionError("gone")

    monkeypatch.setattr(layer, "receive", broken)
    browser = await browse(bob, url(transcript))
    await browser.hello(after=1)
    monkeypatch.setattr(layer, "receive", alive)
    async with asyncio.timeout(60):
        while station.station()._hub._channel not in layer.groups.get(publish.transcript_group(transcript.pk), {}):
            await asyncio.sleep(0.01)
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "back"))
    assert (await browser.next())["data"]["text"] == "back"


async def test_nothing_runs_on_after_the_last_viewer_left(browse, bob, make_transcript):
    transcript = await asyncio.to_thread(make_transcript)
    browser = await browse(bob, url(transcript))
    await browser.hello(after=0)
    await browser.disconnect()
    names = {task.get_name().split()[0] for task in asyncio.all_tasks()}
    assert not {name for name in names if name.startswith("live")}


async def test_what_another_version_says_is_passed_over_and_the_ear_stays_open(
    browse, bob, make_transcript, monkeypatch
):
    monkeypatch.setattr(station, "POLL_SECONDS", 600)
    transcript = await asyncio.to_thread(make_transcript)
    browser, board = await browse(bob, url(transcript)), await browse(bob, f"/ws/board/{transcript.team_id}/")
    await browser.hello(after=1)
    await board.hello(after=0)
    layer = get_channel_layer()
    for group in (publish.transcript_group(transcript.pk), publish.team_group(transcript.team_id)):
        await layer.group_send(group, {"type": "invented.later", "group": group})
        await layer.group_send(group, {"type": "presence", "group": group, "viewers": 3})
        await layer.group_send(group, {"type": "watching", "group": group})
    await publish.ring(transcript.pk, transcript.team_id, await awrite(transcript, "still heard"))
    assert (await browser.next(10))["data"]["text"] == "still heard"
    assert (await board.next(10))["type"] == "card"
