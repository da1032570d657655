"""What uploads may take, what time and accidents do to them, and many windows that send the same one."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.conftest import async_db, member
from tests.views.uploading import Sender, recording, sha256
from transcripts import uploading
from transcripts.jobs.source import upload_parts
from transcripts.media import disk
from transcripts.media.parts import Proof
from transcripts.models import Role, Team, Transcript, Upload
from transcripts.upkeep import reconcile
from transcripts.views import recordings

CONTENT = recording(0.2, 513)


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def bobs(client, bob) -> Sender:
    client.force_login(bob)
    return Sender(client)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# --- Bounds -----------------------------------------------------------------------------------------------------------


def test_a_person_has_a_bounded_number_on_their_way(bobs, settings):
    settings.STTWEB_UPLOADS_AT_ONCE = 2
    first = bobs.begin(CONTENT).json()["url"]
    assert bobs.begin(CONTENT).status_code == 201
    refused = bobs.begin(CONTENT)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")
    assert bobs.client.delete(first).status_code == 204
    assert bobs.begin(CONTENT).status_code == 201


def test_a_team_has_bounded_bytes_on_their_way_and_finished_ones_do_not_count(bobs, settings, alice, client, bob):
    settings.STTWEB_UPLOAD_TEAM_BYTES = len(CONTENT) * 2
    assert bobs.send(CONTENT).status_code == 200
    assert bobs.begin(CONTENT).status_code == 201
    client.force_login(alice)
    assert bobs.begin(CONTENT).status_code == 201
    refused = bobs.begin(1)
    assert (refused.status_code, refused.json()["code"]) == (413, "upload_quota")


def test_an_almost_full_disk_takes_nothing_new(bobs, settings, monkeypatch, media):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1000, 930, 70))
    refused = bobs.begin(CONTENT)
    assert (refused.status_code, refused.json()["code"]) == (507, "disk_low")
    assert not Upload.objects.exists()
    assert files(media) == []


def test_what_is_still_to_come_of_others_counts_as_taken(bobs, monkeypatch):
    assert bobs.begin(2 * 1024**3).status_code == 201
    free = disk.MIN_FREE_BYTES + 3 * 1024**3
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10 * free, 9 * free, free))
    refused = bobs.begin(1024**3 + 1)
    assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
    assert bobs.begin(1024**3).status_code == 201


def test_a_disk_that_fills_up_on_the_way_keeps_what_is_there_and_goes_on_later(bobs, monkeypatch):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
        refused = bobs.put(url, 4000, CONTENT[4000:])
        assert (refused.status_code, refused.json()["code"]) == (507, "disk_full")
        assert bobs.client.get("/library").status_code == 200
    assert bobs.put(url, 4000, CONTENT[4000:]).status_code == 200
    assert bobs.complete(url, CONTENT).status_code == 200


def test_a_write_that_fails_in_the_middle_leaves_no_half_part(bobs, monkeypatch, media):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, data: _half(write, descriptor, data))
        assert bobs.put(url, 4000, CONTENT[4000:]).json()["code"] == "disk_full"
    assert next(media.rglob("*.part")).stat().st_size == 4000


def _half(write, descriptor: int, data: memoryview) -> int:
    if len(data) < 1000:
        raise OSError(28, "No space left on device")
    written: int = write(descriptor, data[: len(data) // 2])
    return written


# --- Time and accidents -----------------------------------------------------------------------------------------------


def test_what_nobody_goes_on_with_is_swept_away_and_nothing_else(bobs, media):
    old, young = (bobs.begin(CONTENT).json() for _ in range(2))
    done = bobs.send(CONTENT).json()["transcript"]
    past = timezone.now() - timedelta(minutes=1)
    Upload.objects.exclude(pk=young["id"]).update(expires_at=past)
    assert uploading.sweep() == 1
    assert [str(upload.pk) for upload in Upload.objects.all()] == [young["id"]]
    assert bobs.client.get(old["url"]).status_code == 404
    assert len(files(media)) == 2
    assert recordings.path_of(Transcript.objects.get(pk=done)) is not None


def test_each_part_gives_it_more_time(bobs):
    url = bobs.begin(CONTENT).json()["url"]
    Upload.objects.update(expires_at=timezone.now() + timedelta(seconds=5))
    bobs.put(url, 0, CONTENT[:1000])
    assert Upload.objects.get().expires_at > timezone.now() + timedelta(hours=23)


def test_what_is_written_to_at_this_moment_is_not_swept(bobs):
    bobs.begin(CONTENT)
    Upload.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    with upload_parts().hold(Upload.objects.get().media_key):
        assert uploading.sweep() == 0
    assert uploading.sweep() == 1


def test_the_search_for_strays_leaves_uploads_on_their_way_alone(bobs, media):
    bobs.begin(CONTENT)
    gone = bobs.begin(CONTENT).json()["id"]
    Upload.objects.filter(pk=gone).delete()
    strays = [stray.code for stray in reconcile.files_without_row(young_seconds=-60)]
    assert strays == ["file_without_row"]


def test_bytes_that_a_power_cut_took_are_sent_again(bobs, media):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    os.truncate(next(media.rglob("*.part")), 2500)
    refused = bobs.put(url, 4000, CONTENT[4000:])
    assert (refused.status_code, refused.json()["offset"]) == (409, 2500)
    assert bobs.put(url, 2500, CONTENT[2500:]).status_code == 200
    assert bobs.complete(url, CONTENT).status_code == 200


def test_a_file_that_is_gone_begins_again(bobs, media):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    shutil.rmtree(media)
    assert bobs.put(url, 4000, CONTENT[4000:]).json()["offset"] == 0
    assert bobs.put(url, 0, CONTENT).status_code == 200
    assert bobs.complete(url, CONTENT).status_code == 200


def test_a_crash_between_the_name_and_the_row_is_made_good(bobs):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT)
    with upload_parts().hold(Upload.objects.get().media_key) as half:
        half.finish(len(CONTENT), Proof())
    assert bobs.put(url, len(CONTENT), b"x").json()["code"] == "upload_offset"
    assert bobs.complete(url, CONTENT).status_code == 200
    assert Transcript.objects.count() == 1


def test_an_upload_of_a_team_that_was_deleted_meanwhile_is_gone_and_leaves_no_file(bobs, bob, team, media):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT)
    upload = Upload.objects.select_related("team").get()
    Team.objects.get(pk=team.pk).delete()
    with pytest.raises(uploading.Gone):
        uploading.finish(upload, Proof(sha256=sha256(CONTENT)))
    assert bobs.complete(url, CONTENT).status_code == 404
    assert not Transcript.objects.exists()


@async_db
def test_two_windows_that_send_the_same_file_never_mix_it(bob, team):
    sender = Sender(Client())
    sender.client.force_login(bob)
    content = recording(2, 1027)
    url = sender.begin(content).json()["url"]
    failures: list[object] = []

    def window() -> None:
        try:
            _send_on(url, content, bob)
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failures.append(error)
        finally:
            connection.close()

    windows = [threading.Thread(target=window) for _ in range(3)]
    for thread in windows:
        thread.start()
    for thread in windows:
        thread.join(120)
    assert failures == []
    row = Transcript.objects.get()
    path = recordings.path_of(row)
    assert path is not None
    assert path.read_bytes() == content


def _send_on(url: str, content: bytes, person: User) -> None:
    """As the page does: go on wherever the server stands, until it is all there."""
    sender, offset = Sender(Client()), 0
    sender.client.force_login(person)
    while offset < len(content):
        answer = sender.put(url, offset, content[offset : offset + 7000])
        assert answer.status_code in (200, 409), answer.content
        offset = answer.json()["offset"]
    done = sender.complete(url, content)
    assert done.status_code == 200, done.content


@async_db
def test_windows_that_send_different_files_under_one_upload_end_with_one_of_them_or_none(bob, team):
    sender = Sender(Client())
    sender.client.force_login(bob)
    one, other = recording(0.5, 1), recording(0.5, 2)
    url = sender.begin(one).json()["url"]
    sender.put(url, 0, one[:5000])
    assert sender.put(url, 0, other[:5000]).json()["code"] == "upload_differs"
    sender.put(url, 5000, other[5000:])
    assert sender.complete(url, one).json()["code"] == "upload_changed"
    assert not Transcript.objects.exists()


def test_a_body_that_the_network_cuts_every_while_is_written_once_and_arrives(bobs):
    """What a server sees of it: short parts, some of them twice because the answer was lost."""
    content = recording(4, 258)
    url, offset = bobs.begin(content).json()["url"], 0
    for number in range(10_000):
        if offset == len(content):
            break
        part = content[offset : offset + 997 * (1 + number % 7)]
        answer = bobs.put(url, offset, part)
        if number % 3 == 0:
            answer = bobs.put(url, offset, part)
        assert answer.status_code == 200
        offset = answer.json()["offset"]
    assert bobs.complete(url, content).json()["sha256"] == sha256(content)


def test_members_of_other_teams_have_bounds_of_their_own(bobs, settings, other_team):
    settings.STTWEB_UPLOAD_TEAM_BYTES = len(CONTENT)
    assert bobs.begin(CONTENT).status_code == 201
    client = Client()
    client.force_login(member("dora", other_team, Role.EDITOR))
    assert Sender(client).begin(CONTENT).status_code == 201
