"""Why a correction or a decision was not taken: each with a code, a sentence and what to do. Nothing was changed."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from transcripts.models import Comment, Segment


class ReviewError(Exception):
    """``code`` is snake_case; ``message`` and ``next_step`` are for the person."""

    code = "review_failed"
    message: str | Promise = _("This could not be saved.")
    next_step: str | Promise = _("Try again.")

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}"


class Conflict(ReviewError):
    """Somebody saved another version meanwhile. ``current`` is it, None when the segment was merged away."""

    code = "version_conflict"
    message = _("Somebody else saved this passage while you were typing.")
    next_step = _("Look at both versions and choose.")

    def __init__(self, current: Segment | None) -> None:
        super().__init__()
        self.current = current


class Locked(ReviewError):
    """The transcript is approved."""

    code = "approved"
    message = _("This transcript is approved and read-only.")
    next_step = _("A reviewer can reopen it with a reason.")


class NoText(ReviewError):
    """A correction that leaves nothing."""

    code = "no_text"
    message = _("A passage cannot be empty.")
    next_step = _("Merge it with its neighbour instead.")


class TooLong(ReviewError):
    """More than a passage may hold."""

    code = "too_long"
    message = _("This is longer than a passage may be.")
    next_step = _("Split it into shorter ones.")


class BadSplit(ReviewError):
    """Nothing on one side of the cut."""

    code = "cannot_split"
    message = _("There must be words on both sides of the cut.")
    next_step = _("Put the cursor between two words.")


class NotNeighbours(ReviewError):
    """There is no later passage to merge with."""

    code = "cannot_merge"
    message = _("There is no passage after this one.")
    next_step = _("Merge it from the passage before.")


class NotFinished(ReviewError):
    """More text may still come."""

    code = "not_finished"
    message = _("This transcript is still being written.")
    next_step = _("Approve it when it has ended.")


class NoReason(ReviewError):
    """A decision that needs its reason."""

    code = "no_reason"
    message = _("Say why, so that others can follow.")
    next_step = _("Write a short reason.")


class NoComment(ReviewError):
    """A comment that says nothing."""

    code = "empty_comment"
    message = _("A comment needs words.")
    next_step = _("Write what others should know.")


class CommentTooLong(ReviewError):
    """More than a comment may hold."""

    code = "comment_too_long"
    message = _("This is longer than a comment may be.")
    next_step = _("Shorten it, or write two.")


class TooManyComments(ReviewError):
    """A transcript holds so many and no more."""

    code = "too_many_comments"
    message = _("This transcript has as many comments as one may have.")
    next_step = _("Delete some that are resolved.")


class NoSuchThread(ReviewError):
    """What was to be answered is gone."""

    code = "comment_gone"
    message = _("The comment that you reply to was deleted meanwhile.")
    next_step = _("Write a comment of its own.")


class CommentChanged(ReviewError):
    """Its author changed it in another place meanwhile. ``current`` is what it says now."""

    code = "comment_changed"
    message = _("This comment was changed in another place meanwhile.")
    next_step = _("Look at what it says now, then change it again.")

    def __init__(self, current: Comment) -> None:
        super().__init__()
        self.current = current


class NotInReview(ReviewError):
    """The decision does not fit where the transcript stands."""

    code = "not_in_review"
    message = _("The transcript does not stand where you think.")
    next_step = _("Load the page again.")
