"""The index follows the tables by itself, survives migrations, and holds nothing that was erased."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models.signals import post_migrate

from tests.conftest import async_db
from transcripts import search, services
from transcripts.access import transcripts_of
from transcripts.models import Segment, Transcript, searchindex
from transcripts.search import Filters, parse
from transcripts.upkeep import erasing

#: A word that stands nowhere else.
SECRET = "xylofoongeheim"


@pytest.fixture
def found(alice, team):
    def titles(text: str) -> list[str]:
        return [
            one.transcript.title for one in search.find(transcripts_of(alice), [team.pk], parse(text), Filters()).found
        ]

    return titles


def rows_of_index() -> list[int]:
    """All row numbers that hold any of a few words; an index of its own form cannot be listed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rowid FROM transcripts_search WHERE transcripts_search MATCH 'quay OR pier' ORDER BY 1")
        return [number for (number,) in cursor.fetchall()]


def triggers() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'search_%'")
        return int(cursor.fetchone()[0])


def check_integrity() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO transcripts_search(transcripts_search) VALUES ('integrity-check')")


@pytest.fixture
def folders(settings, tmp_path: Path) -> None:
    settings.STTWEB_MEDIA_DIR = tmp_path
    settings.STTWEB_SPOOL_DIR = tmp_path
    settings.STTWEB_ERASURES_FILE = tmp_path / "erasures.jsonl"


@async_db
def test_erased_words_are_in_no_file_of_the_database(say, folders):
    for number in range(20):
        say(*[f"neighbour {number} says {word}" for word in "abcdefghij"])
    row = say(*[f"{SECRET}{number} and {SECRET}" for number in range(50)], title=SECRET)
    name = Path(connection.settings_dict["NAME"])

    def places() -> list[str]:
        files = [name, name.with_name(f"{name.name}-wal")]
        return [file.name for file in files if file.exists() and SECRET.encode() in file.read_bytes()]

    assert places()
    services.delete(row)
    erasing.finish_pending()
    assert places() == []
    check_integrity()


@async_db
def test_a_deletion_that_is_rolled_back_is_found_again(say, found):
    row = say("The quay.")
    with transaction.atomic():
        services.delete(row)
        assert found("quay") == []
        transaction.set_rollback(True)
    assert found("quay") == ["Evening news"]


@pytest.mark.django_db
def test_rows_deleted_in_any_order_leave_nothing(say):
    row = say("The quay.", "The pier.", title="Quay")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM transcripts_event WHERE transcript_id = %s", [row.pk.hex])
        cursor.execute("DELETE FROM transcripts_transcript WHERE id = %s", [row.pk.hex])
        cursor.execute("DELETE FROM transcripts_segment WHERE transcript_id = %s", [row.pk.hex])
    assert rows_of_index() == []
    check_integrity()


@async_db
def test_a_table_that_a_migration_remakes_keeps_its_index(say, found):
    """SQLite changes a column by copying the table, and drops the triggers of the old one."""
    before = say("The quay.", title="Before")
    for model in (Segment, Transcript):
        field = models.CharField(max_length=10, default="", null=False)
        field.set_attributes_from_name("extra")
        with connection.schema_editor() as editor:
            editor.add_field(model, field)
        with connection.schema_editor() as editor:
            editor.remove_field(model, field)
    assert triggers() == 0
    config = apps.get_app_config("transcripts")
    post_migrate.send(config, app_config=config, using="default", verbosity=0, interactive=False, plan=[], apps=apps)
    say("The quay.", title="After")
    assert found("quay") == ["After", "Before"]
    services.delete(before)
    assert found("quay") == ["After"]
    check_integrity()


@pytest.mark.django_db
def test_an_index_made_anew_is_the_same(say, found):
    for number in range(3):
        say("The quay.", "The pier.", title=f"Quay {number}")
    before = rows_of_index()
    assert len(before) == 9
    searchindex.fill(connection)
    assert rows_of_index() == before
    searchindex.drop(connection)
    searchindex.create(connection)
    assert len(rows_of_index()) == 9
    assert found("pier") == ["Quay 2", "Quay 1", "Quay 0"]


@pytest.mark.django_db
def test_a_large_index_is_not_rewritten_in_one_go(say, monkeypatch):
    say("The quay.")
    assert searchindex.erase()
    monkeypatch.setattr(searchindex, "REWRITE_BYTES", 1)
    monkeypatch.setattr(searchindex, "_erases_itself", lambda connection: False)
    assert not searchindex.erase()
