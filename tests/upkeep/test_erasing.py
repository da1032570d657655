"""Erased is erased: rows, files, the database's own file and log, and what a restored table brings back."""

from __future__ import annotations

import json
import random
import sqlite3
from pathlib import Path
from uuid import uuid4

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.urls import reverse

from tests.conftest import async_db
from tests.upkeep.conftest import files_in, say
from transcripts import services
from transcripts.jobs.source import spool_dir
from transcripts.models import Erased, Erasure, Event, Segment, State, Team, Transcript, Why
from transcripts.upkeep import erasing

#: Words that stand nowhere else.
SECRET = "xylofoon-geheim-woord"


def database_files() -> list[Path]:
    name = Path(connection.settings_dict["NAME"])
    return [path for path in (name, name.with_name(name.name + "-wal")) if path.exists()]


def places_with(text: str, folder: Path) -> list[str]:
    """The files of the database and below a folder that hold a text, in the encodings that could hide it."""
    needles = [text.encode(), text.encode("utf-16-le"), json.dumps(text).encode()[1:-1]]
    files = [*database_files(), *(path for path in folder.rglob("*") if path.is_file())]
    return [path.name for path in files if any(needle in path.read_bytes() for needle in needles)]


@async_db
def test_erased_text_is_in_no_file_any_more(keep, folders, client, alice):
    """F44: among many others, so that pages are shared, split and merged."""
    others = [keep(*[f"neighbour {n} sentence {i}" for i in range(20)], media=b"other") for n in range(15)]
    secret = keep(
        *[f"{SECRET} {i} {'long ' * (40 if i % 7 else 900)}" for i in range(60)],
        title=f"About {SECRET}",
        media=SECRET.encode() * 100,
        spool=SECRET.encode() * 100,
    )
    assert places_with(SECRET, folders)
    client.force_login(alice)
    client.post(reverse("delete", args=[secret.pk]))
    assert not spool_dir(secret.pk).exists()
    assert places_with(SECRET, folders / "media") == []
    assert Erasure.objects.get().finished_at is None
    assert erasing.finish_pending() == 1
    assert places_with(SECRET, folders) == []
    assert not spool_dir(secret.pk).exists()
    assert Segment.objects.filter(transcript=others[3]).count() == 20
    stone = Erasure.objects.get()
    assert (stone.transcript, stone.what, stone.media_key) == (secret.pk, Erased.ALL, "")
    assert stone.finished_at is not None


@async_db
def test_text_moved_about_by_the_deletion_of_its_neighbours_is_erased_too(keep, folders):
    """Deleting neighbours makes SQLite move rows from page to page, and secure_delete does not zero the copy where a
    row once was: without the rewriting, about one run in two of these finds one."""
    draw, rows = random.Random(1), dict[str, Transcript]()
    for turn in range(60):
        name = f"qzx{turn:03d}wvu"
        rows[name] = keep(f"{name} first")
        for other in draw.sample(sorted(rows), min(3, len(rows))):
            say(rows[other], [f"{other} {'word ' * draw.choice([1, 5, 40, 400])}" for _ in range(draw.randint(1, 9))])
        if turn % 5 == 4:
            name = draw.choice(sorted(rows))
            services.delete(rows.pop(name))
            assert erasing.finish_pending() == 1
            assert places_with(name, folders) == []


@async_db
def test_the_admin_forgets_the_title_as_well(keep, folders, admin_client, admin_user):
    secret = keep("One.", title=SECRET)
    pk = secret.pk
    url = reverse("admin:transcripts_transcript_delete", args=[secret.pk])
    admin_client.post(url, {"post": "yes"})
    erasing.finish_pending()
    entry = LogEntry.objects.get(content_type=ContentType.objects.get_for_model(Transcript))
    assert entry.object_id == str(pk)
    assert entry.object_repr == "(erased)"
    assert places_with(SECRET, folders) == []


@async_db
def test_every_way_to_delete_leaves_a_tombstone(keep, folders, team):
    one, two, three = keep("1"), keep("2"), keep("3", media=b"sound")
    ids = [row.pk for row in (one, two, three)]
    services.delete(one)
    with erasing.because(Why.RETENTION):
        Transcript.objects.filter(pk=two.pk).delete()
    Team.objects.filter(pk=team.pk).delete()
    told = {row.transcript: row.why for row in Erasure.objects.all()}
    assert told == dict(zip(ids, (Why.DELETED, Why.RETENTION, Why.DELETED), strict=True))
    assert files_in(folders) == {"erasures.jsonl"}


@async_db
def test_a_deletion_that_is_rolled_back_leaves_nothing_and_keeps_everything(keep, folders):
    row = keep("Stays.", media=b"sound")
    pk = row.pk
    with transaction.atomic():
        services.delete(row)
        transaction.set_rollback(True)
    assert not Erasure.objects.exists()
    assert Transcript.objects.get(pk=pk).segments.count() == 1
    assert len(files_in(folders)) == 1


@async_db
def test_a_recording_that_resists_is_left_to_the_next_round_and_nobody_gets_an_error(keep, folders, client, alice):
    row = keep("One.", media=b"sound")
    resisting = folders / "media" / row.media_key
    resisting.unlink()
    resisting.mkdir()
    client.force_login(alice)
    assert client.post(f"/s/{row.pk}/delete").status_code == 302
    assert not Transcript.objects.exists()
    assert Erasure.objects.get().finished_at is None
    resisting.rmdir()
    assert erasing.finish_pending() == 1


@async_db
def test_what_a_crash_left_is_finished_by_the_next_round(keep, folders, monkeypatch):
    row = keep("One.", media=b"sound", spool=b"copy")
    with monkeypatch.context() as broken:
        broken.setattr(erasing, "remove_files", lambda row: (_ for _ in ()).throw(OSError("the power is gone")))
        services.delete(row)
    assert Erasure.objects.get().finished_at is None
    assert len(files_in(folders)) == 3
    assert erasing.finish_pending() == 1
    assert files_in(folders) == {"erasures.jsonl"}
    assert erasing.finish_pending() == 0


@async_db
def test_a_reader_in_the_way_leaves_the_erasure_open_for_the_next_round(keep, folders):
    row = keep(SECRET)
    reader = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM transcripts_segment").fetchone()
    services.delete(row)
    assert erasing.finish_pending() == 0
    assert Erasure.objects.get().finished_at is None
    reader.execute("ROLLBACK")
    reader.close()
    assert erasing.finish_pending() == 1
    assert places_with(SECRET, folders) == []


@async_db
def test_only_the_recording_can_go_and_only_of_what_has_ended(keep, folders):
    running = keep("One.", media=b"sound", state=State.RUNNING)
    ended = keep("Two.", media=b"sound")
    assert not erasing.erase_media(running)
    assert erasing.erase_media(ended)
    assert not erasing.erase_media(ended)
    ended.refresh_from_db()
    assert (ended.media_key, ended.segment_count) == ("", 1)
    assert files_in(folders) == {"erasures.jsonl", f"media/{running.media_key}"}


@async_db
def test_the_list_outside_of_the_database_erases_again_what_comes_back(keep, folders, team):
    gone, silent, stays = keep("1", media=b"a"), keep("2", media=b"b"), keep("3")
    gone_id, silent_key = gone.pk, silent.media_key
    services.delete(gone)
    erasing.erase_media(silent)
    # As after a restore: the same rows again.
    Erasure.objects.all().delete()
    Transcript.objects.create(pk=gone_id, team=team, title="back", state=State.COMPLETED)
    Transcript.objects.filter(pk=silent.pk).update(media_key=silent_key)
    with (folders / "erasures.jsonl").open("a") as file:
        file.write('{"transcript": "cut of\n')
    listed = list(erasing.recall(folders / "erasures.jsonl"))
    assert [entry.transcript for entry in listed] == [gone_id, silent.pk]
    assert erasing.replay([*listed, erasing.Remembered(uuid4(), Erased.ALL)]) == 2
    assert set(Transcript.objects.values_list("pk", flat=True)) == {silent.pk, stays.pk}
    assert {row.why for row in Erasure.objects.all()} == {Why.REPLAYED}
    assert erasing.replay(listed) == 0


@async_db
def test_a_large_database_is_rewritten_only_when_somebody_asks(keep, monkeypatch):
    monkeypatch.setattr(erasing, "COMPACT_BYTES", 1)
    rewritten = []
    monkeypatch.setattr(erasing, "rewrite", lambda: rewritten.append(True))
    services.delete(keep("One."))
    assert erasing.finish_pending() == 1
    assert rewritten == []
    assert erasing.finish_pending(compact=True) == 0
    assert rewritten == [True]


@async_db
def test_the_list_names_each_erasure_once(keep, folders):
    services.delete(keep("One."))
    erasing.finish_pending()
    Erasure.objects.update(finished_at=None)
    erasing.finish_pending()
    assert len((folders / "erasures.jsonl").read_text().splitlines()) == 1


def test_a_pseudonym_is_stable_and_tells_nothing():
    assert erasing.pseudonym(7) == erasing.pseudonym("7") != erasing.pseudonym(8)
    assert len(erasing.pseudonym(7)) == 16


@async_db
def test_the_cause_and_the_person_stand_on_the_tombstone(keep):
    with erasing.because(Why.DELETED, erasing.pseudonym(1)):
        services.delete(keep("One."))
    assert Erasure.objects.get().who == erasing.pseudonym(1)
    assert not Event.objects.exists()
