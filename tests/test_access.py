"""The table of rights, cell by cell, and the gate that enforces it."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.conftest import member
from transcripts import access
from transcripts.access import Right
from transcripts.models import Role

#: What each role may do, as the product promises it.
TABLE = """
            see submit control edit comment review delete manage own
owner       x   x      x       x    x       x      x      x      x
manager     x   x      x       x    x       x      x      x      .
editor      x   x      x       x    x       .      .      .      .
reviewer    x   .      .       x    x       x      .      .      .
viewer      x   .      .       .    .       .      .      .      .
"""


def cells():
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return [
        (Role(role), Right(right), mark == "x")
        for role, *marks in rows
        for right, mark in zip(head, marks, strict=True)
    ]


def test_the_table_names_every_role_and_every_right():
    assert {(role, right) for role, right, _ in cells()} == {(role, right) for role in Role for right in Right}


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "right", "allowed"), cells())
def test_each_cell_is_enforced(team, make_transcript, role, right, allowed):
    person, transcript = member("pat", team, role), make_transcript()
    if allowed:
        assert access.get_transcript(person, transcript.pk, right) == transcript
        assert access.get_team(person, team.pk, right) == team
        return
    with pytest.raises(PermissionDenied):
        access.get_transcript(person, transcript.pk, right)
    with pytest.raises(PermissionDenied):
        access.get_team(person, team.pk, right)


@pytest.mark.parametrize("right", Right)
def test_for_a_member_of_another_team_nothing_exists(make_transcript, team, charlie, right):
    transcript = make_transcript()
    with pytest.raises(Http404):
        access.get_transcript(charlie, transcript.pk, right)
    with pytest.raises(Http404):
        access.get_team(charlie, team.pk, right)
    assert list(access.transcripts_of(charlie)) == []


def test_a_stranger_cannot_tell_a_foreign_transcript_from_none(make_transcript, charlie):
    said = []
    for key in (make_transcript().pk, uuid.uuid4()):
        with pytest.raises(Http404) as refused:
            access.get_transcript(charlie, key)
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_nobody_without_a_login_reaches_anything(make_transcript, team):
    nobody, transcript = AnonymousUser(), make_transcript()
    with pytest.raises(Http404):
        access.get_transcript(nobody, transcript.pk)
    with pytest.raises(Http404):
        access.get_team(nobody, team.pk)
    assert access.membership(nobody, team.pk) is None
    assert access.teams_of(nobody) == []
    assert not access.transcripts_of(nobody).exists()


def test_a_deactivated_person_is_nobody(make_transcript, team, alice):
    transcript = make_transcript()
    alice.is_active = False
    alice.save()
    with pytest.raises(Http404):
        access.get_transcript(alice, transcript.pk)
    assert access.teams_of(alice) == []
    assert not access.transcripts_of(alice).exists()


def test_a_right_that_is_taken_away_is_gone_at_once(make_transcript, team, bob):
    transcript = make_transcript()
    access.get_transcript(bob, transcript.pk, Right.EDIT)
    bob.memberships.update(role=Role.VIEWER)
    with pytest.raises(PermissionDenied):
        access.get_transcript(bob, transcript.pk, Right.EDIT)
    bob.memberships.all().delete()
    with pytest.raises(Http404):
        access.get_transcript(bob, transcript.pk)


def test_a_superuser_is_no_member_by_that(make_transcript, django_user_model):
    root = django_user_model.objects.create_superuser("root")
    with pytest.raises(Http404):
        access.get_transcript(root, make_transcript().pk)


def test_a_person_of_two_teams_sees_both_and_each_transcript_once(team, other_team, alice, make_transcript):
    alice.memberships.create(team=other_team, role=Role.VIEWER)
    here, there = make_transcript(), make_transcript(team=other_team)
    assert set(access.transcripts_of(alice)) == {here, there}
    assert access.transcripts_of(alice).count() == 2
    assert access.teams_of(alice) == [other_team, team]
    with pytest.raises(PermissionDenied):
        access.get_transcript(alice, there.pk, Right.EDIT)
