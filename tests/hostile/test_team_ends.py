"""A team that is deleted while its people and its workers write (IDOR-015)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.http import Http404
from django.test import Client, RequestFactory

from tests.conftest import MakeTranscript, async_db
from tests.views.uploading import Sender, recording
from transcripts import services
from transcripts.admin.teams import TeamAdmin
from transcripts.membership.errors import Refused
from transcripts.models import EventKind, SourceKind, Team, Transcript, Upload
from transcripts.models.log import Entry, Fenced, append
from transcripts.uploading import beginning

pytestmark = async_db
CONTENT = recording(0.2, 513)


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Any) -> None:
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"


def strays(team: Team) -> dict[str, int]:
    """Rows that still point to the team or to what it had, by their model."""
    found = {}
    for model in apps.get_app_config("transcripts").get_models():
        for field in model._meta.concrete_fields:
            if field.is_relation and field.related_model is Team:
                found[model.__name__] = model._default_manager.filter(**{field.name: team.pk}).count()
    return {name: count for name, count in found.items() if count}


def hammer(work: Callable[[], None], until: threading.Event) -> threading.Thread:
    def run() -> None:
        try:
            while not until.is_set():
                work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_members_upload_and_workers_append_until_it_is_gone_and_nothing_is_left(
    team: Team, bob: User, make_transcript: MakeTranscript, ended: threading.Event
) -> None:
    transcript, answers, appended = make_transcript(), set[int](), []

    def upload() -> None:
        client = Client(raise_request_exception=True)
        client.force_login(bob)
        sender = Sender(client)
        begun = sender.begin(CONTENT)
        answers.add(begun.status_code)
        if begun.status_code == 201:
            answers.add(sender.put(begun.json()["url"], 0, CONTENT).status_code)
            answers.add(sender.complete(begun.json()["url"], CONTENT).status_code)

    def work() -> None:
        try:
            append(transcript.pk, [Entry(EventKind.NOTICE, {"message": "at work"})], when={})
            appended.append(1)
        except Fenced:
            ended.set()

    threads = [hammer(upload, ended), hammer(work, ended)]
    while not (appended and Upload.objects.exists()):
        pass
    team.delete()
    for thread in threads:
        thread.join(60)
    upload()
    assert strays(team) == {}
    assert not Transcript.objects.exists()
    call_command("check", database=["default"])
    connection.check_constraints()
    assert answers <= {200, 201, 302, 403, 404}, answers


def test_a_team_that_went_between_the_question_and_the_answer_does_not_exist(team: Team, bob: User) -> None:
    gone = Team.objects.get(pk=team.pk)
    team.delete()
    link = services.Submission(title="x", kind=SourceKind.URL, url="https://media.example.org/a.mp3")
    with pytest.raises(Http404):
        services.submit(gone, bob, link)
    with pytest.raises(Http404):
        beginning.begin(gone, bob, beginning.Announced("a.wav", 1000))
    assert not Transcript.objects.exists()
    assert not Upload.objects.exists()


def test_the_admin_refuses_a_team_that_got_a_transcript_while_it_asked(
    team: Team, make_transcript: MakeTranscript, rf: RequestFactory
) -> None:
    request = rf.post("/")
    request.user = User.objects.create_superuser("olga")
    make_transcript()  # between the page's last look and the deletion
    with pytest.raises(Refused, match="The team has transcripts"):
        TeamAdmin(Team, admin.site).delete_model(request, team)
    Transcript.objects.all().delete()
    TeamAdmin(Team, admin.site).delete_model(request, team)
    assert not Team.objects.filter(pk=team.pk).exists()
