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
from transcripts.models.searchindex import INDEX_BITS, LONGEST_BEGINNING, TITLE, TOP
from transcripts.models.transcript import TranscriptQuerySet
from transcripts.search.filters import read_cursor
from transcripts.search.query import Query, fts5

#: Steps from hit to hit while filters refuse what is found; after these the filters lead.
STEPS = 100
#: Where the filters let so few through, they lead from the beginning.
FEW = 50

_PLACE = f"rowid >> {INDEX_BITS}"
_HITS = "FROM transcripts_search WHERE transcripts_search MATCH %(match)s"
_SCOPES = "transcripts_searchscope"

# Every statement is made of constants (S608 sees only that it is made). ``place``: see models/searchindex.py.
_WALK = f"""
WITH RECURSIVE walk(place, step) AS (
  SELECT (SELECT {_PLACE} {_HITS} AND rowid >= (%(place)s + 1) << {INDEX_BITS} ORDER BY rowid LIMIT 1), 1
  UNION ALL
  SELECT (SELECT {_PLACE} {_HITS} AND rowid >= (walk.place + 1) << {INDEX_BITS} ORDER BY rowid LIMIT 1), step + 1
  FROM walk WHERE place IS NOT NULL AND step < %(steps)s)
SELECT place, transcript_id FROM walk JOIN {_SCOPES} ON number = {TOP} - place ORDER BY place"""  # noqa: S608

#: For long beginnings, which FTS5 gathers anew for each statement: one statement for all.
_STREAM = f"SELECT {_PLACE} {_HITS} AND rowid >= (%(place)s + 1) << {INDEX_BITS} ORDER BY rowid"
_IDS = (
    f"SELECT {TOP} - number, transcript_id FROM {_SCOPES}"  # noqa: S608
    " WHERE number IN (SELECT %(top)s - value FROM json_each(%(places)s))"
)

_HOLDING = f"""
SELECT value FROM json_each(%(places)s) WHERE EXISTS (
  SELECT 1 {_HITS} AND rowid BETWEEN value << {INDEX_BITS} AND value << {INDEX_BITS} | {TITLE})
LIMIT %(limit)s"""  # noqa: S608

_INDEXES = f"""
SELECT transcript_id, (SELECT json_group_array(spot) FROM (
  SELECT rowid & {TITLE} AS spot {_HITS} AND rowid BETWEEN ({TOP} - number) << {INDEX_BITS}
  AND ({TOP} - number) << {INDEX_BITS} | {TITLE - 1} ORDER BY rowid LIMIT %(limit)s))
FROM {_SCOPES} WHERE transcript_id IN (SELECT value FROM json_each(%(ids)s))"""  # noqa: S608

_WANTED = f"{_SCOPES} WHERE transcript_id IN (SELECT value FROM json_each(%(ids)s))"  # noqa: S608
_STREAMED_INDEXES = f"""
SELECT transcript_id, hit & {TITLE} FROM (
  SELECT rowid AS hit {_HITS}
  AND rowid >= (SELECT min({TOP} - number) FROM {_WANTED}) << {INDEX_BITS}
  AND rowid <= (SELECT max({TOP} - number) FROM {_WANTED}) << {INDEX_BITS} | {TITLE}
  AND {_PLACE} IN (SELECT {TOP} - number FROM {_WANTED}))
JOIN {_SCOPES} ON number = {TOP} - (hit >> {INDEX_BITS})
WHERE hit & {TITLE} < {TITLE} ORDER BY hit"""  # noqa: S608

_PLACE_OF = f"SELECT {TOP} - number FROM {_SCOPES}"  # noqa: S608


def _rows(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _match(query: Query, teams: Collection[UUID] | None) -> str:
    """The whole expression: in one of the teams (None: in any), and the words."""
    if teams is None:
        return fts5(query)
    words = " OR ".join(f'"t{team.hex}"' for team in teams)
    return f"team : ({words}) AND {fts5(query)}"


def transcripts(
    allowed: TranscriptQuerySet,
    teams: Collection[UUID] | None,
    query: Query,
    filtered: bool,
    cursor: str,
    size: int,
) -> list[Transcript]:
    """The newest ``size`` of the allowed ones behind the cursor that hold the words. ``filtered``: ``allowed`` leaves
    out some of the teams' own. ``teams`` None: every team's."""
    if teams is not None and not teams:
        return []
    match, place = _match(query, teams), _place_of(cursor)
    if filtered and len(allowed.order_by().values_list("pk")[: FEW + 1]) <= FEW:
        return _led_by_filters(allowed, match, place, size)
    found: list[Transcript] = []
    steps = 0
    while len(found) < size:
        if steps >= STEPS:
            return found + _led_by_filters(allowed, match, place, size - len(found))
        batch = _next(query, match, place, max(size, STEPS // 2) if filtered else size)
        if not batch:
            break
        rows = allowed.in_bulk([UUID(key) for _, key in batch])
        found += [rows[UUID(key)] for _, key in batch if UUID(key) in rows]
        place, steps = batch[-1][0], steps + len(batch)
    return found[:size]


def _next(query: Query, match: str, place: int, size: int) -> list[tuple[int, str]]:
    """Place and id of the next transcripts behind ``place`` that hold the words."""
    if not _is_gathered(query):
        return [(at, key) for at, key in _rows(_WALK, match=match, place=place, steps=size)]
    places: list[int] = []
    with connection.cursor() as cursor:
        cursor.execute(_STREAM, {"match": match, "place": place})
        while len(places) < size and (hits := cursor.fetchmany(200)):
            places += dict.fromkeys(at for (at,) in hits if at not in places[-1:])
    return sorted((at, key) for at, key in _rows(_IDS, top=TOP, places=json.dumps(places[:size])))


def _place_of(cursor: str) -> int:
    found = read_cursor(cursor)
    sql = f"{_PLACE_OF} WHERE transcript_id = %(key)s"
    places = _rows(sql, key=found[1].hex) if found else []
    return int(places[0][0]) if places else -1


def _led_by_filters(allowed: TranscriptQuerySet, match: str, place: int, size: int) -> list[Transcript]:
    """As `transcripts`, asking each allowed one whether it holds the words: for common words and rare filters."""
    own = f"{_PLACE_OF} WHERE transcript_id = transcripts_transcript.id"
    annotated = allowed.annotate(place=RawSQL(own, (), output_field=BigIntegerField()))  # noqa: S611 - a constant
    keys = dict(annotated.filter(place__gt=place).order_by("place").values_list("place", "pk"))
    holding = [at for (at,) in _rows(_HOLDING, places=json.dumps(list(keys)), match=match, limit=size)]
    rows = allowed.in_bulk([keys[at] for at in holding])
    return [rows[keys[at]] for at in holding if keys[at] in rows]


def segments(keys: Sequence[UUID], query: Query, size: int) -> dict[UUID, list[Segment]]:
    """The first ``size`` segments that hold the words, of each of these transcripts."""
    hits = _indexes(keys, query, size)
    if not any(hits.values()):
        return {}
    places = reduce(or_, (Q(transcript=key, index__in=spots) for key, spots in hits.items() if spots))
    found: dict[UUID, list[Segment]] = {}
    for segment in Segment.objects.filter(places).in_order():
        found.setdefault(segment.transcript_id, []).append(segment)
    return found


def _indexes(keys: Sequence[UUID], query: Query, size: int) -> dict[UUID, list[int]]:
    ids, match = json.dumps([key.hex for key in keys]), fts5(query)
    if not _is_gathered(query):
        return {UUID(key): json.loads(spots) for key, spots in _rows(_INDEXES, ids=ids, match=match, limit=size)}
    hits: dict[UUID, list[int]] = {}
    for key, spot in _rows(_STREAMED_INDEXES, ids=ids, match=match):
        spots = hits.setdefault(UUID(key), [])
        if len(spots) < size:
            spots.append(spot)
    return hits


def _is_gathered(query: Query) -> bool:
    """A beginning is longer than those that the index knows: FTS5 gathers its words anew for each statement."""
    terms = (*query.wanted, *query.unwanted)
    return any(term.prefix and len(term.words[-1]) > LONGEST_BEGINNING for term in terms)


def mentions(keys: Sequence[UUID], query: Query, most: int) -> dict[UUID, int]:
    """How many segments hold the words, counted up to ``most``, of each of these transcripts that has any."""
    return {key: len(spots) for key, spots in _indexes(keys, query, most).items() if spots}
