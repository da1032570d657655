"""Retention erases what its team no longer wants, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.conftest import async_db
from tests.upkeep.conftest import files_in
from transcripts import services
from transcripts.jobs.source import spool_dir
from transcripts.models import Erasure, SourceKind, State, Transcript, Why
from transcripts.upkeep import retention


def out_of(command, *arguments):
    said = StringIO()
    call_command(command, *arguments, stdout=said)
    return said.getvalue()


@pytest.fixture
def a_week(team):
    team.keep_text_days = 7
    team.save()
    return team


@async_db
def test_what_is_older_than_the_team_keeps_it_goes_and_the_rest_stays(keep, a_week, other_team, folders):
    old, young = keep("Old.", media=b"old", days=8), keep("Young.", media=b"young", days=6)
    foreign = keep("Foreign.", team=other_team, days=800)
    old_id = old.pk
    assert retention.prune() == 1
    assert set(Transcript.objects.values_list("pk", flat=True)) == {young.pk, foreign.pk}
    stone = Erasure.objects.get()
    assert (stone.transcript, stone.why, stone.team) == (old_id, Why.RETENTION, a_week.pk)
    assert files_in(folders / "media") == {young.media_key}
    assert retention.prune() == 0


@async_db
def test_what_would_go_at_once_counts_sound_that_is_only_kept_for_listening(keep, team):
    keep("A link, with its sound kept.", days=9, is_kept=True)
    keep("An upload.", media=b"sound", days=9)
    keep("Text alone.", days=9)
    assert retention.past(team.pk, 7, None) == (0, 2)
    assert retention.past(team.pk, 7, 7) == (3, 0)


@async_db
@pytest.mark.parametrize("state", [s for s in State if s not in {State.COMPLETED, State.FAILED, State.CANCELLED}])
def test_what_has_not_ended_is_left_alone(keep, a_week, state):
    row = keep("Long ago.", state=state, finished_at=None)
    if state == State.COMPLETED_WITH_GAPS:
        Transcript.objects.filter(pk=row.pk).update(finished_at=timezone.now() - timedelta(days=1))
    assert retention.prune() == 0
    assert Transcript.objects.filter(pk=row.pk).exists()


@async_db
def test_one_that_was_started_again_meanwhile_stays(keep, a_week):
    keep("Failed once.", state=State.FAILED, days=9)
    (item,) = retention.due()
    services.retry(Transcript.objects.get())
    assert not retention._erase(item.transcript)
    assert Transcript.objects.get().state == State.QUEUED
    assert not Erasure.objects.exists()


@async_db
def test_recordings_may_go_before_the_text(keep, team, folders):
    team.keep_media_days, team.keep_text_days = 2, 30
    team.save()
    row = keep("Text.", media=b"sound", days=3)
    link = keep("L.", source_kind=SourceKind.URL, spool=b"copy", state=State.FAILED, code="x", days=3)
    fresh = keep("Fresh.", media=b"sound", days=1)
    assert retention.prune() == 2
    row.refresh_from_db()
    assert (row.media_key, row.segments.count()) == ("", 1)
    assert not spool_dir(link.pk).exists()
    assert files_in(folders / "media") == {fresh.media_key}
    assert retention.prune() == 0


@async_db
def test_a_dry_run_says_what_would_go_and_changes_nothing(keep, a_week, folders):
    row = keep("Old.", media=b"old", days=8)
    said = out_of("prune", "--dry-run")
    assert str(row.pk) in said
    assert "Would be erased: 1." in said
    assert Transcript.objects.filter(pk=row.pk).exists()
    assert files_in(folders) == {f"media/{row.media_key}"}
    assert out_of("prune").startswith("Erased by retention: 1. Erasures finished: 1. Still open: 0.")


@async_db
def test_nothing_goes_while_no_team_has_asked_for_it(keep):
    keep("Old.", days=4000)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert retention.prune() == 0
    assert len(queries) == 1


@async_db
def test_a_round_erases_a_bounded_number_and_the_next_goes_on(keep, a_week):
    for _ in range(5):
        keep("Old.", days=8)
    assert [retention.prune(limit=2) for _ in range(4)] == [2, 2, 1, 0]
