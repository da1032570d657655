"""Engine text with NUL, lone surrogates and controls is kept by both databases, and the job goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scale.conftest import postgres  # noqa: F401 - the fixture

REPOSITORY = Path(__file__).resolve().parents[2]

#: Runs in a process of its own, on the database that its environment names.
PROGRAM = r"""
import asyncio, json
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from transcripts import services
from transcripts.jobs import leases
from transcripts.jobs.recorder import Recorder
from transcripts.jobs.recording import Position
from transcripts.jobs.threads import DatabaseThread
from transcripts.models import Event, EventKind, Segment, SourceKind, Team, Transcript
from transcripts.realtime.results import Committed, Word
BAD = ["a\x00b", "\ud800 high", "low \udfff", "\x1b[31mred\x07", "e\u0301\u202e", "\x85\x0b\x0c", "fine \U0001f600"]
team, person = Team.objects.create(name="T"), User.objects.create_user("bob")
row = services.submit(team, person, services.Submission(title="t", kind=SourceKind.SAMPLE), wake=False)
claim = leases.claim_one(row.pk, "w", 60.0)
async def work():
    database = DatabaseThread("test")
    recorder = Recorder(claim, Position(0, 0, 0), row.last_seq, database, print, lambda: 0)
    for n, text in enumerate(BAD):
        word = Word(text, n * 16000, n * 16000 + 8000)
        start = n * 16000
        await recorder.put(Committed(text=text, start=start, end=start + 16000, words=(word,), language="en\x00"))
    await recorder.close()
    database.close()
asyncio.run(work())
print(json.dumps([[s.text, s.words[0][0] if s.words else None, s.language] for s in Segment.objects.order_by("index")]))
"""


def kept(database: str, folder: Path) -> list[list[str]]:
    environment = {**os.environ, "DATABASE_URL": database, "STTWEB_VAR": str(folder), "PYTHONPATH": str(REPOSITORY)}
    environment |= {"DJANGO_SETTINGS_MODULE": "sttweb.settings", "REDIS_URL": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, cwd=folder, timeout=150
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def check(rows: list[list[str]]) -> None:
    assert len(rows) == 6  # the one of controls alone is silence
    for text, word, language in rows:
        for told in (text, word, language):
            assert "\x00" not in told
            assert "\x1b" not in told
            told.encode()
    assert rows[0][0] == "ab"
    assert rows[5][0] == "fine \U0001f600"
    assert {language for _text, _word, language in rows} == {"en"}


def test_sqlite_keeps_what_is_left_of_hostile_text(tmp_path: Path) -> None:
    check(kept("", tmp_path))


@pytest.mark.services
def test_postgresql_keeps_what_is_left_of_hostile_text(tmp_path: Path, postgres: str) -> None:  # noqa: F811
    check(kept(postgres, tmp_path))
