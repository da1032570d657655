"""Segments, events, workers, teams and memberships in the admin."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from transcripts.models import Event, Membership, Role, Segment, Team, Worker

ADMIN = "/admin/transcripts/"


@pytest.mark.parametrize("name", ["segment", "event"])
def test_rows_of_the_log_can_be_seen_and_neither_changed_nor_deleted(desk, speak, name):
    speak("The tide turned.")
    row = (Segment.objects if name == "segment" else Event.objects).latest("id")
    shown = desk.get(f"{ADMIN}{name}/{row.pk}/change/")
    assert b"The tide turned." in shown.content
    assert b'name="_save"' not in shown.content
    assert desk.post(f"{ADMIN}{name}/{row.pk}/change/", {"text": "x"}).status_code == 403
    assert desk.post(f"{ADMIN}{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert b"delete_selected" not in desk.get(f"{ADMIN}{name}/").content


def test_segments_are_narrowed_to_those_that_need_a_look(desk, speak):
    speak("sure", "unsure", "lost")
    Segment.objects.filter(text="sure").update(confidence=0.9)
    Segment.objects.filter(text="lost").update(confidence=None, unconfirmed=True)
    for choice, text in (("confidence", "unsure"), ("unconfirmed", "lost")):
        rows = desk.get(f"{ADMIN}segment/", {"look": choice}).context["cl"].result_list
        assert [row.text for row in rows] == [text]


def test_rows_of_one_transcript_are_listed_by_its_id(desk, speak):
    wanted, _ = speak("wanted"), speak("other")
    rows = desk.get(f"{ADMIN}segment/", {"transcript__id__exact": str(wanted.pk)}).context["cl"].result_list
    assert [row.text for row in rows] == ["wanted"]


@pytest.mark.parametrize("name", ["segment", "event", "membership"])
def test_lists_take_the_same_queries_however_many_rows(desk, speak, alice, bob, django_assert_num_queries, name):
    speak("one")
    with django_assert_num_queries(8, exact=False) as few:
        desk.get(f"{ADMIN}{name}/")
    for _ in range(5):
        speak("two", "three")
    with django_assert_num_queries(len(few)):
        desk.get(f"{ADMIN}{name}/")


def test_a_team_is_made_with_its_members_in_one_form(desk, alice):
    data = {
        "name": "Archive",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": str(alice.pk),
        "memberships-0-role": "owner",
    }
    assert desk.post(f"{ADMIN}team/add/", data).status_code == 302
    assert Membership.objects.get(team__name="Archive").role == Role.OWNER


def test_a_team_goes_only_when_its_transcripts_are_gone(desk, make_transcript):
    transcript = make_transcript()
    address = f"{ADMIN}team/{transcript.team_id}/delete/"
    assert desk.post(address, {"post": "yes"}).status_code == 403
    transcript.delete()
    assert desk.post(address, {"post": "yes"}).status_code == 302
    assert not Team.objects.exists()


def test_teams_are_not_deleted_by_the_dozen(desk, team):
    assert b"delete_selected" not in desk.get(f"{ADMIN}team/").content


def test_people_are_found_as_one_types(desk, alice, team):
    asked = {"app_label": "transcripts", "model_name": "membership", "field_name": "user", "term": "ali"}
    assert [one["text"] for one in desk.get("/admin/autocomplete/", asked).json()["results"]] == ["alice"]


def test_a_silent_worker_is_shown_as_gone_and_its_row_may_be_removed(desk):
    now = timezone.now()
    Worker.objects.create(name="alive", heartbeat_at=now, capacity=4)
    Worker.objects.create(name="silent", heartbeat_at=now - timedelta(minutes=5), capacity=4)
    content = desk.get(f"{ADMIN}worker/").content.decode()
    assert content.count("icon-yes") == content.count("icon-no") == 1
    assert desk.post(f"{ADMIN}worker/silent/delete/", {"post": "yes"}).status_code == 302
    assert list(Worker.objects.values_list("name", flat=True)) == ["alive"]
