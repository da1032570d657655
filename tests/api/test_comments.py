"""Comments by the API: read by whoever sees, written by whoever corrects, deleted by their author or a manager."""

from __future__ import annotations

import pytest

from tests.api.conftest import code_of
from transcripts.access import Scope
from transcripts.models import Comment, Transcript


@pytest.fixture
def path(make_transcript) -> str:
    transcript: Transcript = make_transcript(state="completed")
    transcript.segments.create(index=0, seq=2, start_ms=500, end_ms=900, text="one two")
    return f"/transcripts/{transcript.pk}/comments"


def test_written_answered_settled_and_deleted(alices, path):
    made = alices.post(path, {"text": "Who?", "segment": 0, "start_ms": 600})
    assert made.status_code == 201
    asked = made.json()
    assert (asked["segment"], asked["start_ms"], asked["by"], asked["thread"]) == (0, 600, "Alice", asked["id"])
    reply = alices.post(path, {"text": "Ana.", "thread": asked["id"]}).json()
    assert (reply["thread"], reply["start_ms"]) == (asked["id"], 600)
    alices.post(path, {"text": "All good so far."})
    assert [one["text"] for one in alices.get(path).json()["items"]] == ["All good so far.", "Who?", "Ana."]
    settled = alices.patch(f"{path}/{asked['id']}", {"resolved": True}).json()
    assert (settled["resolved_by"], bool(settled["resolved_at"])) == ("Alice", True)
    assert [one["text"] for one in alices.get(f"{path}?open=true").json()["items"]] == ["All good so far."]
    assert alices.patch(f"{path}/{reply['id']}", {"resolved": True}).status_code == 404
    assert alices.patch(f"{path}/{asked['id']}", {"resolved": False}).json()["resolved_at"] is None
    assert alices.delete(f"{path}/{asked['id']}").status_code == 204
    assert [one["text"] for one in alices.get(path).json()["items"]] == ["All good so far.", "", "Ana."]
    assert alices.delete(f"{path}/{asked['id']}").status_code == 404
    assert alices.delete(f"{path}/{reply['id']}").status_code == 204
    assert Comment.objects.count() == 1


def test_ones_own_words_are_changed_over_the_version_that_was_seen(alices, program, bob, path):
    made = alices.post(path, {"text": "Whoo?"}).json()
    one = f"{path}/{made['id']}"
    assert (made["version"], made["edited_at"]) == (0, None)
    edited = alices.patch(one, {"text": "Who?", "version": 0}).json()
    assert (edited["text"], edited["version"], bool(edited["edited_at"])) == ("Who?", 1, True)
    late = alices.patch(one, {"text": "Late.", "version": 0})
    assert (late.status_code, code_of(late)) == (409, "comment_changed")
    assert late.json()["current"] == {"text": "Who?", "version": 1}
    assert program(bob).patch(one, {"text": "Mine.", "version": 1}).status_code == 403
    for body in ({}, {"text": "x"}, {"version": 1}, {"resolved": True, "text": "x", "version": 1}):
        assert alices.patch(one, body).status_code == 422


def test_only_a_token_that_manages_deletes_what_others_wrote(program, alice, bob, path):
    his = program(bob).post(path, {"text": "Mine."}).json()["id"]
    refused = program(alice, Scope.READ, Scope.EDIT).delete(f"{path}/{his}")
    assert (refused.status_code, code_of(refused)) == (403, "forbidden")
    assert program(alice, Scope.EDIT, Scope.MANAGE).delete(f"{path}/{his}").status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"text": ""}, 422, "invalid_request"),
        ({"text": " "}, 409, "empty_comment"),
        ({"text": "x", "segment": 7}, 409, "version_conflict"),
        ({"text": "x", "thread": 77}, 409, "comment_gone"),
        ({"text": "x" * 2001}, 422, "invalid_request"),
        ({"text": "x", "start_ms": -1}, 422, "invalid_request"),
    ],
    ids=["nothing", "empty", "blank", "segment", "thread", "long", "time"],
)
def test_refusals(alices, path, body, status, code):
    refused = alices.post(path, body)
    assert (refused.status_code, code_of(refused)) == (status, code)


@pytest.mark.parametrize("number", [0, 2**40, 2**70])
def test_a_comment_that_is_not_there_is_not_found(alices, path, number):
    assert alices.delete(f"{path}/{number}").status_code == 404
    assert alices.patch(f"{path}/{number}", {"resolved": True}).status_code == 404
