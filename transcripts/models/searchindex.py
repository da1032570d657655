"""The full-text index, kept by the database itself: whoever writes or deletes text, in whatever way, keeps it too.

SQLite: an FTS5 table without a copy of the text, filled by triggers. Its row numbers are ``place << 24 | index``, where
the places of transcripts go down in the order submitted: all hits of a transcript stand together, the newest come
first, and FTS5 reads upwards, which costs it less than half of reading downwards. ``index`` is that of the segment, or
``TITLE`` for the title and link. A column holds the team as one word.
PostgreSQL: a generated ``tsvector`` column and a GIN index on both tables.

Django remakes a SQLite table to change a column, which drops the table's triggers; they are put back after migrating.
"""

from __future__ import annotations

import logging
from functools import partial
from sqlite3 import sqlite_version_info
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_migrate, pre_delete

from transcripts.models.transcript import Transcript

logger = logging.getLogger(__name__)

#: Bits of an FTS5 row number that hold the index of the segment.
INDEX_BITS = 24
#: A transcript's place is this, less its number.
TOP = 1 << 38
#: In place of an index: the title and link of the transcript.
TITLE = (1 << INDEX_BITS) - 1
#: Beginnings of three letters up to so many are indexed like words; the rest are gathered from the words.
LONGEST_BEGINNING = 5
#: An index up to this many bytes is rewritten at once to erase from it, where SQLite cannot do better.
REWRITE_BYTES = 64 * 1024 * 1024

_SQLITE_TABLES = (
    # Kept when the transcript goes (ids only): its segments may be deleted after it.
    """CREATE TABLE IF NOT EXISTS transcripts_searchscope (
        number INTEGER PRIMARY KEY AUTOINCREMENT, transcript_id char(32) NOT NULL UNIQUE, team_id char(32) NOT NULL)""",
    """CREATE VIRTUAL TABLE IF NOT EXISTS transcripts_search USING fts5(
        team, words, content='', columnsize=0, prefix='3 4 5',
        tokenize="unicode61 remove_diacritics 2 categories 'L* N* M* Co'")""",
)

# Every statement below is made of constants (S608 sees only that it is made).
_SCOPE = "INSERT OR IGNORE INTO transcripts_searchscope(transcript_id, team_id)"
_TITLE_ROW = f"({TOP} - number) << {INDEX_BITS} | {TITLE}, 't' || team_id, {{0}}.title || ' ' || {{0}}.source_url"
_TITLE_FROM = "FROM transcripts_searchscope WHERE transcript_id = {0}.id"
_TEXT_ROW = f"({TOP} - number) << {INDEX_BITS} | {{0}}.\"index\", 't' || team_id, {{0}}.text"
_TEXT_FROM = "FROM transcripts_searchscope WHERE transcript_id = {0}.transcript_id"

_FROM, _ID = "FROM transcripts_searchscope AS scope JOIN", "scope.transcript_id"


def _add(row: str, source: str, name: str = "new") -> str:
    return f"INSERT INTO transcripts_search(rowid, team, words) SELECT {row} {source};".format(name)


def _remove(row: str, source: str) -> str:
    columns = "transcripts_search(transcripts_search, rowid, team, words)"
    return f"INSERT INTO {columns} SELECT 'delete', {row} {source};".format("old")


_TRIGGERS = {
    "search_title_added": (
        f"AFTER INSERT ON transcripts_transcript BEGIN {_SCOPE} VALUES (new.id, new.team_id);"  # noqa: S608
        f" {_add(_TITLE_ROW, _TITLE_FROM)} END"
    ),
    "search_title_changed": (
        "AFTER UPDATE OF title, source_url ON transcripts_transcript"
        " WHEN old.title IS NOT new.title OR old.source_url IS NOT new.source_url"
        f" BEGIN {_remove(_TITLE_ROW, _TITLE_FROM)} {_add(_TITLE_ROW, _TITLE_FROM)} END"
    ),
    "search_title_removed": (f"AFTER DELETE ON transcripts_transcript BEGIN {_remove(_TITLE_ROW, _TITLE_FROM)} END"),
    "search_text_added": f"AFTER INSERT ON transcripts_segment BEGIN {_add(_TEXT_ROW, _TEXT_FROM)} END",
    "search_text_changed": (
        'AFTER UPDATE OF text, "index" ON transcripts_segment'
        ' WHEN old.text IS NOT new.text OR old."index" IS NOT new."index"'
        f" BEGIN {_remove(_TEXT_ROW, _TEXT_FROM)} {_add(_TEXT_ROW, _TEXT_FROM)} END"
    ),
    "search_text_removed": f"AFTER DELETE ON transcripts_segment BEGIN {_remove(_TEXT_ROW, _TEXT_FROM)} END",
}

_FILL = (
    f"{_SCOPE} SELECT id, team_id FROM transcripts_transcript ORDER BY created_at, id",  # noqa: S608
    _add(
        _TITLE_ROW.replace("team_id", "scope.team_id"),
        f"{_FROM} transcripts_transcript AS new ON new.id = {_ID} ORDER BY 1",
    ),
    _add(_TEXT_ROW, f"{_FROM} transcripts_segment AS new ON new.transcript_id = {_ID} ORDER BY 1"),
)

#: What `transcripts.search.query.fold` does, and all signs of ASCII as spaces: then words are the only tokens.
_POSTGRES_WORDS = (
    "to_tsvector('simple', regexp_replace(normalize(regexp_replace(normalize(lower({0}), NFD),"
    " '([a-z])[\\u0300-\\u036f]+', '\\1', 'g'), NFC), '[!-/:-@\\[-`{{-~]+', ' ', 'g'))"
)
_POSTGRES = (
    ("transcripts_segment", _POSTGRES_WORDS.format("text"), "search_text"),
    ("transcripts_transcript", _POSTGRES_WORDS.format("title || ' ' || source_url"), "search_title"),
)


def create(connection: BaseDatabaseWrapper) -> None:
    """Make the index and fill it with what is there. For the migration."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table, words, index in _POSTGRES:
                cursor.execute(f"ALTER TABLE {table} ADD COLUMN search tsvector GENERATED ALWAYS AS ({words}) STORED")
                cursor.execute(f"CREATE INDEX {index} ON {table} USING gin (search)")
            return
        for statement in _SQLITE_TABLES:
            cursor.execute(statement)
    keep_triggers(connection)
    fill(connection)


def remake(connection: BaseDatabaseWrapper) -> None:
    """Make SQLite's index anew in its present form. For migrations, after the form changed here."""
    if connection.vendor != "sqlite":
        return
    drop_triggers(connection)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE transcripts_search")
        for statement in _SQLITE_TABLES:
            cursor.execute(statement)
    keep_triggers(connection)
    fill(connection)


def drop(connection: BaseDatabaseWrapper) -> None:
    """Take the index away."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table, _, _ in _POSTGRES:
                cursor.execute(f"ALTER TABLE {table} DROP COLUMN search")
            return
        drop_triggers(connection)
        cursor.execute("DROP TABLE transcripts_search")
        cursor.execute("DROP TABLE transcripts_searchscope")


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """Leave SQLite's index behind the tables until `keep_triggers` and `fill`: for loading very much at once."""
    with connection.cursor() as cursor:
        for name in _TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def keep_triggers(connection: BaseDatabaseWrapper) -> None:
    """Put back the triggers of SQLite that are not there."""
    with connection.cursor() as cursor:
        for name, body in _TRIGGERS.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {body}")
        if _erases_itself(connection):
            cursor.execute("INSERT INTO transcripts_search(transcripts_search, rank) VALUES ('secure-delete', 1)")


def fill(connection: BaseDatabaseWrapper) -> None:
    """Make SQLite's index new from the tables (PostgreSQL's is always what the tables are)."""
    if connection.vendor != "sqlite":
        return
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("INSERT INTO transcripts_search(transcripts_search) VALUES ('delete-all')")
        for statement in _FILL:
            cursor.execute(statement)


def _erases_itself(connection: BaseDatabaseWrapper) -> bool:
    """FTS5 takes deleted words out of its pages by itself since SQLite 3.42 (option secure-delete)."""
    return connection.vendor == "sqlite" and sqlite_version_info >= (3, 42)


def erase(using: str = "default") -> bool:
    """Rewrite an older SQLite's index so that it holds nothing deleted any more; False: too large to do at once."""
    connection = connections[using]
    if connection.vendor != "sqlite" or _erases_itself(connection):
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(length(block)) FROM transcripts_search_data")
        if (cursor.fetchone()[0] or 0) > REWRITE_BYTES:
            return False
        cursor.execute("INSERT INTO transcripts_search(transcripts_search) VALUES ('optimize')")
    return True


def _erase_quietly(using: str) -> None:
    try:
        if not erase(using):
            logger.info("the search index is large; deleted words leave it as it is merged")
    except DatabaseError as error:
        logger.warning("deleted words leave the search index later: %s", error)


def _after_migrating(using: str, **_: Any) -> None:
    connection = connections[using]
    if connection.vendor == "sqlite" and "transcripts_search" in connection.introspection.table_names():
        keep_triggers(connection)


def _before_deleting(using: str, **_: Any) -> None:
    """Erase after the transaction, once, and before the tombstones are told that all is gone (upkeep/erasing.py)."""
    connection = connections[using]
    if not any(getattr(call, "func", None) is _erase_quietly for _, call, *_ in connection.run_on_commit):
        transaction.on_commit(partial(_erase_quietly, using), using=using)


def connect() -> None:
    """Hear of migrations and deletions from now on."""
    post_migrate.connect(_after_migrating, dispatch_uid="search triggers")
    pre_delete.connect(_before_deleting, sender=Transcript, dispatch_uid="search erasing")
