"""Full-text search on PostgreSQL, over the generated columns ``search`` that `models.searchindex` makes.

A rare word is read from the index; of a common one the index would give far more than a page, so the newest transcripts
are tried one by one. The planner is asked how common the words are, but it does not choose the way: it would weigh
neither that hits are few in old transcripts nor that a page wants 25, and took seconds where it chose wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, repeat
from uuid import UUID

from django.db import connection

from transcripts.models import Segment, Transcript
from transcripts.models.transcript import TranscriptQuerySet
from transcripts.search.filters import after, cursor_of
from transcripts.search.query import Query, tsquery

#: The planner expects at most so many segments that hold the words: all of them are read from the index, and the newest
#: kept. More, and the newest transcripts are tried one by one, which finds the common soon.
GATHERED = 5_000
#: Where trying has found too few among so many segments, up to LATE are read from the index after all.
TRIED, LATE = 100_000, 100_000
#: Segments that one page tries at most, newest first, and those of the first step. A segment takes about 1.3 µs.
TRIED_AT_MOST, STEP = 500_000, 2_500

#: Rows that one statement reads ahead, the first, the second and so on.
ROWS = (250, 4_000, 20_000)

_EXPECTED = "EXPLAIN SELECT FROM transcripts_segment WHERE search @@ to_tsquery('simple', %s)"

_GATHER = """
SELECT id, count(*) FROM (
  (SELECT transcript_id AS id FROM transcripts_segment WHERE search @@ to_tsquery('simple', %(query)s) LIMIT %(most)s)
  UNION ALL
  (SELECT id FROM transcripts_transcript WHERE search @@ to_tsquery('simple', %(query)s) LIMIT %(most)s)) AS hit
GROUP BY id"""

# The function behind the operator @@ has no index: these statements are for few transcripts, whose segments are found
# by the transcript, and an index of all words would be read in vain for each of them. LIMIT 1 keeps the order of work.
_HOLDING = """
SELECT wanted.id FROM unnest(%(keys)s::uuid[]) AS wanted(id)
CROSS JOIN LATERAL (SELECT search FROM transcripts_transcript WHERE id = wanted.id LIMIT 1) AS own
LEFT JOIN LATERAL (
  SELECT true AS yes FROM transcripts_segment
  WHERE transcript_id = wanted.id AND ts_match_vq(search, to_tsquery('simple', %(query)s)) LIMIT 1) AS said ON true
WHERE said.yes OR ts_match_vq(own.search, to_tsquery('simple', %(query)s))"""

_FIRST_SEGMENTS = """
SELECT hit.id FROM unnest(%s::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
  SELECT id FROM transcripts_segment
  WHERE transcript_id = wanted.id AND ts_match_vq(search, to_tsquery('simple', %s))
  ORDER BY index LIMIT %s) AS hit"""

_MENTIONS = """
SELECT wanted.id, count(*) FROM unnest(%s::uuid[]) AS wanted(id) CROSS JOIN LATERAL (
  SELECT FROM transcripts_segment WHERE transcript_id = wanted.id AND ts_match_vq(search, to_tsquery('simple', %s))
  LIMIT %s) AS hit GROUP BY wanted.id"""


def transcripts(allowed: TranscriptQuerySet, query: Query, cursor: str, size: int) -> tuple[list[Transcript], str]:
    """The newest ``size`` of the allowed ones behind the cursor that hold the words, and the cursor of what was not
    looked at for lack of time (empty: everything was)."""
    keys, behind = newest(allowed, query, cursor, size)
    rows = allowed.in_bulk(keys)
    return [rows[key] for key in keys if key in rows], behind


def newest(allowed: TranscriptQuerySet, query: Query, cursor: str, size: int) -> tuple[list[UUID], str]:
    """As `transcripts`, their ids."""
    expected = _expected(query)
    if expected <= GATHERED and (found := _gathered(allowed, query, cursor, size, GATHERED)) is not None:
        return found, ""
    found, behind = _tried(allowed, query, cursor, size, TRIED)
    if not behind or len(found) >= size:
        return found, ""
    wanted = size - len(found)
    if expected <= LATE and (rest := _gathered(allowed, query, behind, wanted, LATE)) is not None:
        return found + rest, ""
    rest, behind = _tried(allowed, query, behind, wanted, TRIED_AT_MOST)
    return found + rest, "" if len(rest) >= wanted else behind


def _expected(query: Query) -> int:
    """How many segments hold the words, as the planner sees it: of the common ones it has statistics."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPECTED, [tsquery(query)])
        found = re.search(r"rows=(\d+)", cursor.fetchone()[0])
    return int(found[1]) if found else 0


def _gathered(allowed: TranscriptQuerySet, query: Query, cursor: str, size: int, most: int) -> list[UUID] | None:
    """As `newest`, from the indexes, or None where those have more than ``most`` hits, whatever was expected."""
    with connection.cursor() as asked:
        asked.execute(_GATHER, {"query": tsquery(query), "most": most + 1})
        hits = dict(asked.fetchall())
    if sum(hits.values()) > most:
        return None
    return list(after(allowed.filter(pk__in=list(hits)), cursor).values_list("pk", flat=True)[:size])


def _tried(allowed: TranscriptQuerySet, query: Query, cursor: str, size: int, most: int) -> tuple[list[UUID], str]:
    """As `newest`, by looking into one after the other, until ``most`` segments were looked at."""
    found: list[UUID] = []
    tried, step = 0, STEP
    rows = _one_by_one(allowed, cursor)
    while tried < most and len(found) < size:
        keys, segments, cursor = _next(rows, step)
        with connection.cursor() as asked:
            asked.execute(_HOLDING, {"keys": keys, "query": tsquery(query)})
            holding = {key for (key,) in asked.fetchall()}
        found += [key for key in keys if key in holding]
        if not cursor:
            break
        tried += segments
        step = _next_step(tried, len(found), size)
    return found[:size], cursor


def _one_by_one(allowed: TranscriptQuerySet, cursor: str) -> Iterator[tuple[UUID, datetime, int]]:
    """Id, time and number of segments of what is behind the cursor, in few statements: filters may be dear."""
    for size in chain(ROWS[:-1], repeat(ROWS[-1])):
        rows = list(after(allowed, cursor).values_list("pk", "created_at", "segment_count")[:size])
        yield from rows
        if len(rows) < size:
            return
        cursor = cursor_of(rows[-1][1], rows[-1][0])


def _next(rows: Iterator[tuple[UUID, datetime, int]], most: int) -> tuple[list[UUID], int, str]:
    """The next transcripts that have ``most`` segments together or a little more, how many those are, and the cursor of
    what follows, if anything does."""
    keys: list[UUID] = []
    count = 0
    for key, made, segments in rows:
        keys.append(key)
        count += max(1, segments)
        if count >= most:
            return keys, count, cursor_of(made, key)
    return keys, count, ""


def _next_step(tried: int, found: int, size: int) -> int:
    """How many segments to try next where so many gave ``found`` of ``size``: a little more than should be needed, at
    most four times as many as were tried."""
    needed = tried * (size - found) * 5 // (found * 4) if found else tried * 4
    return max(STEP, min(tried * 4, needed))


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
