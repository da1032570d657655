"""Hosted work with the keys of teams: each team stops and goes on by itself."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.conftest import async_db
from tests.faults.conftest import hosted, provider  # noqa: F401 - fixture
from tests.jobs.conftest import SubmitTape
from tests.jobs.test_session import running, until
from transcripts import engine_settings
from transcripts.models import Engine, ProviderAccount, ProviderKey, State, Team, Transcript, UsageMonth

pytestmark = async_db


@pytest.fixture
def keys(settings: Settings, hosted: Any) -> Any:  # noqa: F811 - the fixture of that name
    """Give a team a key for a port of this machine: ``await keys(team, person, port, key)``."""
    settings.FETCH_ALLOW_NETWORKS = ["127.0.0.0/8"]

    def give(team: Team, person: User, port: int, key: str) -> None:
        settings.FETCH_ALLOW_PORTS = [*settings.FETCH_ALLOW_PORTS, port]
        engine_settings.set_key(team, person, key=key, base_url=f"http://127.0.0.1:{port}", label="")

    return sync_to_async(give)


async def send_hosted(*transcripts: Transcript) -> None:
    await Transcript.objects.filter(pk__in=[one.pk for one in transcripts]).aupdate(engine=Engine.ELEVENLABS)


async def test_a_new_key_lets_the_work_of_its_team_go_on_and_no_other_team_waits(
    submit_tape: SubmitTape, hosted: Any, keys: Any, team: Team, alice: User, other_team: Team  # noqa: F811
) -> None:  # fmt: skip
    async with provider(key="sk-of-the-team") as (port, _), provider(key="sk-good") as (shared, _):
        hosted(shared)
        await keys(team, alice, port, "sk-out-of-date")
        first, second, foreign = [await submit_tape(60) for _ in range(3)]
        await send_hosted(first, second, foreign)
        await Transcript.objects.filter(pk=foreign.pk).aupdate(team=other_team)
        async with running(capacity=1):
            for transcript in (first, second):
                assert (await until(transcript, state=State.PAUSED)).code == "auth_error"
            await until(foreign, state=State.COMPLETED)
            await keys(team, alice, port, "sk-of-the-team")
            rows = [await until(transcript, state=State.COMPLETED) for transcript in (first, second)]
    used = await UsageMonth.objects.aget(team=team, engine=Engine.ELEVENLABS)
    assert used.samples == sum(row.billed_samples for row in rows) > 0
    assert not await ProviderAccount.objects.filter(host=f"127.0.0.1:{shared}").exclude(code="").aexists()


async def test_without_the_master_key_hosted_work_pauses_and_a_key_entered_again_lets_it_go_on(
    submit_tape: SubmitTape, keys: Any, settings: Settings, team: Team, alice: User
) -> None:
    async with provider(key="sk-of-the-team") as (port, _):
        await keys(team, alice, port, "sk-of-the-team")
        settings.STTWEB_MASTER_KEYS = ["the master key of a restored installation"]
        transcript = await submit_tape(60)
        await send_hosted(transcript)
        async with running(capacity=1):
            row = await until(transcript, state=State.PAUSED)
            assert row.code == "key_unreadable"
            assert row.next_step
            await keys(team, alice, port, "sk-of-the-team")
            await until(transcript, state=State.COMPLETED)


async def test_where_the_operators_key_is_not_shared_a_team_needs_one(
    submit_tape: SubmitTape, hosted: Any, keys: Any, settings: Settings, team: Team, alice: User  # noqa: F811
) -> None:  # fmt: skip
    settings.STTWEB_SHARED_KEY = False
    async with provider(key="sk-good") as (port, _):
        hosted(port)
        transcript = await submit_tape(60)
        await send_hosted(transcript)
        async with running(capacity=1):
            assert (await until(transcript, state=State.PAUSED)).code == "no_api_key"
            await keys(team, alice, port, "sk-good")
            await until(transcript, state=State.COMPLETED)


async def test_a_host_that_is_not_allowed_any_more_is_never_reached(
    submit_tape: SubmitTape, keys: Any, settings: Settings, team: Team, alice: User
) -> None:
    async with provider() as (port, _):
        await keys(team, alice, port, "sk-of-the-team")
        settings.FETCH_ALLOW_NETWORKS = []
        transcript = await submit_tape(60)
        await send_hosted(transcript)
        async with running(capacity=1):
            row = await until(transcript, state=State.PAUSED)
        assert (row.code, row.billed_samples) == ("key_host_blocked", 0)
    assert await ProviderKey.objects.filter(team=team).aexists()
