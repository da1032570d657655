"""Full-text search on SQLite, over the table that `models.searchindex` keeps.

FTS5 gives row numbers in order and can begin anywhere, so one step leads from a transcript to the next older one that
holds the words, however often they stand in either: a page costs its own length, not the number of matches.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, Q
from django.db.models.expressions import RawSQL

from transcripts.models import Segment, Transcript
from transcripts.models.searchindex import INDEX_BITS, TITLE
from transcripts.models.transcript import TranscriptQuerySet
from transcripts.search.filters import read_cursor
from transcripts.search.query import Query, fts5

#: Steps from hit to hit while filters refuse what is found; after these the filters lead.
STEPS = 1_000
#: Larger than any number of a transcript.
END = 1 << (62 - INDEX_BITS)

_WALK = f"""
WITH RECURSIVE walk(number, step) AS (
  SELECT (SELECT rowid >> {INDEX_BITS} FROM transcripts_search
          WHERE transcripts_search MATCH %(match)s AND rowid < %(below)s << {INDEX_BITS}
          ORDER BY rowid DESC LIMIT 1), 1
  UNION ALL
  SELECT (SELECT rowid >> {INDEX_BITS} FROM transcripts_search
          WHERE transcripts_search MATCH %(match)s AND rowid < walk.number << {INDEX_BITS}
          ORDER BY rowid DESC LIMIT 1), step + 1
  FROM walk WHERE number IS NOT NULL AND step < %(steps)s)
SELECT number, transcript_id FROM walk JOIN transcripts_searchscope USING (number) ORDER BY number DESC"""  # noqa: S608 - constants only

_HOLDING = f"""
SELECT value FROM json_each(%(numbers)s) WHERE EXISTS (
  SELECT 1 FROM transcripts_search WHERE transcripts_search MATCH %(match)s
  AND rowid BETWEEN value << {INDEX_BITS} AND value << {INDEX_BITS} | {TITLE})
LIMIT %(limit)s"""  # noqa: S608

_INDEXES = f"""
SELECT transcript_id, (SELECT json_group_array(spot) FROM (
  SELECT rowid & {TITLE} AS spot FROM transcripts_search WHERE transcripts_search MATCH %(match)s
  AND rowid BETWEEN number << {INDEX_BITS} AND number << {INDEX_BITS} | {TITLE - 1} ORDER BY rowid LIMIT %(limit)s))
FROM transcripts_searchscope WHERE transcript_id IN (SELECT value FROM json_each(%(ids)s))"""  # noqa: S608

_NUMBER = "SELECT number FROM transcripts_searchscope WHERE transcript_id = transcripts_transcript.id"


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _match(query: Query, teams: Collection[UUID]) -> str:
    """The whole expression: in one of the teams, and the words."""
    words = " OR ".join(f'"t{team.hex}"' for team in teams)
    return f"team : ({words}) AND {fts5(query)}"


def transcripts(
    allowed: TranscriptQuerySet, teams: Collection[UUID], query: Query, filtered: bool, cursor: str, size: int
) -> list[Transcript]:
    """The newest ``size`` of the allowed ones behind the cursor that hold the words. ``filtered``: ``allowed`` leaves
    out some of the teams' own."""
    if not teams:
        return []
    match, below = _match(query, teams), _number_of(cursor)
    found: list[Transcript] = []
    steps = 0
    while len(found) < size:
        if steps >= STEPS:
            return found + _led_by_filters(allowed, match, below, size - len(found))
        batch = _rows(_WALK, match=match, below=below, steps=max(size, STEPS // 4) if filtered else size)
        if not batch:
            break
        rows = allowed.in_bulk([UUID(key) for _, key in batch])
        found += [rows[UUID(key)] for _, key in batch if UUID(key) in rows]
        below, steps = batch[-1][0], steps + len(batch)
    return found[:size]


def _number_of(cursor: str) -> int:
    place = read_cursor(cursor)
    sql = "SELECT number FROM transcripts_searchscope WHERE transcript_id = %(key)s"
    found = _rows(sql, key=place[1].hex) if place else []
    return int(found[0][0]) if found else END


def _led_by_filters(allowed: TranscriptQuerySet, match: str, below: int, size: int) -> list[Transcript]:
    """As `transcripts`, asking each allowed one whether it holds the words: for common words and rare filters."""
    number = RawSQL(_NUMBER, (), output_field=BigIntegerField())  # noqa: S611 - a constant
    numbered = allowed.annotate(number=number).filter(number__lt=below).order_by("-number")
    keys = dict(numbered.values_list("number", "pk"))
    holding = _rows(_HOLDING, numbers=json.dumps(list(keys)), match=match, limit=size)
    rows = allowed.in_bulk([keys[number] for (number,) in holding])
    return [rows[keys[number]] for (number,) in holding if keys[number] in rows]


def segments(keys: Sequence[UUID], query: Query, size: int) -> dict[UUID, list[Segment]]:
    """The first ``size`` segments that hold the words, of each of these transcripts."""
    ids = json.dumps([key.hex for key in keys])
    hits = {UUID(key): json.loads(spots) for key, spots in _rows(_INDEXES, ids=ids, match=fts5(query), limit=size)}
    if not any(hits.values()):
        return {}
    places = reduce(or_, (Q(transcript=key, index__in=spots) for key, spots in hits.items() if spots))
    found: dict[UUID, list[Segment]] = {}
    for segment in Segment.objects.filter(places).order_by("index"):
        found.setdefault(segment.transcript_id, []).append(segment)
    return found
