"""Finding transcripts by what was said: one function over SQLite's FTS5 and PostgreSQL's text search.

find(access.transcripts_of(person), teams, parse('harbour "new quay"'), Filters(state="completed"), cursor) -> Page
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from transcripts.models import Segment, Transcript
from transcripts.models.transcript import TranscriptQuerySet
from transcripts.search import fts, tsearch
from transcripts.search.filters import Filters, after, cursor_of, place_of
from transcripts.search.query import Query, Snippet, holds, matches, parse, snippet, widened

__all__ = [
    "HITS",
    "MENTIONS",
    "PAGE",
    "RANKED",
    "Filters",
    "Found",
    "Hit",
    "Page",
    "Query",
    "Snippet",
    "find",
    "find_anywhere",
    "parse",
]

#: Transcripts of a page, and snippets of a transcript.
PAGE = 25
HITS = 3
#: The other order than by date: titles that hold the words first, then what speaks of them most often. The newest
#: RANKED that hold them are compared, passages are counted up to COUNTED.
MENTIONS = "mentions"
RANKED = 100
COUNTED = 99

#: Columns of a transcript that a list of them never shows.
UNSHOWN = ("options", "media_sha256", "worker")


@dataclass(frozen=True, slots=True)
class Hit:
    """A segment that holds the words: its index, the time in ms of the first match, and the text around it."""

    index: int
    start_ms: int
    snippet: Snippet

    @property
    def second(self) -> int:
        """What stands behind ``?t=`` in a link to it."""
        return self.start_ms // 1000


@dataclass(frozen=True, slots=True)
class Found:
    """A transcript, its title with the matches in it, and its first hits; ``more``: it has others."""

    transcript: Transcript
    title: Snippet
    hits: tuple[Hit, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Transcripts in the order asked for. ``next``: the cursor of what follows, or empty at the end. ``query`` is the
    one that found them: where whole words found nothing at all, the last one was taken as a beginning. ``cut``: there
    are older ones that were not compared. ``unfinished``: the search ended for lack of time, and ``next`` goes on."""

    found: tuple[Found, ...]
    query: Query
    next: str = ""
    cut: bool = False
    unfinished: bool = False


def find(
    visible: TranscriptQuerySet,
    teams: Collection[UUID],
    query: Query,
    filters: Filters,
    cursor: str = "",
    size: int = PAGE,
    sort: str = "",
) -> Page:
    """What passes the filters and, for a query, holds all its words in one segment or in title and link.

    ``visible`` is what `access.transcripts_of` lets a person see: nothing outside of it is ever returned, whatever
    ``teams`` says. A cursor that has no meaning begins at the newest. ``sort`` is empty, for the newest first, or
    MENTIONS.
    """
    allowed = filters.apply(visible).defer(*UNSHOWN)
    ranked = bool(query) and sort == MENTIONS
    begin, most = ("", RANKED) if ranked else (cursor, size)
    rows, behind = _rows(allowed, teams, query, bool(filters), begin, most + 1)
    wider = None if rows or behind or cursor else widened(query)
    if wider is not None:
        query = wider
        rows, behind = _rows(allowed, teams, wider, bool(filters), "", most + 1)
    if ranked:
        return _ranked(rows, query, place_of(cursor), size, bool(behind))
    following = cursor_of(rows[size - 1].created_at, rows[size - 1].pk) if len(rows) > size else behind
    return Page(_shown(rows[:size], query), query, following, unfinished=bool(behind))


def find_anywhere(allowed: QuerySet[Any], query: Query, size: int) -> list[UUID]:
    """Ids of the newest ``size`` of these rows, whosesoever they are, that hold the words: for operators only.

    Where whole words found nothing, the last one was taken as a beginning.
    """
    rows = cast("TranscriptQuerySet", allowed.order_by().select_related(None).only("created_at"))
    for asked in (query, widened(query)):
        if not asked:
            continue
        if connection.vendor == "postgresql":
            found, _ = tsearch.newest(rows, asked, "", size)
        else:
            found = [row.pk for row in fts.transcripts(rows, None, asked, True, "", size)]
        if found:
            return found
    return []


def _ranked(rows: Sequence[Transcript], query: Query, first: int, size: int, unfinished: bool) -> Page:
    """The page from place ``first`` on, of rows that come newest first; ``unfinished``: there may be older ones."""
    compared = rows[:RANKED]
    counts = _backend().mentions([row.pk for row in compared], query, COUNTED)
    ordered = sorted(compared, key=lambda row: (not holds(query, row.title), -counts.get(row.pk, 0)))
    found = _shown(ordered[first : first + size], query)
    return Page(
        found, query, str(first + size) if len(ordered) > first + size else "", unfinished or len(rows) > RANKED
    )


def _shown(rows: Sequence[Transcript], query: Query) -> tuple[Found, ...]:
    said = _backend().segments([row.pk for row in rows], query, HITS + 1) if query and rows else {}
    return tuple(_found(row, query, said.get(row.pk, [])) for row in rows)


def _backend() -> ModuleType:
    return tsearch if connection.vendor == "postgresql" else fts


def _rows(
    allowed: TranscriptQuerySet, teams: Collection[UUID], query: Query, filtered: bool, cursor: str, size: int
) -> tuple[list[Transcript], str]:
    """Rows, and the cursor of what was not looked at for lack of time."""
    if not query:
        # Team by team: each is read along its index, several at once would all be sorted.
        rows = [row for team in teams for row in after(allowed.filter(team=team), cursor)[:size]]
        return sorted(rows, key=lambda row: (row.created_at, row.pk), reverse=True)[:size], ""
    allowed = allowed.filter(team__in=teams)
    if connection.vendor == "postgresql":
        return tsearch.transcripts(allowed, query, cursor, size)
    return fts.transcripts(allowed, teams, query, filtered, cursor, size), ""


def _found(row: Transcript, query: Query, said: Sequence[Segment]) -> Found:
    title = Snippet(row.title, tuple(matches(query, row.title)))
    hits = tuple(Hit(one.index, _first_match_ms(one, query), snippet(query, one.text)) for one in said[:HITS])
    return Found(row, title, hits, len(said) > HITS)


def _first_match_ms(segment: Segment, query: Query) -> int:
    """When the first matched word was said; for words that were corrected since, when the segment begins."""
    ranges = matches(query, " ".join(str(word[0]) for word in segment.words))
    end = -1
    for text, start_ms, *_ in segment.words:
        end += len(str(text)) + 1
        if ranges and ranges[0][0] < end:
            return max(segment.start_ms, int(start_ms))
    return segment.start_ms
