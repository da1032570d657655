"""What several processes decide together, on PostgreSQL, where transactions really run side by side."""

from __future__ import annotations

import pytest

from tests.scale.conftest import postgres  # noqa: F401 - a fixture
from tests.upkeep.installations import Installation

SHARED = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.core.cache import cache
from django.db import connection
together = Barrier(8)
def at_once(work):
    def run(number):
        together.wait(30)
        try:
            return work(number)
        finally:
            connection.close()
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(8)))
added = at_once(lambda number: cache.add("a", number, 60))
cache.set("n", 0, 60)
at_once(lambda number: [cache.incr("n") for _ in range(5)])
print(sum(added), added.index(True) == cache.get("a"), cache.get("n"))
"""
OWNERS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.contrib.auth.models import User
from django.db import connection, transaction
from transcripts.membership import staff
from transcripts.membership.errors import Refused
from transcripts.models import Membership, Role, Team
operator, together = User.objects.create_user("olga"), Barrier(2)
for number in range(10):
    team = Team.objects.create(name=f"Team {number}")
    owners = [User.objects.create_user(f"owner{number}{which}") for which in "ab"]
    for owner in owners:
        Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    def erase(owner):
        together.wait(30)
        try:
            with transaction.atomic():
                staff.let_go([owner], operator, str)
                owner.delete()
            return "gone"
        except Refused as refused:
            return refused.code
        finally:
            connection.close()
    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(erase, owners))
    assert said == ["gone", "last_owner"], said
    assert Membership.objects.filter(team=team, role=Role.OWNER).count() == 1
print("held")
"""

BOUNDS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from transcripts import services, sharing, submitting, tokens
from transcripts.access import Scope
from transcripts.models import ApiToken, CaptionLink, SourceKind, Team, Transcript
settings.STTWEB_USER_UNFINISHED, tokens.MOST_TOKENS, sharing.MOST_LINKS = 3, 3, 3
team, person = Team.objects.create(name="Bounds"), User.objects.create_user("busy")
link = services.Submission(title="T", kind=SourceKind.URL, url="https://media.example.org/a.mp3")
shown = services.submit(team, None, link, wake=False)
def made(work):
    together = Barrier(8)
    def run(number):
        together.wait(30)
        try:
            work()
        except (services.TooMany, tokens.TokenRefused, sharing.TooManyLinks):
            pass
        finally:
            connection.close()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
made(lambda: submitting.submit_all(team, person, [link]))
made(lambda: tokens.make(team, person, "n", [Scope.READ], 1))
made(lambda: sharing.make_link(shown, person, 1, 0))
print(Transcript.objects.filter(created_by=person).count(), ApiToken.objects.count(), CaptionLink.objects.count())
"""


@pytest.mark.services
@pytest.mark.timeout(300)
def test_limits_are_shared_and_owners_are_kept_by_transactions_side_by_side(postgres, tmp_path):  # noqa: F811
    product = Installation(tmp_path / "var", {"DATABASE_URL": postgres, "REDIS_URL": "redis://127.0.0.1:1/0"})
    product.manage("migrate", "--verbosity", "0")
    assert "1 True 40" in product.shell(SHARED).splitlines()
    assert "held" in product.shell(OWNERS).splitlines()
    assert "3 3 3" in product.shell(BOUNDS).splitlines()
