"""The audit record of a team: who may read it, what stands in it, and that its table runs nothing in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.conftest import MakeTranscript
from transcripts import auditing, services, sharing
from transcripts.models import Act, AuditEntry, Team
from transcripts.upkeep import retention
from transcripts.views import audit


def read(person: User, team: Team, query: str = "", name: str = "team-audit"):
    client = Client()
    client.force_login(person)
    return client.get(f"{reverse(name, args=[team.pk])}?{query}")


def whole(response) -> bytes:
    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return async_to_sync(collect)()


def table(response) -> list[list[str]]:
    text = whole(response).decode()
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("name", ["team-audit", "team-audit-csv"])
def test_owners_read_it_members_may_not_and_strangers_find_nothing(
    name: str, team: Team, alice: User, bob: User, victor: User, charlie: User
) -> None:
    answers = {person.username: read(person, team, name=name).status_code for person in (alice, bob, victor, charlie)}
    assert answers == {"alice": 200, "bob": 403, "victor": 403, "charlie": 404}


def test_filters_by_person_act_and_days_and_shows_nothing_of_other_teams(
    team: Team, other_team: Team, alice: User, bob: User
) -> None:
    for person, act, where, target in (
        (alice, Act.EXPORTED, team, "mine"),
        (bob, Act.DELETED, team, "gone"),
        (alice, Act.EXPORTED, other_team, "theirs"),
    ):
        auditing.record(act, actor=person, team=where, target=target)
    today = timezone.localdate()

    def shown(query: str) -> set[str]:
        return {entry.target for entry in read(alice, team, query).context["entries"]}

    assert shown("") == {"mine", "gone"}
    assert shown("who=ALI") == shown("act=exported") == {"mine"}
    assert shown(f"since={today}&until={today}") == {"mine", "gone"}
    assert shown(f"since={today + timedelta(days=1)}") == shown(f"until={today - timedelta(days=1)}") == set()
    for nonsense in (
        "act=nonsense",
        "since=2026-02-31",
        "since=9999-12-31",
        "before=x",
        f"before={'9' * 60}",
        "until=0001-01-01",
    ):
        assert shown(nonsense) == {"mine", "gone"}


def test_pages_follow_each_other_without_a_hole(team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE_ROWS", 3)
    for number in range(7):
        auditing.record(Act.EXPORTED, actor=alice, team=team, target=str(number))
    seen, query = [], ""
    while True:
        context = read(alice, team, query).context
        seen += [entry.target for entry in context["entries"]]
        if not context["older"]:
            break
        query = f"before={context['older']}"
    assert seen == list("6543210")


def test_the_table_is_whole_safe_for_spreadsheets_and_itself_recorded(
    team: Team, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CSV_ROWS", 2)
    for title in ("=HYPERLINK(1)", "plain", "+1", "@x", "-2"):
        auditing.record(Act.EXPORTED, actor=alice, team=team, target=title, format="srt")
    client = Client()
    client.force_login(alice)
    response = client.get(reverse("team-audit-csv", args=[team.pk]))
    heading, *rows = table(response)
    assert heading == list(audit.COLUMNS)
    assert [row[5] for row in rows] == ["Newsroom", "'-2", "'@x", "'+1", "plain", "'=HYPERLINK(1)"]
    assert rows[0][1:3] == ["alice", "exported"]
    assert rows[-1][8] == '{"format": "srt"}'


def test_what_people_do_to_transcripts_is_recorded(team: Team, alice: User, make_transcript: MakeTranscript) -> None:
    client = Client()
    client.force_login(alice)
    transcript = make_transcript(state="failed", title="Hearing")
    client.get(reverse("export", args=[transcript.pk, "srt"]))
    link, _ = sharing.make_link(transcript, alice, 2, 5)
    sharing.revoke(link, alice)
    services.set_keeping(team, 30, None, True, by=alice)
    services.set_keeping(team, 30, None, True, by=alice)
    pick = {"pick": str(transcript.pk)}
    whole(client.post(reverse("picked"), {**pick, "do": "export", "format": "txt"}))
    client.post(reverse("picked"), {**pick, "do": "retry"})
    client.post(reverse("picked"), {**pick, "do": "cancel"})
    client.post(reverse("picked"), {**pick, "do": "delete", "sure": "yes"})
    entries = AuditEntry.objects.filter(team_id=team.pk).order_by("id")
    assert [entry.act for entry in entries] == [
        "exported",
        "caption_link_made",
        "caption_link_revoked",
        "keeping_changed",
        "exported",
        "retried",
        "cancelled",
        "deleted",
    ]
    assert {entry.actor for entry in entries} == {"alice"}
    exported, made, _, keeping, zipped, *_ = entries
    assert (exported.target, exported.details) == ("Hearing", {"format": "srt"})
    assert made.details["hours"] == 2
    assert keeping.details["keep_media_days"] == [None, 30]
    assert zipped.details["number"] == 1


def test_old_entries_go_with_the_records_own_retention(team: Team, settings) -> None:
    now = timezone.now()
    for days in (1, 400):
        AuditEntry.objects.create(act=Act.EXPORTED, team_id=team.pk, at=now - timedelta(days=days))
    settings.STTWEB_AUDIT_DAYS = 0
    assert retention.expire_audit() == 0
    settings.STTWEB_AUDIT_DAYS = 365
    assert retention.expire_audit() == 1
    assert AuditEntry.objects.count() == 1
