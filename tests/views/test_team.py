"""The settings of a team: who may, what is judged, and nothing is erased without being said before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from transcripts.models import Membership, Role, State, Team
from transcripts.upkeep import retention

pytestmark = pytest.mark.django_db
ROUTES = {"team-settings": "get", "team-keeping": "post"}
DAYS = {"keep_media_days": "30", "keep_text_days": "365", "keep_stream_sound": "on"}


def path_of(name: str, team: Team) -> str:
    return reverse(name, args=[team.pk])


def kept(team: Team) -> tuple[int | None, int | None, bool]:
    team.refresh_from_db()
    return team.keep_media_days, team.keep_text_days, team.keep_stream_sound


def finished(make_transcript, days: int, **fields):
    return make_transcript(state=State.COMPLETED, finished_at=timezone.now() - timedelta(days=days), **fields)


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("role", list(Role))
def test_only_owners_and_managers_reach_it(name, role, team, bob, client):
    Membership.objects.filter(user=bob).update(role=role)
    client.force_login(bob)
    answer = getattr(client, ROUTES[name])(path_of(name, team), DAYS)
    may = role in (Role.OWNER, Role.MANAGER)
    assert answer.status_code == ({"get": 200, "post": 302}[ROUTES[name]] if may else 403)
    assert kept(team) == ((30, 365, True) if may and name == "team-keeping" else (None, None, False))
    assert (reverse("team-settings", args=[team.pk]) in client.get("/").content.decode()) == may


@pytest.mark.parametrize("name", ROUTES)
def test_a_team_of_others_does_not_exist(name, team, charlie, client):
    assert getattr(client, ROUTES[name])(path_of(name, team), DAYS).status_code == 302
    client.force_login(charlie)
    assert getattr(client, ROUTES[name])(path_of(name, team), DAYS).status_code == 404
    assert kept(team) == (None, None, False)


@pytest.fixture
def owner(client: Client, alice) -> Client:
    client.force_login(alice)
    return client


def test_what_was_set_is_shown_and_can_be_taken_back(owner, team):
    owner.post(path_of("team-keeping", team), DAYS)
    shown = owner.get(path_of("team-settings", team)).content.decode()
    assert 'value="30"' in shown
    assert 'value="365"' in shown
    owner.post(path_of("team-keeping", team), {"keep_media_days": "", "keep_text_days": ""})
    assert kept(team) == (None, None, False)


@pytest.mark.parametrize("value", ["-1", "36501", "ten", "1e3", "9" * 400, "١٢x", "\x00"])
@pytest.mark.parametrize("field", ["keep_media_days", "keep_text_days"])
def test_nonsense_is_refused_where_it_was_typed(owner, team, field, value):
    answer = owner.post(path_of("team-keeping", team), {**DAYS, field: value})
    assert answer.status_code == 422
    assert answer.context["keeping"].errors.keys() == {field}
    assert kept(team) == (None, None, False)


def test_what_would_be_erased_at_once_is_said_before(owner, team, make_transcript, other_team):
    finished(make_transcript, 400)
    finished(make_transcript, 40, media_key="ab/0")
    finished(make_transcript, 40)
    finished(make_transcript, 5, media_key="ab/1")
    make_transcript(media_key="ab/2")
    finished(make_transcript, 900, team=other_team)
    answer = owner.post(path_of("team-keeping", team), DAYS)
    assert answer.status_code == 409
    said = answer.content.decode()
    assert "1 transcript with its recording" in said
    assert "the recording of 1 transcript" in said
    assert kept(team) == (None, None, False)
    assert owner.post(path_of("team-keeping", team), {**DAYS, "confirmed": "on"}).status_code == 302
    assert kept(team) == (30, 365, True)
    told = retention.Past(1, 1)
    assert [item.what.value for item in retention.due()].count("all") == told.transcripts
