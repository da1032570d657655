"""The record of sensitive acts, and flags, for reading."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from transcripts.admin.lists import AnyModelAdmin, ReadOnlyAdmin
from transcripts.exports.clock import brief
from transcripts.models import Act, AuditEntry, Flag


class ByAct(admin.SimpleListFilter):
    """What was done; the acts are the program's own list, so no query asks which there are."""

    title = _("act")
    parameter_name = "act"

    def lookups(self, request: HttpRequest, model_admin: AnyModelAdmin) -> list[tuple[str, Any]]:
        """All acts."""
        return [(act.value, act.label) for act in Act]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice."""
        return queryset.filter(act=self.value()) if self.value() in Act.values else queryset


@admin.register(AuditEntry)
class AuditAdmin(ReadOnlyAdmin):
    """Who did what, the newest first."""

    list_display = ["at", "actor", "does", "target", "team_id", "address", "outcome", "facts"]
    list_filter = [ByAct, "at"]
    search_fields = ["actor", "target", "=target_id"]
    search_help_text = _("Searches names of people and of what they acted on, and ids.")
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("act"))
    def does(self, entry: AuditEntry) -> str:
        """The act in words."""
        return entry.label

    @admin.display(description=_("details"))
    def facts(self, entry: AuditEntry) -> str:
        """The small facts, as JSON."""
        return json.dumps(entry.details, ensure_ascii=False) if entry.details else ""


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    """Places that somebody should look at, the newest first."""

    list_display = ["transcript", "kind", "time", "score", "state", "by_name", "at"]
    list_filter = ["kind", "state"]
    list_select_related = ["transcript"]
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("time"))
    def time(self, flag: Flag) -> str:
        """Begin and end."""
        return f"{brief(flag.start_ms)}–{brief(flag.end_ms)}"
