"""Full-text search on PostgreSQL, over the generated columns that `models.searchindex` makes.

Titles and texts are asked apart, each for one page: together in one condition neither index could be used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Value
from django.db.models.sql.compiler import SQLCompiler

from transcripts.models import Segment, Transcript
from transcripts.models.transcript import TranscriptQuerySet
from transcripts.search.filters import after
from transcripts.search.query import Query, tsquery

_FIRST_SEGMENTS = """
SELECT hit.id FROM unnest(%s::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
  SELECT id FROM transcripts_segment WHERE transcript_id = wanted.id AND search @@ to_tsquery('simple', %s)
  ORDER BY index LIMIT %s) AS hit"""

_MENTIONS = """
SELECT wanted.id, count(*) FROM unnest(%s::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
  SELECT FROM transcripts_segment WHERE transcript_id = wanted.id AND search @@ to_tsquery('simple', %s)
  LIMIT %s) AS hit GROUP BY wanted.id"""


class Holds(Func):
    """The row's generated column ``search``, which no model knows, matches a tsquery."""

    output_field = BooleanField()

    def __init__(self, query: Query) -> None:
        super().__init__(F("pk"), Value(tsquery(query)))

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, tuple[Any, ...]]:
        key, query = self.get_source_expressions()
        column, _none = compiler.compile(key)
        sql, params = compiler.compile(query)
        return f"{column.rpartition('.')[0]}.\"search\" @@ to_tsquery('simple', {sql})", tuple(params)


def transcripts(allowed: TranscriptQuerySet, query: Query, cursor: str, size: int) -> list[Transcript]:
    """The newest ``size`` of the allowed ones behind the cursor that hold the words."""
    said = Exists(Segment.objects.filter(Holds(query), transcript=OuterRef("pk")))
    ways = (after(allowed.filter(condition), cursor)[:size] for condition in (Holds(query), said))
    found = {row.pk: row for way in ways for row in way}
    return sorted(found.values(), key=lambda row: (row.created_at, row.pk), reverse=True)[:size]


def segments(keys: Sequence[UUID], query: Query, size: int) -> dict[UUID, list[Segment]]:
    """The first ``size`` segments that hold the words, of each of these transcripts."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_SEGMENTS, [list(keys), tsquery(query), size])
        ids = [key for (key,) in cursor.fetchall()]
    found: dict[UUID, list[Segment]] = {}
    for segment in Segment.objects.filter(pk__in=ids).in_order():
        found.setdefault(segment.transcript_id, []).append(segment)
    return found


def mentions(keys: Sequence[UUID], query: Query, most: int) -> dict[UUID, int]:
    """How many segments hold the words, counted up to ``most``, of each of these transcripts that has any."""
    with connection.cursor() as cursor:
        cursor.execute(_MENTIONS, [list(keys), tsquery(query), most])
        return dict(cursor.fetchall())
