"""Segments, events and comments one by one: for looking things up, not for changing them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from transcripts.admin.lists import AnyModelAdmin, ReadOnlyAdmin
from transcripts.admin.reading import payload, times
from transcripts.models import Comment, Event, Segment
from transcripts.reviewing import comments

#: Mean word confidence under which a person should look.
LOW_CONFIDENCE = 0.6


class NeedsReview(admin.SimpleListFilter):
    """Segments that most need a person."""

    title = _("needs a look")
    parameter_name = "look"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, Any]]:
        """The choices."""
        return [("confidence", _("low confidence")), ("unconfirmed", _("never confirmed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        if self.value() == "confidence":
            return queryset.filter(confidence__lt=LOW_CONFIDENCE)
        return queryset.filter(unconfirmed=True) if self.value() == "unconfirmed" else queryset


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    """Committed text, newest first."""

    list_display = ["text", "transcript", "times", "speaker", "confidence", "unconfirmed"]
    list_filter = [NeedsReview]
    list_select_related = ["transcript"]
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("time"))
    def times(self, segment: Segment) -> str:
        """Begin and end."""
        return times(segment)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The append-only log, newest first."""

    list_display = ["seq", "transcript", "kind", "epoch", "at", "says"]
    list_filter = ["kind", "at"]
    list_select_related = ["transcript"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["transcript", "seq", "epoch", "kind", "at", "whole"]
    readonly_fields = ["whole"]

    @admin.display(description=_("says"))
    def says(self, event: Event) -> str:
        """The payload, cut."""
        return payload(event)

    @admin.display(description=_("payload"))
    def whole(self, event: Event) -> str:
        """The payload, whole."""
        return json.dumps(event.payload, ensure_ascii=False, indent=1)


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin):
    """What people said beside the text, newest first. Only its author changes it; staff may delete it, on record."""

    list_display = ["text", "transcript", "by_name", "at", "edited_at", "resolved_at"]
    list_filter = ["at", "resolved_at"]
    list_select_related = ["transcript"]
    search_fields = ["by_name", "transcript__title"]
    ordering = ["-id"]
    sortable_by = ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Who may delete comments; one whose words are gone only stays for its answers."""
        gone = isinstance(obj, Comment) and not obj.text
        return not gone and request.user.has_perm("transcripts.delete_comment")

    def delete_model(self, request: HttpRequest, obj: Comment) -> None:
        """As a manager of the team would: its watchers are told, and it stands in the team's record."""
        assert isinstance(request.user, User)
        comments.delete(obj.transcript, request.user, obj.pk, of_anybody=True)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Several, each for itself; what went with another one meanwhile is gone already."""
        for row in queryset.exclude(text="").select_related("transcript"):
            with suppress(Comment.DoesNotExist):
                self.delete_model(request, row)
