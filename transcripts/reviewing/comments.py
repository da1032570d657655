"""Comments beside the text: written, answered, edited, settled, deleted. Each verb is one transaction and is logged.

The log says that something happened to a comment, never what it says: a deleted one is gone. They are no part of the
text, so an approved transcript takes them too. Callers have been through `access.py` (Right.COMMENT).
"""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from transcripts import auditing
from transcripts.jobs.clean import clean_text
from transcripts.live.publish import ring_on_commit
from transcripts.models import Act, Comment, EventKind, Segment, Transcript
from transcripts.models.log import Entry, append, hold
from transcripts.reviewing.errors import (
    CommentChanged,
    CommentTooLong,
    Conflict,
    NoComment,
    NoSuchThread,
    TooManyComments,
)
from transcripts.reviewing.people import name_of

#: Longest comment in characters, and most comments of a transcript, answers included.
LONGEST_COMMENT, MOST_COMMENTS = 2_000, 500
#: Farthest time that a comment may name, in ms: beyond any recording.
LATEST_MS = 2**53
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def said(text: str) -> str:
    """What somebody typed as it is kept: no invisible characters, no spaces at the ends, at most one empty line in a
    row. Raises NoComment and CommentTooLong."""
    lines = (line.rstrip() for line in _INVISIBLE.sub("", clean_text(text)).split("\n"))
    text = re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()
    if not text:
        raise NoComment
    if len(text) > LONGEST_COMMENT:
        raise CommentTooLong
    return text


@transaction.atomic
def write(
    transcript: Transcript, person: User, text: str, *, segment: int | None = None, at_ms: int | None = None
) -> Comment:
    """A comment on a segment, on a time, or on the whole. A time within the segment is kept, another one is not.

    Raises ReviewError; Conflict when the segment was merged away.
    """
    text = said(text)
    hold(transcript.pk)
    start = _place(transcript, segment, at_ms)
    return _add(transcript, person, Comment(segment=segment, start_ms=start, text=text))


@transaction.atomic
def answer(transcript: Transcript, person: User, thread_id: int, text: str) -> Comment:
    """An answer to a comment, or beside another answer; one that was settled is open again. Raises ReviewError."""
    text = said(text)
    hold(transcript.pk)
    asked = Comment.objects.filter(transcript=transcript, pk=thread_id).select_related("parent").first()
    if asked is None:
        raise NoSuchThread
    thread = asked.parent or asked
    Comment.objects.filter(pk=thread.pk).update(resolved_at=None, resolved_name="")
    reply = Comment(parent=thread, segment=thread.segment, start_ms=thread.start_ms, text=text)
    return _add(transcript, person, reply)


@transaction.atomic
def settle(transcript: Transcript, person: User, comment_id: int, *, settled: bool = True) -> Comment:
    """Say that nothing is left to do, or take that back. Raises Comment.DoesNotExist, also for an answer."""
    hold(transcript.pk)
    comment = Comment.objects.threads().get(transcript=transcript, pk=comment_id)
    if (comment.resolved_at is not None) == settled:
        return comment
    comment.resolved_at, comment.resolved_name = (timezone.now(), name_of(person)) if settled else (None, "")
    comment.save(update_fields=["resolved_at", "resolved_name"])
    _tell(transcript, person, comment, "resolved" if settled else "reopened")
    return comment


@transaction.atomic
def edit(transcript: Transcript, person: User, comment_id: int, text: str, version: int) -> Comment:
    """Other words for one's own comment; ``version`` is the one that was seen. It is shown as edited.

    Raises Comment.DoesNotExist, PermissionDenied and ReviewError (CommentChanged when another version is there).
    """
    text = said(text)
    hold(transcript.pk)
    comment = Comment.objects.exclude(text="").get(transcript=transcript, pk=comment_id)
    if comment.by_id != person.pk:
        raise PermissionDenied("Only its author may change a comment.")
    if comment.version != version:
        raise CommentChanged(comment)
    if comment.text != text:
        comment.text, comment.version, comment.edited_at = text, version + 1, timezone.now()
        comment.save(update_fields=["text", "version", "edited_at"])
        _tell(transcript, person, comment, "edited")
    return comment


@transaction.atomic
def delete(transcript: Transcript, person: User, comment_id: int, *, of_anybody: bool = False) -> None:
    """Delete one's own comment, or with ``of_anybody`` (a manager's right) that of somebody else, which is recorded.

    One that has answers loses its words and its name and stays above them. Raises Comment.DoesNotExist and
    PermissionDenied.
    """
    hold(transcript.pk)
    comment = Comment.objects.exclude(text="").get(transcript=transcript, pk=comment_id)
    if comment.by_id != person.pk:
        if not of_anybody:
            raise PermissionDenied("Only its author or a manager may delete a comment.")
        auditing.record(
            Act.COMMENT_DELETED, actor=person, team=transcript.team_id, target=transcript, of=comment.by_name
        )
    _tell(transcript, person, comment, "deleted")
    if comment.replies.exists():
        Comment.objects.filter(pk=comment.pk).update(text="", by=None, by_name="", edited_at=None)
        return
    comment.delete()
    if comment.parent_id is not None:
        Comment.objects.filter(pk=comment.parent_id, text="", replies=None).delete()


def swallowed(transcript: Transcript, gone: list[int], by: int) -> None:
    """These segments are part of another one now, and so are the comments on them."""
    Comment.objects.filter(transcript=transcript, segment__in=gone).update(segment=by)


def parted(transcript: Transcript, index: int, new: Segment) -> None:
    """A segment was cut: comments on a time behind the cut go with the ``new`` one."""
    Comment.objects.filter(transcript=transcript, segment=index, start_ms__gte=new.start_ms).update(segment=new.index)


def _place(transcript: Transcript, index: int | None, at_ms: int | None) -> int:
    """Where a comment belongs, in ms. Raises Conflict when there is no such segment."""
    at = min(max(at_ms or 0, 0), LATEST_MS)
    if index is None:
        return at
    segment = transcript.segments.filter(index=index).only("start_ms", "end_ms").first()
    if segment is None:
        raise Conflict(None)
    return at if segment.start_ms <= at < segment.end_ms else segment.start_ms


def _add(transcript: Transcript, person: User, comment: Comment) -> Comment:
    """Keep a new one, behind the row's lock. Raises TooManyComments."""
    if transcript.comments.count() >= MOST_COMMENTS:
        raise TooManyComments
    comment.transcript, comment.by, comment.by_name = transcript, person, name_of(person)
    comment.save(force_insert=True)
    _tell(transcript, person, comment, "written")
    return comment


def _tell(transcript: Transcript, person: User, comment: Comment, what: str) -> None:
    facts = {"id": comment.pk, "what": what, "thread": comment.parent_id or comment.pk, "segment": comment.segment}
    payload = facts | {"start_ms": comment.start_ms, "by": name_of(person)}
    last = append(transcript.pk, [Entry(EventKind.COMMENT, payload)], when={})
    ring_on_commit(transcript.pk, transcript.team_id, last)
