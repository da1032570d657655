"""Correcting over HTTP: every verb, every refusal, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import member
from tests.reviewing.conftest import MakeText, add_segment, make_text  # noqa: F401 - a fixture
from transcripts.models import Role, Segment, Team, Transcript
from transcripts.reviewing import editing, flow
from transcripts.reviewing.diff import word_diff


@pytest.fixture
def text(make_text: MakeText) -> Transcript:  # noqa: F811
    """Three passages: 0 s, 10 s, 20 s."""
    return make_text("The river rose.", "It rose overnight again.", "Nobody slept.")


@pytest.fixture
def editor(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


def post(client: Client, transcript: Transcript, index: int, verb: str, **fields: Any) -> Any:
    return client.post(f"/s/{transcript.pk}/segments/{index}/{verb}", fields)


def test_a_correction_answers_with_the_passage_as_it_is_now(editor: Client, text: Transcript) -> None:
    answer = post(editor, text, 0, "edit", version=0, text="The river sank.").json()
    (now,) = answer["segments"]
    assert (now["segment"], now["version"], now["text"], now["checked"]) == (0, 1, "The river sank.", False)
    assert [word[0] for word in now["words"]] == ["The", "river", "sank."]


def test_two_editors_get_a_conflict_with_both_texts(editor: Client, text: Transcript, alice: User) -> None:
    editing.edit(text, alice, 0, 0, "The river fell.")
    answer = post(editor, text, 0, "edit", version=0, text="The river sank.")
    assert answer.status_code == 409
    told = answer.json()
    assert (told["code"], told["by"], told["current"]["text"]) == ("version_conflict", "Alice", "The river fell.")
    assert told["diff"] == [["same", "The river"], ["gone", " fell."], ["new", " sank."]]
    assert post(editor, text, 0, "edit", version=1, text="The river sank.").status_code == 200
    assert list(text.revisions.values_list("text", flat=True)) == ["The river fell.", "The river sank."]


def test_a_passage_that_was_merged_away_is_a_conflict_without_a_present(editor: Client, text: Transcript) -> None:
    assert post(editor, text, 0, "merge", version=0, next_version=0).status_code == 200
    answer = post(editor, text, 1, "edit", version=0, text="Mine.")
    assert (answer.status_code, answer.json()["current"]) == (409, None)


def test_a_cut_makes_a_row_of_its_own_between_its_neighbours(editor: Client, text: Transcript) -> None:
    first, second = post(editor, text, 1, "split", version=0, at=7).json()["segments"]
    assert (first["text"], second["text"]) == ("It rose", "overnight again.")
    page = editor.get(f"/s/{text.pk}")
    shown = [line["segment"].text for line in page.context["lines"] if "segment" in line]
    assert shown == ["The river rose.", "It rose", "overnight again.", "Nobody slept."]
    found = editor.get(f"/s/{text.pk}/find", {"q": "o"}).json()
    assert found["hits"] == [0, 1, second["segment"], 2][1:] or found["hits"] == [0, 1, second["segment"], 2]
    assert found["starts"] == sorted(found["starts"])


def test_pages_go_by_place_also_around_a_cut(editor: Client, text: Transcript, bob: User) -> None:
    _left, right = editing.split(text, bob, 1, 0, 7)
    asked = f"/s/{text.pk}?before={right.index}.{right.start_ms}"
    answer = editor.get(asked, headers={"hx-request": "true"})
    assert [line["segment"].index for line in answer.context["lines"]] == [0, 1]
    Segment.objects.filter(pk=right.pk).delete()
    assert editor.get(asked, headers={"hx-request": "true"}).context["lines"][-1]["segment"].index == 1


def test_speakers_are_named_one_by_one_and_everywhere(editor: Client, text: Transcript) -> None:
    assert post(editor, text, 0, "speaker", version=0, speaker="Ana").json()["segments"][0]["speaker"] == "Ana"
    editing.set_speaker(text, User.objects.get(username="bob"), 1, 0, "Anna")
    page = editor.post(f"/s/{text.pk}/speakers", {"old": "Anna", "new": "Ana"}, headers={"hx-request": "true"})
    assert [(row["label"], row["passages"]) for row in page.context["speakers"]] == [("Ana", 2)]


def test_a_replacement_is_counted_before_it_is_made(editor: Client, text: Transcript) -> None:
    asked = {"find": "rose", "replacement": "sank", "whole": "on"}
    told = editor.get(f"/s/{text.pk}/replace", asked).json()
    assert (told["count"], told["examples"][0]["segment"]) == (2, 0)
    assert ["new", " sank."] in told["examples"][0]["diff"]
    assert not text.revisions.exists()
    assert editor.post(f"/s/{text.pk}/replace", asked).json() == {"count": 2}
    assert text.segments.filter(text__contains="sank").count() == 2
    assert editor.get(f"/s/{text.pk}/replace", {"find": " "}).status_code == 422


def test_history_tells_every_version_and_leads_back_to_what_was_heard(editor: Client, text: Transcript) -> None:
    post(editor, text, 0, "edit", version=0, text="The river sank.")
    page = editor.get(f"/s/{text.pk}/segments/0/history")
    newest, heard = page.context["versions"]
    assert (newest["number"], newest["by"], newest["current"]) == (1, "Bob", True)
    assert newest["diff"] == [("same", "The river"), ("gone", " rose."), ("new", " sank.")]
    assert (heard["number"], heard["text"]) == (0, "The river rose.")
    assert b"As heard" in page.content
    assert post(editor, text, 0, "restore", version=1, wanted=0).json()["segments"][0]["text"] == "The river rose."


def test_checked_and_edited_passages_say_so_in_the_page(editor: Client, text: Transcript) -> None:
    post(editor, text, 0, "edit", version=0, text="The river sank.")
    post(editor, text, 0, "check", version=1)
    html = editor.get(f"/s/{text.pk}").content.decode()
    assert 'data-version="1" data-checked="1"' in html
    assert post(editor, text, 0, "check", version=1, checked=0).json()["segments"][0]["checked"] is False


@pytest.mark.parametrize(
    ("verb", "fields", "code"),
    [
        ("edit", {"version": 0, "text": "  "}, "no_text"),
        ("edit", {"version": 0, "text": "x" * 20_001}, "too_long"),
        ("edit", {"version": "one", "text": "A"}, "unreadable"),
        ("edit", {"text": "A"}, "unreadable"),
        ("split", {"version": 0, "at": 0}, "cannot_split"),
        ("split", {"version": 0, "at": "9" * 30}, "unreadable"),
        ("merge", {"version": 0}, "unreadable"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    editor: Client, text: Transcript, verb: str, fields: dict[str, Any], code: str
) -> None:
    answer = post(editor, text, 0, verb, **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["next_step"]
    assert not text.revisions.exists()


def test_the_last_passage_has_nobody_to_join(editor: Client, text: Transcript) -> None:
    assert post(editor, text, 2, "merge", version=0, next_version=0).json()["code"] == "cannot_merge"


def test_an_index_beyond_all_numbers_is_nothing(editor: Client, text: Transcript) -> None:
    assert post(editor, text, 10**30, "edit", version=0, text="A").status_code == 409
    assert editor.get(f"/s/{text.pk}/segments/{10**30}/history").status_code == 404
    assert post(editor, text, 10**30, "lock").status_code == 409


def test_approved_text_is_read_only_and_has_no_editor(editor: Client, text: Transcript, alice: User) -> None:
    flow.approve(text, alice)
    answer = post(editor, text, 0, "edit", version=0, text="A.")
    assert (answer.status_code, answer.json()["code"]) == (423, "approved")
    assert post(editor, text, 0, "lock").status_code == 423
    html = editor.get(f"/s/{text.pk}").content.decode()
    assert " data-locked" in html
    assert "Approved by Alice" in html


def test_a_soft_lock_names_whoever_came_first_and_hinders_nobody(
    client: Client, text: Transcript, alice: User, bob: User
) -> None:
    client.force_login(alice)
    assert post(client, text, 0, "lock").json() == {"by": ""}
    assert post(client, text, 0, "lock").json() == {"by": ""}
    client.force_login(bob)
    assert post(client, text, 0, "lock").json() == {"by": "Alice"}
    assert post(client, text, 0, "edit", version=0, text="Saved all the same.").status_code == 200
    post(client, text, 0, "lock", release=1)
    assert text.edit_locks.get().person == alice
    client.force_login(alice)
    post(client, text, 0, "lock", release=1)
    assert not text.edit_locks.exists()


def test_who_only_looks_sees_no_controls(client: Client, victor: User, text: Transcript) -> None:
    client.force_login(victor)
    html = client.get(f"/s/{text.pk}").content.decode()
    controls = ("data-edit title", "data-edits", "editor-template", "open-replace", "Send to review", 'id="speakers"')
    for control in controls:
        assert control not in html, control
    for path in ("speakers", "replace", "review", "segments/0/history"):
        assert client.get(f"/s/{text.pk}/{path}").status_code == 403, path
    assert client.get("/review").status_code == 403


def test_a_reviewer_who_is_no_editor_corrects_and_approves(client: Client, team: Team, text: Transcript) -> None:
    client.force_login(member("rita", team, Role.REVIEWER))
    assert post(client, text, 0, "edit", version=0, text="By Rita.").status_code == 200
    assert client.post(f"/s/{text.pk}/review/approve").status_code == 302
    text.refresh_from_db()
    assert text.review.is_locked


def test_words_with_their_confidence_are_in_the_page_when_the_engine_told_it(editor: Client, text: Transcript) -> None:
    html = editor.get(f"/s/{text.pk}").content.decode()
    assert """data-words='[["The",0,400,0.9]""" in html


@pytest.mark.parametrize(
    ("old", "new"),
    [("a b c", "a x c"), ("", "new words"), ("gone", ""), ("天気がいい", "天気は悪い"), ("a a a", "a a")],
)
def test_a_diff_holds_both_texts(old: str, new: str) -> None:
    diff = word_diff(old, new)
    assert "".join(text for kind, text in diff if kind != "gone").strip() == new
    assert "".join(text for kind, text in diff if kind != "new").split() == old.split()


def test_f55_in_a_hundred_rounds_no_text_of_two_editors_is_lost(
    editor: Client, text: Transcript, alice: User, bob: User
) -> None:
    """Each round both saw the same version; the second comes late and says again what it wants with what it is told."""
    for turn in range(100):
        seen = 2 * turn
        editing.edit(text, alice, 0, seen, f"Alice {turn}.")
        late = post(editor, text, 0, "edit", version=seen, text=f"Bob {turn}.")
        assert (late.status_code, late.json()["current"]["text"]) == (409, f"Alice {turn}.")
        again = post(editor, text, 0, "edit", version=late.json()["current"]["version"], text=f"Bob {turn}.")
        assert again.status_code == 200
    saved = list(text.revisions.order_by("version").values_list("text", flat=True))
    assert saved == [f"{name} {turn}." for turn in range(100) for name in ("Alice", "Bob")]
