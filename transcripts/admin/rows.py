"""Segments and events one by one: for looking things up, never for changing them."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from transcripts.admin.lists import AnyModelAdmin, ReadOnlyAdmin
from transcripts.admin.reading import payload, times
from transcripts.models import Event, Segment

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
