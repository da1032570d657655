"""What every list of the admin shares: it stays fast however many rows there are, and some are only for reading."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

# Generic in django-stubs, not at run time.
if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    AnyModelAdmin, AnyPaginator = admin.ModelAdmin, Paginator

#: A list is paged up to this many rows; whoever wants an older one narrows the list with a filter.
COUNT_LIMIT = 5_000


class BoundedPaginator(AnyPaginator):
    """Counts at most `COUNT_LIMIT` rows, so that no page waits for a count of the whole table."""

    @cached_property
    def count(self) -> int:
        """Rows to page through."""
        if isinstance(self.object_list, QuerySet):
            return self.object_list.order_by()[:COUNT_LIMIT].count()
        return min(len(self.object_list), COUNT_LIMIT)


class FastAdmin(AnyModelAdmin):
    """A list without counts of the whole table."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200


class ReadOnlyAdmin(FastAdmin):
    """Rows that only the program writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes rows by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes single rows by hand."""
        return False
