"""Staff hear the recording from the admin's page: nobody else does, and the team's record says so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from tests.admin.test_transcripts import url
from transcripts.models import Act, AuditEntry, Membership, Role, SourceKind, State


def heard() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(act=Act.HEARD_BY_STAFF).values_list("actor", "target"))


@pytest.fixture
def sounding(speak):
    return speak("Hello.", title="News", source_kind=SourceKind.SAMPLE, state=State.COMPLETED)


def test_staff_outside_of_the_team_hear_it_and_it_stands_once_on_record(desk, sounding):
    page = desk.get(url(sounding)).content.decode()
    address = f"/admin/listen/{sounding.pk}"
    assert f'src="{address}"' in page
    assert 'data-ms="0"' in page
    answer = desk.get(address, headers={"Range": "bytes=0-99"})
    assert (answer.status_code, answer["Content-Length"]) == (206, "100")
    answer = desk.get(address, headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer["Content-Length"]) == (206, "100")
    assert heard() == [("olga", "News")]
    entry = AuditEntry.objects.get(act=Act.HEARD_BY_STAFF)
    assert entry.team_id == sounding.team_id


def test_members_of_the_team_hear_it_without_an_entry(desk, operator, sounding, team):
    Membership.objects.create(team=team, user=operator, role=Role.VIEWER)
    assert desk.head(f"/admin/listen/{sounding.pk}").status_code == 200
    assert heard() == []


def test_nobody_but_staff_with_the_right_to_look_hears_it(client, sounding, alice, django_user_model):
    address = f"/admin/listen/{sounding.pk}"
    assert client.get(address).status_code == 302
    client.force_login(alice)
    assert client.get(address).status_code == 404
    reader = django_user_model.objects.create_user("rita", is_staff=True)
    client.force_login(reader)
    assert client.get(address).status_code == 404
    reader.user_permissions.add(Permission.objects.get(codename="view_transcript"))
    assert client.head(address).status_code == 200
    assert heard() == [("rita", "News")]
    reader.is_staff = False
    reader.save()
    assert client.get(address).status_code == 404


def test_where_nothing_was_kept_there_is_nothing_to_hear(desk, speak):
    silent = speak("Hello.", state=State.COMPLETED)
    assert "/admin/listen/" not in desk.get(url(silent)).content.decode()
    assert desk.get(f"/admin/listen/{silent.pk}").status_code == 404
