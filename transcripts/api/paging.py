"""Pages of rows by a cursor: what was made meanwhile moves nothing."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import Field, StringConstraints

Row = TypeVar("Row", bound=Model)
#: Largest number of a row.
MOST_ID = 2**63 - 1
NumberCursor = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,18}$", max_length=18)]


class PageQuery(Schema):
    """Which page."""

    cursor: NumberCursor = Field("", description="“next” of the page before")
    limit: int = Field(50, ge=1, le=200)


def newest_first(rows: QuerySet[Row, Any], query: PageQuery) -> tuple[list[Row], str]:
    """A page of rows with rising numbers, the newest first, and the cursor of the next one."""
    rows = rows.order_by("-pk")
    if query.cursor:
        rows = rows.filter(pk__lt=int(query.cursor))
    found = list(rows[: query.limit + 1])
    page = found[: query.limit]
    return page, str(page[-1].pk) if len(found) > len(page) else ""
