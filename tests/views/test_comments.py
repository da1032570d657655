"""Comments over HTTP: the list beside the text, what forms and scripts send, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import member
from tests.reviewing.conftest import MakeText, make_text  # noqa: F401 - a fixture
from transcripts.models import Comment, Role, Team, Transcript
from transcripts.reviewing import comments

JSON = {"Accept": "application/json"}


@pytest.fixture
def text(make_text: MakeText) -> Transcript:  # noqa: F811
    return make_text("The river rose.", "Nobody slept.")


def send(client: Client, transcript: Transcript, rest: str = "", **fields: Any) -> Any:
    return client.post(f"/s/{transcript.pk}/comments{rest}", fields, headers=JSON)


def listed(client: Client, transcript: Transcript) -> str:
    answer = client.get(f"/s/{transcript.pk}/comments")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_script_writes_answers_settles_and_deletes(client: Client, text: Transcript, bob: User) -> None:
    client.force_login(bob)
    assert send(client, text, text="Which river?", segment="1", at="10200").json() == {}
    asked = Comment.objects.get()
    assert (asked.segment, asked.start_ms, asked.by) == (1, 10_200, bob)
    assert send(client, text, text="The Alva.", thread=str(asked.pk)).status_code == 200
    html = listed(client, text)
    assert html.index("Which river?") < html.index("The Alva.")
    assert 'href="#seg-1"' in html
    assert send(client, text, f"/{asked.pk}/resolve").status_code == 200
    assert "Resolved by Bob" in listed(client, text)
    assert send(client, text, f"/{asked.pk}/reopen").status_code == 200
    for comment in Comment.objects.order_by("-pk"):
        assert send(client, text, f"/{comment.pk}/delete").status_code == 200
    assert "No open comments." in listed(client, text)
    assert not Comment.objects.exists()


def test_ones_own_is_edited_shown_as_edited_and_not_over_another_version(
    client: Client, text: Transcript, alice: User, bob: User
) -> None:
    client.force_login(bob)
    comment = comments.write(text, bob, "Which rivver?", segment=0)
    assert "comment-edited" not in listed(client, text)
    assert send(client, text, f"/{comment.pk}/edit", text="Which river?", version="0").status_code == 200
    assert "comment-edited" in listed(client, text)
    late = send(client, text, f"/{comment.pk}/edit", text="Late.", version="0")
    assert (late.status_code, late.json()["code"]) == (409, "comment_changed")
    assert late.json()["current"] == {"text": "Which river?", "version": 1}
    assert send(client, text, f"/{comment.pk}/edit", text="Late.", version="x").status_code == 409
    page = client.post(f"/s/{text.pk}/comments/{comment.pk}/edit", {"text": "By a form.", "version": "1"}, follow=True)
    assert "By a form." in page.content.decode()
    client.force_login(alice)
    assert f"/comments/{comment.pk}/edit" not in listed(client, text)
    assert send(client, text, f"/{comment.pk}/edit", text="x", version="2").status_code == 403


def test_a_form_comes_back_to_the_page_and_says_what_was_wrong(client: Client, text: Transcript, bob: User) -> None:
    client.force_login(bob)
    page = client.post(f"/s/{text.pk}/comments", {"text": "Which river?"}, follow=True)
    assert "Which river?" in page.content.decode()
    page = client.post(f"/s/{text.pk}/comments", {"text": " "}, follow=True)
    assert "A comment needs words." in page.content.decode()


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"text": ""}, 422, "empty_comment"),
        ({"text": "x" * 2001}, 422, "comment_too_long"),
        ({"text": "x", "segment": "77"}, 409, "version_conflict"),
        ({"text": "x", "thread": "77"}, 422, "comment_gone"),
    ],
    ids=["empty", "long", "segment", "thread"],
)
def test_refusals_have_a_code_and_keep_nothing(
    client: Client, text: Transcript, bob: User, fields: dict[str, str], status: int, code: str
) -> None:
    client.force_login(bob)
    answer = send(client, text, **fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["next_step"]
    assert not Comment.objects.exists()


@pytest.mark.parametrize("role", list(Role))
def test_who_may_write_and_who_may_delete_what(
    client: Client, text: Transcript, team: Team, bob: User, role: Role
) -> None:
    theirs = comments.write(text, bob, "Mine.")
    client.force_login(member("pat", team, role))
    assert "Mine." in listed(client, text)
    may = role != Role.VIEWER
    assert send(client, text, text="Also.").status_code == (200 if may else 403)
    assert ("/resolve" in listed(client, text)) == may
    rules = role in {Role.OWNER, Role.MANAGER}
    assert (f"/comments/{theirs.pk}/delete" in listed(client, text)) == rules
    assert send(client, text, f"/{theirs.pk}/delete").status_code == (200 if rules else 403)
    assert Comment.objects.filter(pk=theirs.pk).exists() != rules


def test_a_comment_of_another_transcript_is_not_there(
    client: Client,
    text: Transcript,
    make_text: MakeText,  # noqa: F811
    bob: User,
) -> None:
    other = comments.write(make_text("Elsewhere."), bob, "Mine.")
    client.force_login(bob)
    for verb in ("resolve", "reopen", "delete"):
        assert send(client, text, f"/{other.pk}/{verb}").status_code == 404
    assert send(client, text, text="x", thread=str(other.pk)).status_code == 422


def test_what_people_write_is_text(client: Client, text: Transcript, alice: User) -> None:
    alice.first_name = '"><script>name</script>'
    alice.save()
    comments.write(text, alice, "<script>alert(1)</script>\n<b>two</b>", segment=0)
    client.force_login(alice)
    for path in ("", "/comments", "/review"):
        html = client.get(f"/s/{text.pk}{path}").content.decode()
        assert "&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html
        assert "<script>name" not in html


def test_the_panel_opens_where_it_is_asked_to(client: Client, text: Transcript, alice: User) -> None:
    client.force_login(alice)

    def opened(path: str) -> str:
        return str(client.get(f"/s/{text.pk}{path}").context["panel"])

    assert [opened(path) for path in ("", "?panel=activity", "?panel=burn", "/review")] == [
        "details", "activity", "details", "details",
    ]  # fmt: skip
    comments.write(text, alice, "Look.")
    assert (opened("/review"), opened("/review?panel=details")) == ("comments", "details")


def test_the_list_of_many_is_one_query_more_or_less(
    client: Client, text: Transcript, alice: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        comments.answer(text, alice, comments.write(text, alice, f"{number}?", segment=0).pk, "!")
    client.force_login(alice)
    with django_assert_max_num_queries(14):
        assert listed(client, text).count("data-thread") == 20
