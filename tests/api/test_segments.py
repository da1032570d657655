"""The text by the API: pages of passages, corrections that never overwrite somebody else's."""

from __future__ import annotations

import pytest

from tests.api.conftest import code_of
from transcripts.models import Transcript


@pytest.fixture
def spoken(make_transcript) -> Transcript:
    transcript = make_transcript(state="completed")
    for index in range(5):
        start = index * 1000
        transcript.segments.create(
            index=index, seq=index + 2, start_ms=start, end_ms=start + 900, text=f"number {index}",
            words=[["number", start, start + 400, 0.9], [str(index), start + 400, start + 900, 0.5]],
        )  # fmt: skip
    return transcript


def place(transcript: Transcript, rest: str = "") -> str:
    return f"/transcripts/{transcript.pk}/segments{rest}"


def test_the_text_is_read_page_by_page(alices, spoken):
    first = alices.get(place(spoken, "?limit=3")).json()
    rest = alices.get(place(spoken, f"?limit=3&cursor={first['next']}&words=false")).json()
    assert [one["index"] for one in first["items"] + rest["items"]] == [0, 1, 2, 3, 4]
    assert rest["next"] == ""
    assert first["items"][0]["words"][1] == ["0", 400, 900, 0.5]
    assert rest["items"][0]["words"] == []
    assert [one["index"] for one in alices.get(place(spoken, "?from_ms=3000")).json()["items"]] == [3, 4]


def test_a_correction_raises_the_version_and_keeps_the_times(alices, spoken):
    answer = alices.patch(place(spoken, "/1"), {"version": 0, "text": "number one"}).json()
    assert (answer["version"], answer["text"], answer["words"][-1][:3:2]) == (1, "number one", ["one", 1900])
    answer = alices.patch(place(spoken, "/1"), {"version": 1, "speaker": "Ana", "is_checked": True}).json()
    assert (answer["version"], answer["speaker"], answer["is_checked"]) == (2, "Ana", True)


def test_who_comes_second_gets_the_passage_as_it_is_now(alices, spoken):
    alices.patch(place(spoken, "/1"), {"version": 0, "text": "number one"})
    refused = alices.patch(place(spoken, "/1"), {"version": 0, "text": "number uno"})
    assert (refused.status_code, code_of(refused)) == (409, "version_conflict")
    assert refused.json()["current"]["text"] == "number one"
    assert refused.json()["current"]["version"] == 1


def test_a_change_of_two_things_is_done_whole_or_not_at_all(alices, spoken):
    spoken.segments.filter(index=1).update(version=3)
    refused = alices.patch(place(spoken, "/1"), {"version": 2, "text": "x", "speaker": "Ana"})
    assert refused.status_code == 409
    assert spoken.segments.get(index=1).text == "number 1"


def test_split_merge_and_restore(alices, spoken):
    both = alices.post(place(spoken, "/2/split"), {"version": 0, "at": 6}).json()["items"]
    assert [one["text"] for one in both] == ["number", "2"]
    left, right = both
    joined = alices.post(place(spoken, "/2/merge"), {"version": left["version"], "next_version": right["version"]})
    assert joined.json()["text"] == "number 2"
    gone = alices.patch(place(spoken, f"/{right['index']}"), {"version": right["version"], "text": "x"})
    assert (gone.status_code, gone.json()["current"]) == (409, None)
    edited = alices.patch(place(spoken, "/3"), {"version": 0, "text": "three"}).json()
    alices.patch(place(spoken, "/3"), {"version": edited["version"], "text": "four"})
    restored = alices.post(place(spoken, "/3/restore"), {"version": 2, "wanted": 1}).json()
    assert (restored["text"], restored["version"]) == ("three", 3)


def test_speakers_and_replacements_everywhere(alices, spoken):
    spoken.segments.update(speaker="A")
    assert alices.post(f"/transcripts/{spoken.pk}/speakers", {"old": "A", "new": "Ana"}).json() == {"changed": 5}
    body = {"find": "number", "replacement": "no"}
    assert alices.post(f"/transcripts/{spoken.pk}/replace", body).json() == {"changed": 5}
    assert spoken.segments.get(index=0).text == "no 0"


def test_what_is_not_there_is_not_found(alices, spoken):
    for rest in ("/77", f"/{2**40}"):
        assert alices.get(place(spoken, rest)).status_code == 404
        assert alices.patch(place(spoken, rest), {"version": 0, "text": "x"}).status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"version": "0"}, {"version": -1}, {"version": 0, "text": ""}, {"version": 0, "x": 1}]
)
def test_corrections_that_make_no_sense_are_refused(alices, spoken, body):
    assert alices.patch(place(spoken, "/0"), body).status_code == 422


def test_the_way_to_approval(alices, alice, spoken):
    path = f"/transcripts/{spoken.pk}/review"
    assert alices.get(path).json()["state"] == ""
    assert alices.post(path, {"decision": "send"}).json()["state"] == "open"
    assigned = alices.post(path, {"decision": "assign", "assignee": alice.pk, "due_on": "2030-01-31"}).json()
    assert (assigned["assignee"], assigned["due_on"]) == ("Alice", "2030-01-31")
    assert code_of(alices.post(path, {"decision": "return"})) == "no_reason"
    assert alices.post(path, {"decision": "return", "reason": "names"}).json()["state"] == "returned"
    assert alices.post(path, {"decision": "approve"}).json()["state"] == "approved"
    refused = alices.patch(place(spoken, "/0"), {"version": 0, "text": "x"})
    assert (refused.status_code, code_of(refused)) == (409, "approved")
    assert alices.post(path, {"decision": "reopen", "reason": "again"}).json()["state"] == "open"
    assert code_of(alices.post(path, {"decision": "assign", "assignee": 10_000})) == "no_reviewer"
