"""A backup taken at any moment restores to a working installation with the same text, sound and log (F45)."""

from __future__ import annotations

import os
import stat
import tarfile
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.scale.conftest import binary, postgres  # noqa: F401 - a fixture
from tests.upkeep.installations import Installation


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> Installation:
    """An installation with something in it; the tests only read it."""
    made = Installation(tmp_path_factory.mktemp("full") / "var")
    made.fill()
    return made


@pytest.fixture(scope="module")
def archive(full, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("backups") / "b.tar"
    said = full.manage("backup", str(path))
    assert "7 files." in said
    return path


@pytest.fixture(scope="module")
def before(full) -> dict[str, Any]:
    """What the backup must bring back."""
    return full.content()


@pytest.fixture
def empty(tmp_path) -> Installation:
    return Installation(tmp_path / "var")


def names_in(path):
    with tarfile.open(path) as tar:
        return tar.getnames()


def same_log(before, after):
    """Every event of the backup is there as it was; what came after it is only the note of the restore."""
    old = [event for event in after["events"] if event in before["events"]]
    new = [event[3] for event in after["events"] if event not in before["events"]]
    assert old == before["events"]
    assert {note["code"] for note in new} <= {"restored"}
    return len(new)


def test_everything_comes_back_on_an_empty_machine(before, archive, empty):
    said = empty.manage("restore", str(archive))
    assert "7 files, all hashes agree." in said
    assert "Transcripts that go on: 2." in said
    after = empty.content()
    for part in ("rows", "texts", "media", "users"):
        assert after[part] == before[part]
    assert same_log(before, after) == 2
    assert sorted(after["states"].values())[-2:] == [["queued", 4, "", 0]] * 2
    assert empty.sqlite("PRAGMA integrity_check") == [("ok",)]
    assert empty.manage("fsck", "--hashes", "--young", "0").startswith("Found: 0.")


#: Whoever finds a backup is not logged in with it.
LEFT_OUT = {"django_session"}
#: What a restore changes on purpose: nobody is at work, what was goes on (compared by the tests above), and erasures
#: that were open are done.
CHANGED = {"transcripts_worker", "transcripts_transcript", "transcripts_event", "transcripts_erasure"}


def test_every_table_of_every_model_comes_back_row_by_row(tmp_path, empty):
    """Also those of models that did not exist when this was written."""
    made = Installation(tmp_path / "made")
    made.fill()
    tables = made.one_of_each()
    assert len(tables) >= 15
    before = {table: made.table(table) for table in [*tables, "django_migrations"]}
    assert [table for table, rows in before.items() if not rows] == []
    made.manage("backup", str(tmp_path / "all.tar"))
    empty.manage("restore", str(tmp_path / "all.tar"))
    after = {table: empty.table(table) for table in before}
    assert {table for table in before if after[table] != before[table]} == LEFT_OUT | CHANGED
    assert [len(after[table]) for table in ("django_session", "transcripts_worker")] == [0, 0]
    for table in ("transcripts_transcript", "transcripts_erasure"):
        assert [row[0] for row in after[table]] == [row[0] for row in before[table]]


def test_a_slash_at_the_end_makes_a_folder_in_which_no_backup_replaces_another(full, tmp_path):
    full.manage("backup", f"{tmp_path}/nights/")
    (made,) = (tmp_path / "nights").iterdir()
    assert made.name.startswith("sttweb-20")
    assert stat.S_IMODE((tmp_path / "nights").stat().st_mode) == 0o700


def test_the_archive_is_private_and_holds_no_key_and_no_login(full, archive, tmp_path):
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    key, master = ((full.var / name).read_bytes() for name in ("secret_key", "master_keys"))
    sessions = [row[0].encode() for row in full.sqlite("select session_key from django_session")]
    assert sessions
    content = archive.read_bytes()
    assert [secret for secret in (key, master, *sessions) if secret in content] == []
    assert not {"secret_key", "master_keys"} & set(names_in(archive))
    assert names_in(archive)[0] == "database.sqlite3"
    assert names_in(archive)[-1] == "manifest.json"


def test_the_key_comes_along_only_when_it_is_asked_for(full, tmp_path, empty):
    folder = tmp_path / "folder"
    folder.mkdir()
    full.manage("backup", str(folder), "--with-secrets")
    (path,) = folder.iterdir()
    assert path.name.startswith("sttweb-")
    empty.manage("restore", str(path))
    for name in ("secret_key", "master_keys"):
        assert (empty.var / name).read_bytes() == (full.var / name).read_bytes()
        assert stat.S_IMODE((empty.var / name).stat().st_mode) == 0o600


def test_an_installation_with_something_in_it_is_only_replaced_by_force(archive, empty):
    empty.fill()
    kept = empty.content()
    said = empty.manage("restore", str(archive), ok=False)
    assert "Restore into an empty STTWEB_VAR and database, or add --force" in said
    assert empty.content() == kept
    empty.manage("restore", str(archive), "--force")
    now = empty.content()
    assert not set(now["rows"]) & set(kept["rows"])
    assert not set(now["media"]) & set(kept["media"])


def test_what_was_erased_after_the_backup_stays_erased(before, archive, tmp_path):
    """R16: once by the tombstones of the database that is replaced, once by the list of a machine that was lost."""
    first, lost = Installation(tmp_path / "first"), Installation(tmp_path / "lost")
    first.manage("restore", str(archive))
    victim = sorted(before["rows"])[0]
    first.shell(f"from transcripts.models import Transcript; Transcript.objects.get(pk='{victim}').delete()")
    assert "Erased again: 1." in first.manage("restore", str(archive), "--force")
    assert victim not in first.content()["rows"]
    assert "Erased again: 1." in lost.manage("restore", str(archive), "--erasures", str(first.var / "erasures.jsonl"))
    left = lost.content()
    assert victim not in left["rows"]
    assert len(left["media"]) == 5


def test_a_damaged_or_newer_backup_changes_nothing(archive, empty, tmp_path):
    damaged = tmp_path / "damaged.tar"
    content = bytearray(archive.read_bytes())
    content[content.index(b"sound 0") + 5000] ^= 1
    damaged.write_bytes(content)
    assert "differ from the manifest" in empty.manage("restore", str(damaged), ok=False)
    newer = tmp_path / "newer.tar"
    newer.write_bytes(archive.read_bytes().replace(b'"transcripts.0001_initial"', b'"transcripts.9001_initial"'))
    assert "made by a newer version (transcripts.9001_initial)" in empty.manage("restore", str(newer), ok=False)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(archive.read_bytes()[:200_000])
    empty.manage("restore", str(cut), ok=False)
    assert [path.name for path in empty.var.iterdir() if path.name.startswith("restore-")] == []
    assert not (empty.var / "media").exists() or not list((empty.var / "media").rglob("*"))
    empty.manage("restore", str(archive))


def test_a_backup_that_cannot_be_written_leaves_nothing_under_its_name(full, tmp_path):
    said = full.manage("backup", str(tmp_path / "no" / "such" / "folder.tar"), ok=False)
    assert "could not be written" in said
    assert not (tmp_path / "no").exists()
    assert not list(full.var.glob("backup-*"))


_WRITE = """
import time
from transcripts.models import EventKind, Segment, Transcript
from transcripts.models.log import Entry, append
ids = list(Transcript.objects.order_by("created_at").values_list("pk", flat=True))[:5]
print("writing", flush=True)
end, n = time.monotonic() + 6, 0
while time.monotonic() < end:
    for pk in ids:
        last = append(pk, [Entry(EventKind.COMMIT, {"text": f"new {n}"})], when={}, changes={"segment_count": 31 + n})
        Segment.objects.create(transcript_id=pk, index=30 + n, seq=last, start_ms=n, end_ms=n + 1, text=f"new {n}")
    n += 1
"""


def test_a_backup_during_running_jobs_is_of_one_moment(archive, tmp_path):
    """Five logs grow while the backup is taken: each is whole, and at most one event ahead of another."""
    busy, back = Installation(tmp_path / "busy"), Installation(tmp_path / "back")
    busy.manage("restore", str(archive))
    writer = busy.process("shell", "--verbosity", "0", "--command", _WRITE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    time.sleep(0.5)
    before = busy.sqlite("select count(*) from transcripts_event where payload like '%new %'")[0][0]
    busy.manage("backup", str(tmp_path / "during.tar"))
    after = busy.sqlite("select count(*) from transcripts_event where payload like '%new %'")[0][0]
    assert writer.wait(60) == 0
    writer.communicate()
    back.manage("restore", str(tmp_path / "during.tar"))
    counts = back.sqlite(
        "select count(*) from transcripts_event where payload like '%new %' group by transcript_id order by 1"
    )
    numbers = [row[0] for row in counts]
    assert len(numbers) == 5
    assert numbers[-1] - numbers[0] <= 1
    assert before <= sum(numbers) <= after
    assert after > before
    wrong = back.sqlite(
        "select id from transcripts_transcript t where last_seq <> (select count(*) from transcripts_event where "
        "transcript_id = t.id) or last_seq <> (select max(seq) from transcripts_event where transcript_id = t.id)"
    )
    assert wrong == []
    assert back.sqlite("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.services
@pytest.mark.timeout(300)
def test_postgresql_is_backed_up_and_restored_by_its_own_programs(postgres, tmp_path):  # noqa: F811
    for name in ("pg_dump", "pg_restore"):
        binary(name)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("create database one")
        connection.execute("create database two")
    quiet = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    one, two = (
        Installation(tmp_path / name, {"DATABASE_URL": postgres.rpartition("/")[0] + f"/{name}", **quiet})
        for name in ("one", "two")
    )
    one.fill()
    assert "7 files." in one.manage("backup", str(tmp_path / "b.tar"))
    before = one.content()
    victim = sorted(before["rows"])[0]
    sqlite = Installation(tmp_path / "sqlite")
    assert "Set DATABASE_URL" in sqlite.manage("restore", str(tmp_path / "b.tar"), ok=False)
    two.manage("restore", str(tmp_path / "b.tar"))
    after = two.content()
    assert {part: after[part] for part in ("rows", "texts", "media", "users")} == {
        part: before[part] for part in ("rows", "texts", "media", "users")
    }
    assert same_log(before, after) == 2
    two.manage("restore", str(tmp_path / "b.tar"), ok=False)
    two.shell(f"from transcripts.models import Transcript; Transcript.objects.get(pk='{victim}').delete()")
    assert "Erased again: 1." in two.manage("restore", str(tmp_path / "b.tar"), "--force")
    assert victim not in two.content()["rows"]
    assert two.manage("fsck", "--hashes", "--young", "0").startswith("Found: 0.")
    with psycopg.connect(one.environment["DATABASE_URL"]) as connection:
        assert connection.execute("select count(*) from django_session").fetchone() == (1,)
    with psycopg.connect(two.environment["DATABASE_URL"]) as connection:
        assert connection.execute("select count(*) from django_session").fetchone() == (0,)


def test_a_database_file_elsewhere_is_restored_there(archive, tmp_path):
    other = Installation(tmp_path / "var", {"DATABASE_URL": f"sqlite:///{tmp_path}/other.sqlite3"})
    other.manage("restore", str(archive))
    assert (tmp_path / "other.sqlite3").exists()
    assert not (other.var / "sttweb.sqlite3").exists()
    assert os.listdir(other.var / "media")
