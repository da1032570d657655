"""What programs do stands in the audit record like what people do, with the name of the token."""

from __future__ import annotations

import pytest

from sttweb.visiting import current_program
from transcripts.models import Act, AuditEntry, Transcript


def record() -> list[tuple[str, str, str, object]]:
    rows = AuditEntry.objects.exclude(act=Act.TOKEN_MADE).order_by("id")
    return [(row.act, row.actor, row.target, row.details.get("token")) for row in rows]


@pytest.fixture
def transcript(make_transcript) -> Transcript:
    made = make_transcript(state="completed", title="News")
    made.segments.create(index=0, seq=2, start_ms=0, end_ms=900, text="one two")
    return made


def test_exports_are_on_record_by_format(alices, transcript):
    for name in ("txt", "srt"):
        assert alices.get(f"/transcripts/{transcript.pk}/export/{name}").status_code == 200
    assert alices.get(f"/transcripts/{transcript.pk}/export/exe").status_code == 422
    assert record() == [("exported", "alice", "News", "test")] * 2
    rows = AuditEntry.objects.filter(act=Act.EXPORTED).order_by("id")
    assert [row.details["format"] for row in rows] == ["txt", "srt"]
    assert {row.team_id for row in rows} == {transcript.team_id}
    assert {row.address for row in rows} == {"127.0.0.1"}


def test_deleting_is_on_record_and_says_nothing_of_what_was_said(alices, transcript):
    assert alices.delete(f"/transcripts/{transcript.pk}").status_code == 204
    assert [(act, token) for act, _who, _what, token in record()] == [("deleted", "test")]
    assert "one two" not in str(list(AuditEntry.objects.values()))


def test_decisions_are_on_record_and_refusals_are_not(alices, program, victor, transcript):
    refused = program(victor).post(f"/transcripts/{transcript.pk}/review", {"decision": "approve"})
    assert refused.status_code == 403
    assert record() == []
    assert alices.post(f"/transcripts/{transcript.pk}/review", {"decision": "approve"}).status_code == 200
    assert record() == [("approved", "alice", "News", "test")]


def test_what_a_person_does_next_is_not_the_programs(alices, transcript, client, alice):
    alices.get(f"/transcripts/{transcript.pk}/export/txt")
    assert current_program() == ""
    client.force_login(alice)
    client.get(f"/s/{transcript.pk}/export/txt")
    assert record()[-1] == ("exported", "alice", "News", None)
