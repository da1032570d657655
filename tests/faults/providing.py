"""What the tests of provider faults ask: exact text, sessions and notices of a transcript."""

from __future__ import annotations

import json
from typing import Any

from pytest_django import Settings

from tests.conftest import async_db
from tests.jobs.conftest import names, words_of
from tests.jobs.test_live_source import station  # noqa: F401 - fixture
from tests.jobs.test_session import reload
from transcripts.models import Event, EventKind, State, Transcript

pytestmark = async_db


def rules(settings: Settings, *several: dict[str, Any]) -> None:
    settings.STTWEB_ENGINE_FAULTS = json.dumps({"seed": 3, "rules": list(several)})


async def exact(transcript: Transcript, blocks: int) -> Transcript:
    """Done, with every block once and in order."""
    row = await reload(transcript)
    assert row.state == State.COMPLETED, (row.state, row.code)
    heard = await words_of(row)
    assert sorted(set(names(blocks)) - set(heard)) == []
    assert heard == names(blocks)
    return row


async def sessions_of(transcript: Transcript) -> int:
    return await Event.objects.filter(transcript=transcript, kind=EventKind.SESSION).acount()


async def notices_of(transcript: Transcript) -> list[str]:
    found = Event.objects.filter(transcript=transcript, kind=EventKind.NOTICE).order_by("seq")
    return [event.payload["code"] async for event in found]
