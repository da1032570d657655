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

#: For beginnings, which FTS5 gathers anew for each statement: one statement for all.
_STREAM = f"""
SELECT rowid >> {INDEX_BITS} FROM transcripts_search WHERE transcripts_search MATCH %(match)s
AND rowid < %(below)s << {INDEX_BITS} ORDER BY rowid DESC"""  # noqa: S608

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

_STREAMED_INDEXES = f"""
SELECT transcript_id, transcripts_search.rowid & {TITLE} FROM transcripts_search
JOIN transcripts_searchscope ON number = transcripts_search.rowid >> {INDEX_BITS}
WHERE transcripts_search MATCH %(match)s AND transcripts_search.rowid >> {INDEX_BITS} IN (
  SELECT number FROM transcripts_searchscope WHERE transcript_id IN (SELECT value FROM json_each(%(ids)s)))
AND transcripts_search.rowid & {TITLE} < {TITLE} ORDER BY transcripts_search.rowid"""  # noqa: S608

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
        batch = _next(query, match, below, max(size, STEPS // 4) if filtered else size)
        if not batch:
            break
        rows = allowed.in_bulk([UUID(key) for _, key in batch])
        found += [rows[UUID(key)] for _, key in batch if UUID(key) in rows]
        below, steps = batch[-1][0], steps + len(batch)
    return found[:size]


def _next(query: Query, match: str, below: int, size: int) -> list[tuple[int, str]]:
    """Number and id of the next transcripts before ``below`` that hold the words, newest first."""
    if not _has_prefix(query):
        return [(number, key) for number, key in _rows(_WALK, match=match, below=below, steps=size)]
    numbers = _stream(match, below, size)
    sql = (
        "SELECT number, transcript_id FROM transcripts_searchscope WHERE number IN (SELECT value FROM json_each(%(n)s))"
    )
    return sorted(((number, key) for number, key in _rows(sql, n=json.dumps(numbers))), reverse=True)


def _stream(match: str, below: int, size: int) -> list[int]:
    """The next ``size`` numbers before ``below``, from one pass over the hits."""
    numbers: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute(_STREAM, {"match": match, "below": below})
        while len(numbers) < size and (hits := cursor.fetchmany(200)):
            numbers += dict.fromkeys(number for (number,) in hits if number not in numbers[-1:])
    return numbers[:size]


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
    hits = _indexes(keys, query, size)
    if not any(hits.values()):
        return {}
    places = reduce(or_, (Q(transcript=key, index__in=spots) for key, spots in hits.items() if spots))
    found: dict[UUID, list[Segment]] = {}
    for segment in Segment.objects.filter(places).order_by("index"):
        found.setdefault(segment.transcript_id, []).append(segment)
    return found


def _indexes(keys: Sequence[UUID], query: Query, size: int) -> dict[UUID, list[int]]:
    ids, match = json.dumps([key.hex for key in keys]), fts5(query)
    if not _has_prefix(query):
        return {UUID(key): json.loads(spots) for key, spots in _rows(_INDEXES, ids=ids, match=match, limit=size)}
    hits: dict[UUID, list[int]] = {}
    for key, spot in _rows(_STREAMED_INDEXES, ids=ids, match=match):
        spots = hits.setdefault(UUID(key), [])
        if len(spots) < size:
            spots.append(spot)
    return hits


def _has_prefix(query: Query) -> bool:
    return any(term.prefix for term in (*query.wanted, *query.unwanted))
