"""Narrowing the list of transcripts by what stands beside them: review, flags, confidence. None counts anything."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from transcripts.admin.lists import AnyModelAdmin
from transcripts.models import Flag, FlagKind, ReviewState

#: Shares of words with a low confidence, in percent, that can be asked for.
SHARES = (5, 10, 20)


class ByReview(admin.SimpleListFilter):
    """Where it stands on its way to approval."""

    title = _("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, Any]]:
        """The states, and none of them."""
        return [*ReviewState.choices, ("none", _("Never sent to review"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        if self.value() == "none":
            return queryset.filter(review__isnull=True)
        return queryset.filter(review__state=self.value()) if self.value() in ReviewState.values else queryset


class ByFlag(admin.SimpleListFilter):
    """With an open flag of a kind, or of any."""

    title = _("open flags")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, Any]]:
        """Any, and the kinds."""
        return [("any", _("any kind")), *FlagKind.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice: a probe of an index for each, newest first, as far as the page reaches."""
        left = Flag.objects.left().filter(transcript=OuterRef("pk"))
        if self.value() == "any":
            return queryset.filter(Exists(left))
        return queryset.filter(Exists(left.filter(kind=self.value()))) if self.value() in FlagKind.values else queryset


class ByConfidence(admin.SimpleListFilter):
    """By the share of its words that the engine was not sure of, as the last search for flags counted them."""

    title = _("words of low confidence")
    parameter_name = "low"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, Any]]:
        """The shares."""
        return [(str(share), _("%(share)s %% or more") % {"share": share}) for share in SHARES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        share = self.value()
        if share is None or share not in map(str, SHARES):
            return queryset
        return queryset.filter(scan__words__gt=0, scan__low_words__gte=F("scan__words") * int(share) / 100.0)
