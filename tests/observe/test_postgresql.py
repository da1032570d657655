"""The same numbers on PostgreSQL, by its own clock and its own partial index."""

from __future__ import annotations

import pytest

from tests.scale.conftest import postgres  # noqa: F401 - a fixture
from tests.upkeep.installations import Installation

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

_ASK = """
from datetime import timedelta
from django.db import connection
from django.test import Client
from transcripts.jobs import roster
from transcripts.models import Event, EventKind, Transcript
from transcripts.models.log import Entry, append
from transcripts.upkeep import numbers
roster.report("one", 4, 0)
row = Transcript.objects.filter(state="running").first()
append(row.pk, [Entry(EventKind.NOTICE, {"code": "rate_limited"})], when={})
append(row.pk, [Entry(EventKind.GAP, {"reason": "source_dropped"})], when={})
Event.objects.bulk_create(Event(transcript=row, seq=1000 + n, kind="commit", payload={}) for n in range(20_000))
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
now = numbers.read()
assert (now.states["running"], now.notices["rate_limited"], now.gaps["source_dropped"]) == (2, 1, 1), now
assert now.workers[0].silent < 20 and now.workers[0].alive and numbers.worker_is_fresh()
assert all(session.delay < 60 for session in now.sessions)
plan = numbers.trouble_since(numbers.database_now() - timedelta(hours=1)).values_list("kind", "payload").explain()
assert "trouble_by_time" in plan, plan
client = Client()
print(client.get("/metrics", HTTP_HOST="localhost").status_code, client.get("/readyz", HTTP_HOST="localhost").json())
"""


def test_the_numbers_come_from_postgresql_as_well(postgres, tmp_path):  # noqa: F811
    installation = Installation(tmp_path / "var", {"DATABASE_URL": postgres, "REDIS_URL": "redis://127.0.0.1:1/0"})
    installation.fill()
    said = installation.shell(_ASK)
    assert said.startswith("200 {'ready': True, 'degraded': True")
    assert "postgresql" in installation.shell("from sttweb.health import about; print(about())")
