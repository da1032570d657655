"""The table of rights, cell by cell, by every operation of the API; pages and sockets: tests/test_rights.py."""

# ruff: noqa: F811
from __future__ import annotations

import pytest
from django.db import transaction

from tests.api.conftest import Program
from tests.api.test_walk import IN_THREADS, ROUTES, ask, things, transcript, upload  # noqa: F401
from tests.conftest import member
from tests.test_walk import ex_member  # noqa: F401
from transcripts.access import RIGHTS, SCOPES, Right, Scope
from transcripts.models import Role

#: Somebody else's upload is not there for anybody.
ASKED = sorted(name for name, route in ROUTES.items() if name not in IN_THREADS and "{u}" not in route[1])
#: Operations whose right is not the one that their scope is named after; the comment to delete is somebody else's.
UNUSUAL = {"write_comment": Right.COMMENT, "settle_comment": Right.COMMENT, "delete_comment": Right.MANAGE}
#: Nothing was kept to hear.
SILENT = {"read_audio"}


def right_of(name: str) -> Right | None:
    """The right that an operation needs."""
    scope = ROUTES[name][3]
    if scope is None or name in UNUSUAL:
        return UNUSUAL.get(name)
    return Right.SEE if scope is Scope.READ else Right(scope.value)


def answer_of(program: Program, ask, name: str) -> tuple[int, str]:
    """Status and code; what the operation changed is taken back."""
    with transaction.atomic():
        response = ask(program, name)
        transaction.set_rollback(True)
    code = response.json()["error"]["code"] if response.status_code >= 400 else ""
    return response.status_code, code


def test_every_right_that_programs_can_have_is_asked_for() -> None:
    assert {right_of(name) for name in ASKED} - {None} == set().union(*SCOPES.values()) == set(Right) - {Right.OWN}


@pytest.mark.parametrize("who", Role)
def test_each_operation_answers_members_as_the_table_says(program, ask, team, alice, settings, who):
    settings.STTWEB_API_PER_MINUTE = settings.STTWEB_API_ADDRESS_PER_MINUTE = 0
    theirs, wrong = program(member("pat", team, who)), {}
    for name in ASKED:
        status, code = answer_of(theirs, ask, name)
        right = right_of(name)
        if right is not None and right not in RIGHTS[who]:
            fine = (status, code) == (403, "forbidden")
        else:
            fine = status == 404 if name in SILENT else status < 500 and status not in {401, 403, 404}
        if not fine:
            wrong[name] = (status, code)
    assert wrong == {}


def test_for_strangers_and_former_members_no_operation_finds_anything(
    program,
    ask,
    team,
    other_team,
    charlie,
    ex_member,
    settings,
):
    settings.STTWEB_API_PER_MINUTE = settings.STTWEB_API_ADDRESS_PER_MINUTE = 0
    stranger, former = program(charlie, within=other_team), program(ex_member, within=team)
    for name in ASKED:
        if "{" in ROUTES[name][1]:
            assert answer_of(stranger, ask, name) == (404, "not_found"), name
        assert answer_of(former, ask, name) == (401, "token_without_member"), name
