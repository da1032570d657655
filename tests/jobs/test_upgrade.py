"""Two versions of this program at work on one database: the tables are a newer one's, some workers an older one's."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from tests.conftest import async_db
from tests.jobs.conftest import SubmitTape, names, states_of, words_of
from tests.jobs.test_session import PACE, reload, running, until
from transcripts import exporting
from transcripts.jobs.runner import Runner
from transcripts.live.reader import read_rows
from transcripts.models import State, Transcript
from transcripts.models.log import Entry, append

pytestmark = async_db


class NewerTables:
    """The database as a later migration leaves it, from ``come`` to ``go``."""

    def __init__(self) -> None:
        self._undo = ""

    def come(self, change: str, undo: str) -> None:
        """The newer version migrates."""
        self._run(change)
        self._undo = undo
        MigrationRecorder(connection).record_applied("transcripts", "9999_later")

    def go(self) -> None:
        """What works on them now knows them. Harmless the second time."""
        if self._undo:
            MigrationRecorder(connection).record_unapplied("transcripts", "9999_later")
            self._run(self._undo)
        self._undo = ""

    def _run(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.fixture
def newer(transactional_db: None) -> Iterator[NewerTables]:
    tables = NewerTables()
    yield tables
    tables.go()


def log_something_new(transcript: Transcript) -> None:
    """An event of a kind that only the newer version knows."""
    append(transcript.pk, [Entry("invented", {"what": "later"})], when={})  # type: ignore[arg-type]


def read_everywhere(transcript: Transcript) -> tuple[list[str], str]:
    """The log as pages and programs get it."""
    told = [json.loads(row.text)["type"] for row in read_rows(transcript.pk, 0)]
    return told, exporting.export(transcript, "json").content.decode()


async def test_an_old_worker_ends_its_work_on_newer_tables_and_hands_over_when_it_is_stopped(
    submit_tape: SubmitTape, newer: NewerTables
) -> None:
    transcript = await submit_tape(900, pace=PACE)
    column = "ALTER TABLE transcripts_segment ADD COLUMN later varchar(9) NOT NULL DEFAULT 'x'"
    async with running():
        row = await until(transcript, segment_count__gt=0)
        await sync_to_async(newer.come)(column, "ALTER TABLE transcripts_segment DROP COLUMN later")
        await sync_to_async(log_something_new)(transcript)
        await until(transcript, segment_count__gt=row.segment_count)
    row = await reload(transcript)
    assert row.state == State.QUEUED
    # An old worker takes nothing new from tables that it does not know; one of the newer version goes on.
    await Transcript.objects.aupdate(options={})
    old = Runner()
    assert await old.run_once() == 0
    assert old.holding_back == "schema_newer"
    await sync_to_async(newer.go)()
    await Runner().run_once()
    row = await reload(transcript)
    assert row.state == State.COMPLETED
    assert await words_of(transcript) == names(900)
    told, exported = await sync_to_async(read_everywhere)(row)
    assert "invented" in told
    assert "b000899" in exported


async def test_work_that_an_old_worker_cannot_write_any_more_goes_to_a_newer_one(
    submit_tape: SubmitTape, newer: NewerTables
) -> None:
    transcript = await submit_tape(900, pace=PACE)
    refusal = (
        "CREATE TRIGGER needs_later BEFORE INSERT ON transcripts_segment "
        "BEGIN SELECT RAISE(ABORT, 'NOT NULL constraint failed: transcripts_segment.later'); END"
    )
    async with running():
        await until(transcript, segment_count__gt=0)
        await sync_to_async(newer.come)(refusal, "DROP TRIGGER needs_later")
        row = await until(transcript, state__in=[State.QUEUED, State.FAILED])
    assert row.state == State.QUEUED
    assert (await states_of(row))[-1] == "queued"
    await sync_to_async(newer.go)()
    await Transcript.objects.aupdate(options={})
    await Runner().run_once()
    assert (await reload(transcript)).state == State.COMPLETED
    assert await words_of(transcript) == names(900)
