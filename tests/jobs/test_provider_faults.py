"""What each kind of trouble with the provider means for a transcript, with the engine's scripted faults."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from tests.conftest import async_db
from tests.jobs.conftest import SubmitTape, names, words_of
from tests.jobs.test_session import reload
from transcripts import services
from transcripts.jobs.runner import Runner
from transcripts.models import State

pytestmark = async_db


def plan(settings: Settings, **rule: Any) -> None:
    settings.STTWEB_ENGINE_FAULTS = json.dumps({"seed": 1, "rules": [rule]})


async def test_a_refused_key_pauses_and_burns_no_retries(submit_tape: SubmitTape, settings: Settings) -> None:
    plan(settings, fault="auth_error")
    transcript = await submit_tape(50)
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code, row.attempts) == (State.PAUSED, "auth_error", 0)
    assert "administrator" in row.next_step


async def test_a_spent_quota_pauses_and_a_retry_goes_on_where_it_stopped(
    submit_tape: SubmitTape, settings: Settings
) -> None:
    plan(settings, fault="quota", at=45, times=1)
    transcript = await submit_tape(900)
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code) == (State.PAUSED, "quota_exceeded")
    before = await words_of(row)
    assert before == names(900)[: len(before)] != []
    settings.STTWEB_ENGINE_FAULTS = ""
    await sync_to_async(services.retry)(row)
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state == State.COMPLETED
    assert await words_of(row) == names(900)


async def test_options_that_the_provider_refuses_fail_with_its_words(
    submit_tape: SubmitTape, settings: Settings
) -> None:
    plan(settings, fault="error", type="invalid_request", text="No such model.", at=1)
    transcript = await submit_tape(50)
    await Runner().run_once()
    row = await reload(transcript)
    assert (row.state, row.code) == (State.FAILED, "invalid_request")
    assert "No such model." in row.message


@pytest.mark.parametrize("fault", ["drop", "hang_up"])
async def test_a_lost_connection_costs_nothing_and_is_noted(
    submit_tape: SubmitTape, settings: Settings, fault: str
) -> None:
    plan(settings, fault=fault, at=[10, 40], times=2)
    transcript = await submit_tape(900)
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state == State.COMPLETED
    assert await words_of(row) == names(900)
    kinds = [event.kind async for event in row.events.order_by("seq")]
    assert "notice" in kinds
    assert kinds.count("session") > 1
