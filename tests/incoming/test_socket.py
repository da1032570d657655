"""The socket that takes sound: who may, what is understood, what is acknowledged, and how it goes on after anything."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.db import OperationalError
from pytest_django import Settings

from sttweb.origins import OwnOrigins
from tests.conftest import async_db
from tests.incoming.conftest import BLOCK_BYTES, BeginStream, file_of
from tests.jobs.conftest import names, words_of
from tests.jobs.test_session import reload, running, until
from tests.live.conftest import log_in
from transcripts import engine_settings, tokens
from transcripts.access import Scope
from transcripts.engine.tape import make_tape
from transcripts.incoming import rows, sender, socket
from transcripts.jobs import budget
from transcripts.models import Engine, LimitUnit, Membership, SourceKind, State, Team, Transcript
from transcripts.models.usage import count_usage
from transcripts.routing import socket_urls

pytestmark = async_db

application = OwnOrigins(AuthMiddlewareStack(URLRouter(socket_urls)), ["http://testserver"])


class Client(WebsocketCommunicator):
    """A client of one's own, with the cookies of a person or a token."""

    def __init__(self, path: str, *, cookies: str = "", token: str = "", origin: str = "http://testserver") -> None:
        headers = [(b"cookie", cookies.encode())] if cookies else []
        headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
        headers += [(b"origin", origin.encode())] if origin else []
        super().__init__(application, path, headers=headers)

    async def say(self, **message: Any) -> None:
        await self.send_to(text_data=json.dumps(message))

    async def sound(self, data: bytes, size: int = BLOCK_BYTES) -> None:
        for at in range(0, len(data), size):
            await self.send_to(bytes_data=data[at : at + size])

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of a kind; others are passed over."""
        while True:
            output = await self.receive_output(60)
            assert output["type"] == "websocket.send", output
            message = json.loads(output["text"])
            if message["type"] == kind:
                return message

    async def ending(self) -> tuple[str, int]:
        """The code of the error and of the close that follow."""
        error = ""
        while (output := await self.receive_output(60))["type"] != "websocket.close":
            message = json.loads(output["text"])
            error = message["code"] if message["type"] == "error" else error
            if message["type"] == "error":
                assert message["message"]
        return error, output["code"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "ACK_SECONDS", 0.05)
    monkeypatch.setattr(socket, "BEAT_SECONDS", 0.1)


async def cookies_of(user: User) -> str:
    client = await sync_to_async(log_in)(user)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())


async def connect(path: str, user: User | None = None, **more: Any) -> Client:
    client = Client(path, cookies=await cookies_of(user) if user else "", **more)
    accepted, code = await client.connect(timeout=30)
    assert accepted, code
    return client


async def refusal(path: str, user: User | None = None, **more: Any) -> Any:
    client = Client(path, cookies=await cookies_of(user) if user else "", **more)
    accepted, code = await client.connect(timeout=30)
    assert not accepted
    return code


async def make_token(team: Team, person: User, *scopes: Scope) -> str:
    _token, text = await sync_to_async(tokens.make)(team, person, "studio", scopes, None)
    return text


async def test_one_socket_takes_the_sound_and_brings_the_words(team: Team, bob: User) -> None:
    client = await connect("/ws/audio/", bob)
    async with running():
        await client.say(type="start", title="Council", preset="live", sample_rate=16_000)
        ready = await client.until("ready")
        assert (ready["resume_from"], ready["format"]) == (0, "pcm_s16le")
        tape = make_tape(0, 45)
        await client.sound(tape)
        await client.say(type="stop")
        assert (await client.until("stopped"))["type"] == "stopped"
        said = (await client.until("commit"))["data"]["text"].split()
        while len(said) < 45:
            said += (await client.until("commit"))["data"]["text"].split()
        await client.until("ended")
        assert (await client.ending())[1] == 1000
    assert said == names(45)
    row = await Transcript.objects.aget(pk=ready["transcript"])
    assert (row.title, row.team_id, row.created_by_id, row.source_kind) == (
        "Council",
        team.pk,
        bob.pk,
        SourceKind.SOCKET,
    )
    assert (row.state, row.gap_samples) == (State.COMPLETED, 0)
    await client.disconnect(timeout=30)


async def test_what_is_acknowledged_is_safe_and_a_new_connection_goes_on_behind_it(
    begin_stream: BeginStream, bob: User
) -> None:
    transcript = await begin_stream(preset="live")
    path, tape = f"/ws/audio/{transcript.pk}/", make_tape(0, 80)
    async with running():
        first = await connect(path, bob)
        await first.say(type="resume")
        assert (await first.until("ready"))["resume_from"] == 0
        await first.sound(tape[:100_001])
        while (await first.until("ack"))["received"] < 100_001:
            pass
        await first.disconnect(timeout=30)  # in the middle of a sample
        second = await connect(path, bob)
        await second.say(type="resume")
        resumed = (await second.until("ready"))["resume_from"]
        assert resumed == 100_001
        await second.sound(tape[resumed:])
        await second.say(type="stop")
        row = await until(transcript, state=State.COMPLETED)
        await second.disconnect(timeout=30)
    assert await words_of(row) == names(80)
    assert row.gap_samples == 0


async def test_a_second_connection_is_refused_or_takes_over(begin_stream: BeginStream, bob: User) -> None:
    transcript = await begin_stream()
    path = f"/ws/audio/{transcript.pk}/"
    first = await connect(path, bob)
    await first.say(type="resume")
    await first.until("ready")
    await first.sound(make_tape(0, 5))
    second = await connect(path, bob)
    await second.say(type="resume")
    assert await second.ending() == ("stream_busy", 4409)
    third = await connect(path, bob)
    await third.say(type="resume", take_over=True)
    assert await first.ending() == ("stream_taken", 4409)
    await first.disconnect(timeout=30)
    assert (await third.until("ready"))["resume_from"] == 5 * BLOCK_BYTES
    for client in (second, third):
        await client.disconnect(timeout=30)


async def test_only_who_began_it_may_send_and_only_with_the_right(
    begin_stream: BeginStream, alice: User, victor: User, charlie: User, make_transcript: Any
) -> None:
    transcript = await begin_stream()
    other = await sync_to_async(make_transcript)()
    path = f"/ws/audio/{transcript.pk}/"
    assert await refusal(path) == 4401
    assert await refusal("/ws/audio/") == 4401
    assert await refusal(path, charlie) == 4404
    assert await refusal(path, victor) == 4403
    assert await refusal("/ws/audio/", victor) == 4403
    assert await refusal(path, alice) == 4403
    assert await refusal(f"/ws/audio/{other.pk}/", alice) == 4404
    assert await refusal(f"/ws/audio/{uuid4()}/", alice) == 4404


async def test_pages_of_other_origins_are_kept_out_and_programs_come_with_a_token(team: Team, bob: User) -> None:
    assert await refusal("/ws/audio/", bob, origin="https://evil.example") is not None
    assert await refusal("/ws/audio/", bob, origin="") is not None  # cookies alone are for pages of ours
    token = await make_token(team, bob, Scope.SUBMIT, Scope.READ)
    assert await refusal("/ws/audio/", token=token, origin="https://evil.example") is not None
    assert await refusal("/ws/audio/", token=token[:-1] + "x", origin="") == 4401
    reading = await make_token(team, bob, Scope.READ)
    assert await refusal("/ws/audio/", token=reading, origin="") == 4403
    client = await connect("/ws/audio/", token=token, origin="")
    await client.say(type="start", format="mulaw", sample_rate=8000)
    ready = await client.until("ready")
    assert (ready["format"], ready["sample_rate"]) == ("mulaw", 8000)
    await client.disconnect(timeout=30)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "hello"}, "bad_message"),
        ({"type": "start", "format": "mp3"}, "bad_format"),
        ({"type": "start", "format": ["pcm_s16le"]}, "bad_format"),
        ({"type": "start", "sample_rate": 4000}, "bad_format"),
        ({"type": "start", "sample_rate": "16000"}, "bad_format"),
        ({"type": "start", "channels": 7}, "bad_format"),
        ({"type": "start", "title": 7}, "bad_title"),
        ({"type": "start", "engine": "psychic"}, "bad_options"),
        ({"type": "start", "options": {"pace": "often"}}, "bad_options"),
        ({"type": "start", "options": {"nonsense": 1}}, "unknown_field"),
        ({"type": "start", "colour": "red"}, "unknown_field"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else value,
)
async def test_what_is_not_understood_is_said_and_makes_nothing(
    team: Team, bob: User, message: dict[str, Any], code: str
) -> None:
    client = await connect("/ws/audio/", bob)
    await client.say(**message)
    assert await client.ending() == (code, 4400)
    await client.disconnect(timeout=30)
    assert not await Transcript.objects.aexists()


async def test_what_a_program_does_not_say_is_as_the_team_has_decided(team: Team, alice: User, bob: User) -> None:
    decide = sync_to_async(engine_settings.set_defaults)
    await decide(team, alice, engine="embedded", language="en", preset="accurate", keyterms=["Moonshine", "Daphne"])
    found = []
    for more in ({}, {"preset": "live", "options": {"keyterms": ["Sttweb"]}}):
        client = await connect("/ws/audio/", bob)
        await client.say(type="start", **more)
        row = await Transcript.objects.aget(pk=(await client.until("ready"))["transcript"])
        found.append((row.language, row.options["preset"], row.options["keyterms"]))
        await client.disconnect(timeout=30)
    assert found == [("en", "accurate", ["Moonshine", "Daphne"]), ("en", "live", ["Sttweb"])]


async def test_a_team_of_others_is_no_team(other_team: Team, bob: User) -> None:
    client = await connect("/ws/audio/", bob)
    await client.say(type="start", team=str(other_team.pk))
    assert await client.ending() == ("no_such_team", 4404)
    await client.disconnect(timeout=30)


async def test_garbage_is_told_from_sound_where_that_is_possible(team: Team, bob: User) -> None:
    client = await connect("/ws/audio/", bob)
    await client.say(type="start", format="webm")
    await client.until("ready")
    await client.sound(b"<html>no sound</html>")
    assert await client.ending() == ("bad_audio", 4415)
    await client.disconnect(timeout=30)


async def test_sound_before_a_word_and_too_large_messages_end_it(team: Team, bob: User) -> None:
    early = await connect("/ws/audio/", bob)
    await early.sound(bytes(320))
    assert await early.ending() == ("bad_message", 4400)
    large = await connect("/ws/audio/", bob)
    await large.say(type="start")
    await large.until("ready")
    await large.sound(bytes(256 * 1024 + 1), size=2**20)
    assert await large.ending() == ("too_large", 4413)
    for client in (early, large):
        await client.disconnect(timeout=30)


async def test_who_is_faster_than_the_credit_is_warned_then_ended(
    team: Team, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "BURST_SECONDS", 1.0)
    monkeypatch.setattr(sender, "RATE", 0.0)
    client = await connect("/ws/audio/", bob)
    await client.say(type="start")
    assert (await client.until("ready"))["may_send"] == 32_000
    await client.sound(bytes(30_000), size=30_000)
    assert (await client.until("slow"))["may_send"] == 32_000
    await client.sound(bytes(64_000), size=32_000)
    assert await client.ending() == ("too_fast", 4429)
    await client.disconnect(timeout=30)


async def test_a_lost_right_ends_it_and_what_was_sent_stays(begin_stream: BeginStream, bob: User) -> None:
    transcript = await begin_stream()
    client = await connect(f"/ws/audio/{transcript.pk}/", bob)
    await client.say(type="resume")
    await client.until("ready")
    await client.sound(make_tape(0, 5))
    await client.until("ack")
    await Membership.objects.filter(user=bob).adelete()
    assert (await client.ending())[1] == 4404
    await client.disconnect(timeout=30)
    assert file_of(await reload(transcript)).stat().st_size == 5 * BLOCK_BYTES


async def test_what_has_ended_takes_nothing_more(begin_stream: BeginStream, bob: User) -> None:
    transcript = await begin_stream()
    await sync_to_async(rows.close)(transcript.pk)
    client = await connect(f"/ws/audio/{transcript.pk}/", bob)
    await client.say(type="resume")
    assert await client.ending() == ("stream_ended", 4410)
    await client.disconnect(timeout=30)


async def test_who_says_nothing_for_long_is_let_go_unless_it_has_paused(
    begin_stream: BeginStream, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "IDLE_SECONDS", 0.3)
    transcript = await begin_stream()
    client = await connect(f"/ws/audio/{transcript.pk}/", bob)
    await client.say(type="resume")
    await client.until("ready")
    await client.say(type="pause")
    await asyncio.sleep(1.0)
    while not await client.receive_nothing(timeout=0.05):
        assert (await client.receive_output(60))["type"] == "websocket.send"
    await client.say(type="resume")
    assert (await client.ending())[1] == 4408
    await client.disconnect(timeout=30)


async def test_a_client_that_goes_while_the_database_is_away_holds_nothing_back(
    begin_stream: BeginStream, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError("the server has gone away")

    stream = await begin_stream()
    client = await connect(f"/ws/audio/{stream.pk}/", bob)
    await client.say(type="resume")
    await client.until("ready")
    with monkeypatch.context() as broken:
        broken.setattr(rows, "let_go", away)
        await client.disconnect()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith(("live.", "incoming."))]
    again = await connect(f"/ws/audio/{stream.pk}/", bob)
    await again.say(type="resume")
    await again.until("ready")
    await again.disconnect()


def use_up_the_month(team: Team, owner: User) -> None:
    engine_settings.set_limit(team, owner, Decimal(1), LimitUnit.HOURS)
    count_usage(team.pk, Engine.ELEVENLABS, 3600 * 16_000)


@pytest.mark.parametrize("decided", [True, False], ids=["the team's engine", "an engine that is named"])
async def test_a_team_at_its_limit_is_refused_before_it_sends_any_sound(
    team: Team, alice: User, bob: User, settings: Settings, decided: bool
) -> None:
    settings.ELEVENLABS_API_KEY = "sk_test"
    settings.STTWEB_ENGINE = "elevenlabs" if decided else "embedded"
    await sync_to_async(use_up_the_month)(team, alice)
    client = await connect("/ws/audio/", bob)
    await client.say(type="start", **({} if decided else {"engine": "elevenlabs"}))
    assert await client.ending() == ("limit_reached", 4402)
    assert not await Transcript.objects.aexists()
    other = await connect("/ws/audio/", bob)
    await other.say(type="start", engine="embedded")
    assert (await other.until("ready"))["resume_from"] == 0
    for one in (client, other):
        await one.disconnect(timeout=30)


async def test_one_that_waits_pauses_at_the_limit_and_keeps_what_it_is_sent(
    team: Team, alice: User, bob: User, settings: Settings
) -> None:
    settings.ELEVENLABS_API_KEY = "sk_test"
    client = await connect("/ws/audio/", bob)
    await client.say(type="start", engine="elevenlabs")
    key = (await client.until("ready"))["transcript"]
    await sync_to_async(use_up_the_month)(team, alice)
    await sync_to_async(budget.care)()
    while (told := await client.until("state"))["data"]["state"] != State.PAUSED:
        pass
    assert told["data"]["code"] == "limit_reached"
    assert "monthly limit" in told["data"]["message"]
    await client.sound(make_tape(0, 5))
    assert (await client.until("ack"))["received"] == 5 * BLOCK_BYTES
    await sync_to_async(engine_settings.set_limit)(team, alice, None, LimitUnit.HOURS)
    await sync_to_async(budget.care)()
    assert (await Transcript.objects.aget(pk=key)).state == State.QUEUED
    await client.disconnect(timeout=30)
