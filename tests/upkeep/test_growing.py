"""A recording that a client still sends: erased with its transcript, in a backup as far as it came, spared by retention
while it grows and removed with what failed, whole after its writer was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from tests.conftest import async_db
from tests.upkeep.conftest import files_in
from transcripts import services
from transcripts.incoming import rows
from transcripts.incoming.beginning import Wanted, begin
from transcripts.jobs.source import media_store
from transcripts.media.appending import Appender
from transcripts.models import AudioStream, State, Transcript
from transcripts.upkeep import backup, erasing, retention

SOUND = b"growing sound " * 4000


def append(transcript: Transcript, data: bytes) -> None:
    writer = Appender(media_store().place(transcript.media_key))
    writer.append(data)
    writer.flush()
    writer.close()


@pytest.fixture
def growing(team, bob, folders) -> Transcript:
    transcript = begin(team, bob, Wanted(title="Minutes"))
    append(transcript, SOUND)
    return transcript


@async_db
def test_it_is_erased_with_its_transcript_also_while_it_is_written_to(growing, folders):
    writer = Appender(media_store().place(growing.media_key))
    Transcript.objects.filter(pk=growing.pk).update(state=State.CANCELLED, finished_at=timezone.now())
    growing.refresh_from_db()
    services.delete(growing)
    erasing.finish_pending()
    writer.append(b"after the end")  # into a file without a name
    writer.close()
    assert files_in(folders / "media") == set()
    assert not AudioStream.objects.exists()
    assert rows.beat(growing.pk, growing.pk) == "stream_ended"


@async_db
def test_retention_spares_it_while_it_grows_and_takes_it_with_what_failed(growing, team, folders):
    team.keep_media_days = team.keep_text_days = 7
    team.save()
    Transcript.objects.filter(pk=growing.pk).update(created_at=timezone.now() - timedelta(days=90))
    retention.prune()
    assert media_store().path_of(growing.media_key).read_bytes() == SOUND
    ended = {"state": State.FAILED, "finished_at": timezone.now() - timedelta(days=8)}
    Transcript.objects.filter(pk=growing.pk).update(**ended)
    retention.prune()
    erasing.finish_pending()
    assert files_in(folders / "media") == set()


@async_db
def test_a_backup_has_what_came_so_far(growing, tmp_path):
    backup.make(tmp_path / "backup.tar")
    append(growing, b"later")
    with tarfile.open(tmp_path / "backup.tar") as archive:
        member = next(one for one in archive if one.name.endswith(growing.media_key.rpartition("/")[2]))
        file = archive.extractfile(member)
        assert file is not None
        assert file.read() == SOUND


WRITER = """
import sys, time
from pathlib import Path
from transcripts.media.appending import Appender
writer, piece = Appender(Path(sys.argv[1])), bytes(range(256)) * 125
while True:
    writer.append(piece)
    print(writer.flush(), flush=True)
"""


def test_a_writer_that_is_killed_leaves_every_acknowledged_byte_and_no_lock(tmp_path):
    path = tmp_path / "sound"
    path.touch()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(40)]
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate()
    told = [*acknowledged, *(int(line) for line in rest.split("\n")[:-1])]
    again = Appender(path)
    assert again.size >= told[-1]
    whole = path.read_bytes()
    assert whole == (bytes(range(256)) * 125 * (len(whole) // 32_000 + 1))[: len(whole)]
    again.close()
