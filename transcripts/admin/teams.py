"""Teams and who belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from transcripts.admin.lists import FastAdmin
from transcripts.models import Membership, Team

if TYPE_CHECKING:
    MembershipTable = admin.TabularInline[Membership, Team]
else:
    MembershipTable = admin.TabularInline


class Members(MembershipTable):
    """The members of a team, on its page."""

    model = Membership
    autocomplete_fields = ["user"]
    extra = 0


@admin.register(Team)
class TeamAdmin(FastAdmin):
    """Teams with their members."""

    list_display = ["name", "created_at"]
    search_fields = ["name"]
    inlines = [Members]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only a team without transcripts: deleting them takes their recordings away, which a cascade would forget."""
        if isinstance(obj, Team) and obj.transcripts.exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, object]:  # type: ignore[override]
        """No deleting of several at once, which would not ask for each."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}


@admin.register(Membership)
class MembershipAdmin(FastAdmin):
    """Who belongs where."""

    list_display = ["user", "team", "role", "created_at"]
    list_filter = ["role", "team"]
    list_select_related = ["user", "team"]
    search_fields = ["user__username", "user__email", "team__name"]
    autocomplete_fields = ["user", "team"]
    ordering = ["-id"]
