"""The reconciler finds strays both ways, mends what it can, and leaves alone what is young or at work."""

from __future__ import annotations

import os
import time
from io import StringIO
from uuid import uuid4

from django.core.management import call_command

from tests.conftest import async_db, member
from tests.upkeep.conftest import files_in
from transcripts import services
from transcripts.jobs.source import media_store, spool_dir
from transcripts.models import Erasure, Event, Role, Segment, State, Transcript
from transcripts.reviewing import editing
from transcripts.upkeep import reconcile


def age(path, hours=48):
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def strays(**options):
    return sorted((stray.code, stray.about) for stray in reconcile.find(**options))


def fsck(*arguments):
    said = StringIO()
    try:
        call_command("fsck", *arguments, stdout=said)
    except SystemExit as ended:
        return ended.code, said.getvalue()
    return 0, said.getvalue()


@async_db
def test_a_sound_installation_has_nothing_to_say(keep):
    keep("One.", "Two.", media=b"sound")
    keep(state=State.RUNNING, media=b"more", spool=b"copy")
    assert strays(hashes=True, young_seconds=0) == []
    assert fsck("--hashes") == (0, "Found: 0. Mended: 0. Erasures not finished: 0.\n")


@async_db
def test_files_that_nobody_knows_are_found_when_they_are_old_and_removed_on_request(keep, folders):
    known = keep("One.", media=b"sound")
    old, young = (folders / "media" / media_store().store([b"lost"]).key for _ in range(2))
    part = old.with_name("half.part")
    part.write_bytes(b"ha")
    for path in (old, part, folders / "media" / known.media_key):
        age(path)
    (folders / "tmp" / "upload").write_bytes(b"x")
    age(folders / "tmp" / "upload")
    key = f"{old.parent.name}/{old.name}"
    expected = [("file_without_row", key), ("file_without_row", f"{old.parent.name}/half.part"),
                ("half_upload", "upload")]  # fmt: skip
    assert strays() == sorted(expected)
    assert fsck()[0] == 1
    code, said = fsck("--repair")
    assert (code, said.count("(mended)")) == (0, 3)
    assert files_in(folders) == {f"media/{known.media_key}", f"media/{young.parent.name}/{young.name}"}


@async_db
def test_fetched_files_stay_while_a_retry_may_use_them(keep, folders):
    failed, done = keep(state=State.FAILED, code="x", spool=b"1"), keep(spool=b"2")
    live = keep(spool=b"3")
    (spool_dir(live.pk) / "heard.pcm").write_bytes(b"what the page plays")
    gone = uuid4()
    spool_dir(gone).mkdir()
    for pk in (failed.pk, done.pk, live.pk, gone):
        age(spool_dir(pk))
    assert strays() == sorted([("spool_without_row", str(done.pk)), ("spool_without_row", str(gone))])
    assert fsck("--repair")[0] == 0
    assert {path.name for path in (folders / "spool").iterdir()} == {str(failed.pk), str(live.pk)}


@async_db
def test_rows_whose_recording_is_gone_or_another_are_found(keep, folders):
    lost, running, short, other = (keep(media=b"sound", state=s) for s in ("completed", "running", "failed", "failed"))
    for row in (lost, running):
        (folders / "media" / row.media_key).unlink()
    (folders / "media" / short.media_key).write_bytes(b"soun")
    (folders / "media" / other.media_key).write_bytes(b"noise")
    found = dict(strays(hashes=True))
    assert found["file_of_another_size"] == str(short.pk)
    assert found["file_of_another_content"] == str(other.pk)
    assert [pk for code, pk in strays() if code == "row_without_file"] == sorted([str(lost.pk), str(running.pk)])
    code, said = fsck("--repair")
    assert (code, said.count("(mended)"), said.count("(needs a person)")) == (1, 1, 2)
    lost.refresh_from_db()
    running.refresh_from_db()
    assert (lost.media_key, bool(running.media_key)) == ("", True)


@async_db
def test_a_log_with_a_hole_and_a_lost_segment_are_found(keep):
    hole, lost, sound = keep("1", "2", "3"), keep("1", "2"), keep("1", "2", "3")
    Event.objects.filter(transcript=hole, seq=3).delete()
    Segment.objects.filter(transcript=lost, index=1).delete()
    assert strays() == sorted([("log_with_holes", str(hole.pk)), ("segments_missing", str(lost.pk))])
    assert sound.segments.count() == 3


@async_db
def test_what_people_split_and_merged_is_not_missing(keep, team):
    person = member("bob", team, Role.EDITOR)
    row, lost = keep("One two.", "Three four.", "Five."), keep("One.", "Two.", "Three.")
    first, second = editing.split(row, person, 0, 0, 3)
    assert strays() == []
    editing.merge(row, person, second.index, second.version, 0)
    editing.merge(row, person, first.index, first.version, second.version + 1)
    assert strays() == []
    editing.merge(lost, person, 0, 0, 0)
    Segment.objects.filter(transcript=lost, index=2).delete()
    assert strays() == [("segments_missing", str(lost.pk))]


@async_db
def test_what_was_erased_and_is_back_is_erased_again(keep, team):
    row = keep("One.")
    pk = row.pk
    services.delete(row)
    Transcript.objects.create(pk=pk, team=team, title="back", state=State.COMPLETED)
    assert strays() == [("erased_but_there", str(pk))]
    assert fsck("--repair")[0] == 0
    assert not Transcript.objects.exists()
    assert Erasure.objects.filter(transcript=pk).count() == 2


@async_db
def test_a_repair_finishes_open_erasures(keep):
    for _ in range(3):
        services.delete(keep("One.", media=b"x"))
    Erasure.objects.update(finished_at=None)
    assert fsck()[0] == 1
    assert fsck("--repair")[0] == 0
