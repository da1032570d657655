from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from sttweb.visiting import client_address, current_address, visitor
from transcripts import auditing
from transcripts.models import Act, AppendOnly, AuditEntry, Team
from transcripts.upkeep.erasing import pseudonym


def test_an_entry_says_who_did_what_to_what_and_from_where(alice: User, team: Team, rf: RequestFactory) -> None:
    def answer(_: object) -> AuditEntry:
        return auditing.record(Act.ROLE_CHANGED, actor=alice, team=team, target=alice, before="editor", after="owner")

    entry = visitor(answer)(rf.get("/", REMOTE_ADDR="192.0.2.7"))
    assert (entry.actor_id, entry.actor, entry.team_id) == (alice.pk, "alice", team.pk)
    assert (entry.target_kind, entry.target_id, entry.target) == ("user", str(alice.pk), "alice")
    assert (entry.address, entry.outcome, entry.label) == ("192.0.2.7", "ok", "Role changed")
    assert entry.details == {"before": "editor", "after": "owner"}
    assert current_address() is None


def test_what_stands_there_is_neither_changed_nor_deleted(alice: User) -> None:
    entry = auditing.record(Act.SIGNED_IN, actor=alice)
    entry.outcome = "never happened"
    for change in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(AppendOnly):
            change()
    with pytest.raises(AppendOnly):
        AuditEntry.objects.update(outcome="never happened")
    assert AuditEntry.objects.get().outcome == "ok"


def test_it_outlives_the_person_and_the_team(alice: User, team: Team) -> None:
    auditing.record(Act.TEAM_CREATED, actor=alice, team=team, target=team)
    auditing.record(Act.JOINED, actor="invitation", team=team, target=alice)
    number, key = alice.pk, team.pk
    team.delete()
    alice.delete()
    met, entry = AuditEntry.objects.all()
    assert (entry.actor, entry.actor_id, entry.team_id) == (pseudonym(number), None, key)
    assert (met.actor, met.target, met.target_id) == ("invitation", pseudonym(number), "")


def test_old_entries_expire_by_the_records_own_retention(alice: User) -> None:
    auditing.record(Act.SIGNED_IN, actor=alice)
    assert AuditEntry.objects.expire(timezone.now() - timedelta(days=1)) == 0
    assert AuditEntry.objects.expire(timezone.now() + timedelta(seconds=1)) == 1


def test_an_act_that_is_rolled_back_leaves_no_entry(alice: User) -> None:
    with transaction.atomic():
        auditing.record(Act.TEAM_CREATED, actor=alice)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("behind", "forwarded", "address"),
    [
        (False, "198.51.100.9", "192.0.2.7"),
        (True, "198.51.100.9", "198.51.100.9"),
        (True, "10.0.0.1, 198.51.100.9", "198.51.100.9"),
        (True, "198.51.100.9, nonsense", "192.0.2.7"),
        (True, "", "192.0.2.7"),
    ],
)
def test_only_what_our_own_proxy_wrote_is_believed(
    settings: Settings, behind: bool, forwarded: str, address: str
) -> None:
    settings.STTWEB_BEHIND_PROXY = behind
    assert client_address("192.0.2.7", forwarded) == address
    assert client_address("unix:", "") is None
