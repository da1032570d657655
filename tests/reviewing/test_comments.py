"""Comments: a place, answers, settling, deleting, and what the log and the record of acts keep of them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from tests.reviewing.conftest import MakeText
from transcripts.models import Act, AuditEntry, Comment, EventKind, Transcript
from transcripts.reviewing import comments, editing, flow
from transcripts.reviewing.errors import (
    CommentChanged,
    CommentTooLong,
    Conflict,
    NoComment,
    NoSuchThread,
    TooManyComments,
)


@pytest.fixture
def text(make_text: MakeText) -> Transcript:
    return make_text("The river rose overnight.", "Nobody slept.")


def told(transcript: Transcript) -> list[tuple[str, int]]:
    events = transcript.events.filter(kind=EventKind.COMMENT).order_by("seq")
    return [(event.payload["what"], event.payload["id"]) for event in events]


def test_a_comment_has_a_place_and_the_log_knows_of_it_but_not_what_it_says(text: Transcript, alice: User) -> None:
    comment = comments.write(text, alice, "  Which river?  ", segment=1, at_ms=10_700)
    assert (comment.text, comment.start_ms, comment.by_name) == ("Which river?", 10_700, "Alice")
    event = text.events.get(kind=EventKind.COMMENT)
    assert event.payload == {
        "id": comment.pk, "what": "written", "thread": comment.pk, "segment": 1, "start_ms": 10_700, "by": "Alice",
    }  # fmt: skip


def test_a_time_outside_of_the_segment_is_not_kept_and_without_one_any_time_is(text: Transcript, alice: User) -> None:
    assert comments.write(text, alice, "a", segment=1, at_ms=3).start_ms == 10_000
    assert comments.write(text, alice, "b", at_ms=3).start_ms == 3
    assert comments.write(text, alice, "c", at_ms=2**70).start_ms == comments.LATEST_MS
    assert comments.write(text, alice, "d").segment is None
    with pytest.raises(Conflict):
        comments.write(text, alice, "e", segment=99)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\u0000b\u202ec\u200b", "abc"),
        ("one\n\n\n\n two  \n", "one\n\n two"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\u0308", "ä"),
    ],
    ids=["invisible", "empty lines", "markup", "composed"],
)
def test_what_is_typed_is_cleaned(typed: str, kept: str) -> None:
    assert comments.said(typed) == kept


@pytest.mark.parametrize("nothing", ["", "  \n ", "\u200b\u202e", "\u0000"], ids=["none", "space", "marks", "nul"])
def test_a_comment_needs_words_and_has_a_bound(nothing: str) -> None:
    with pytest.raises(NoComment):
        comments.said(nothing)
    with pytest.raises(CommentTooLong):
        comments.said("x" * (comments.LONGEST_COMMENT + 1))


def test_answers_stand_beside_each_other_and_open_what_was_settled(text: Transcript, alice: User, bob: User) -> None:
    asked = comments.write(text, alice, "Which river?", segment=0)
    first = comments.answer(text, bob, asked.pk, "The Alva.")
    assert comments.settle(text, alice, asked.pk).resolved_name == "Alice"
    comments.settle(text, alice, asked.pk)
    second = comments.answer(text, alice, first.pk, "Sure?")
    assert (first.parent, second.parent, second.segment) == (asked, asked, 0)
    asked.refresh_from_db()
    assert (asked.resolved_at, asked.resolved_name) == (None, "")
    assert told(text) == [("written", asked.pk), ("written", first.pk), ("resolved", asked.pk), ("written", second.pk)]
    with pytest.raises(Comment.DoesNotExist):
        comments.settle(text, alice, first.pk)
    with pytest.raises(NoSuchThread):
        comments.answer(text, alice, second.pk + 1, "Who?")


def test_ones_own_words_are_changed_over_the_version_that_was_seen(text: Transcript, alice: User, bob: User) -> None:
    comment = comments.write(text, alice, "Which rivver?", segment=0)
    assert (comment.version, comment.edited_at) == (0, None)
    edited = comments.edit(text, alice, comment.pk, " Which river? ", 0)
    assert (edited.text, edited.version, edited.edited_at is not None) == ("Which river?", 1, True)
    assert comments.edit(text, alice, comment.pk, "Which river?", 1).version == 1, "nothing changed"
    with pytest.raises(CommentChanged) as refused:
        comments.edit(text, alice, comment.pk, "From another tab.", 0)
    assert refused.value.current.text == "Which river?"
    with pytest.raises(PermissionDenied):
        comments.edit(text, bob, comment.pk, "Not mine.", 1)
    with pytest.raises(NoComment):
        comments.edit(text, alice, comment.pk, " ", 1)
    assert told(text) == [("written", comment.pk), ("edited", comment.pk)]
    assert "rivver" not in str(list(text.events.values()))
    reply = comments.answer(text, bob, comment.pk, "The Alva.")
    comments.delete(text, alice, comment.pk)
    with pytest.raises(Comment.DoesNotExist):
        comments.edit(text, alice, comment.pk, "I am back.", 1)
    assert comments.edit(text, bob, reply.pk, "The Elbe.", 0).parent_id == comment.pk


def test_ones_own_is_deleted_and_that_of_others_by_a_manager_on_the_record(
    text: Transcript, alice: User, bob: User
) -> None:
    his = comments.write(text, bob, "a secret", segment=0)
    hers = comments.write(text, alice, "another")
    with pytest.raises(PermissionDenied):
        comments.delete(text, bob, hers.pk)
    comments.delete(text, alice, his.pk, of_anybody=True)
    entry = AuditEntry.objects.get(act=Act.COMMENT_DELETED)
    assert (entry.actor, entry.target, entry.details) == ("alice", text.title, {"of": "Bob"})
    comments.delete(text, alice, hers.pk)
    assert not Comment.objects.exists()
    assert AuditEntry.objects.filter(act=Act.COMMENT_DELETED).count() == 1
    assert "secret" not in str(list(text.events.values()))


def test_one_with_answers_loses_its_words_and_goes_with_the_last_of_them(
    text: Transcript, alice: User, bob: User
) -> None:
    asked = comments.write(text, alice, "Which river?")
    reply = comments.answer(text, bob, asked.pk, "The Alva.")
    comments.delete(text, alice, asked.pk)
    asked.refresh_from_db()
    assert (asked.text, asked.by, asked.by_name) == ("", None, "")
    with pytest.raises(Comment.DoesNotExist):
        comments.delete(text, alice, asked.pk)
    comments.delete(text, bob, reply.pk)
    assert not Comment.objects.exists()


def test_comments_follow_a_segment_that_is_joined_or_cut(text: Transcript, alice: User) -> None:
    early = comments.write(text, alice, "early", segment=0)
    late = comments.write(text, alice, "late", segment=0, at_ms=1200)
    second = comments.write(text, alice, "second", segment=1)
    _left, right = editing.split(text, alice, 0, 0, 9)
    places = dict(text.comments.values_list("pk", "segment"))
    assert places == {early.pk: 0, late.pk: right.index, second.pk: 1}
    editing.merge(text, alice, right.index, right.version, 0)
    assert dict(text.comments.values_list("pk", "segment"))[second.pk] == right.index


def test_an_approved_text_still_takes_comments_and_so_many_are_the_most(
    text: Transcript, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow.approve(text, alice)
    monkeypatch.setattr(comments, "MOST_COMMENTS", 1)
    comments.write(text, alice, "Reopen it: the name is wrong.")
    with pytest.raises(TooManyComments):
        comments.write(text, alice, "And another.")


def test_they_are_erased_with_the_transcript_and_outlive_their_author(text: Transcript, alice: User, bob: User) -> None:
    comments.answer(text, bob, comments.write(text, alice, "a").pk, "b")
    bob.delete()
    assert list(text.comments.values_list("by", "by_name").order_by("id")) == [(alice.pk, "Alice"), (None, "Bob")]
    text.delete()
    assert not Comment.objects.exists()
