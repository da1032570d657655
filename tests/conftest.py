"""The cast that all tests share: Alice owns the team, Bob edits, Victor only looks, Charlie belongs to another team."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from channels.layers import channel_layers
from django.conf import settings
from django.contrib.auth.models import User

from tests.chromium import shared_chromium as shared_chromium
from transcripts import services
from transcripts.models import Membership, Role, SourceKind, Team, Transcript

#: For tests whose code under test touches the database from threads or coroutines: they need real commits.
async_db = pytest.mark.django_db(transaction=True)

# Machines are shared: how long one example took says nothing about the code.
hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

MakeTranscript = Callable[..., Transcript]


def member(name: str, team: Team, role: Role) -> User:
    """A person (without a password: tests use ``client.force_login``) with a role in a team."""
    user = User.objects.create_user(name, email=f"{name}@example.org", first_name=name.capitalize())
    Membership.objects.create(team=team, user=user, role=role)
    return user


@pytest.fixture(autouse=True, scope="session")
def _static_folder() -> None:
    """WhiteNoise warns about a missing folder, and warnings are errors."""
    Path(settings.STATIC_ROOT).mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def _fresh_channel_layer() -> Iterator[None]:
    """No test sees messages, groups or an event loop of another."""
    channel_layers.backends.clear()
    yield
    channel_layers.backends.clear()


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(name="Newsroom")


@pytest.fixture
def other_team(db: None) -> Team:
    return Team.objects.create(name="Competitors")


@pytest.fixture
def alice(team: Team) -> User:
    return member("alice", team, Role.OWNER)


@pytest.fixture
def bob(team: Team) -> User:
    return member("bob", team, Role.EDITOR)


@pytest.fixture
def victor(team: Team) -> User:
    return member("victor", team, Role.VIEWER)


@pytest.fixture
def charlie(other_team: Team) -> User:
    return member("charlie", other_team, Role.OWNER)


@pytest.fixture
def make_transcript(team: Team) -> MakeTranscript:
    """Make a queued transcript of the team: ``make_transcript(title=…, state=…)``; any field of the model goes."""

    def make(**fields: Any) -> Transcript:
        owner = fields.pop("team", team)
        submission = services.Submission(
            title=fields.pop("title", "Evening news"),
            kind=fields.pop("source_kind", SourceKind.URL),
            url=fields.pop("source_url", "https://media.example.org/evening.mp3"),
        )
        transcript = services.submit(owner, fields.pop("created_by", None), submission, wake=False)
        if fields:
            Transcript.objects.filter(pk=transcript.pk).update(**fields)
            transcript.refresh_from_db()
        return transcript

    return make


#: Folders with real servers and real waiting. They begin first, so that no process is left alone with one at the end.
LONG = ("scale", "faults", "e2e", "upkeep", "jobs", "engine", "realtime")
#: One file goes to one process as a whole, and this one takes six minutes.
LONGEST = "test_every_page.py"
#: The marks of what starts servers, browsers or the speech model.
HEAVY = ("browser", "services", "slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the random order of each, but put the longest file in front, then the long folders, then heavy files."""
    rank: dict[Path, int] = {}
    for item in items:
        rank[item.path] = min(_rank(item), rank.get(item.path, len(LONG) + 1))
    items.sort(key=lambda item: rank[item.path])


def _rank(item: pytest.Item) -> int:
    if item.path.name == LONGEST:
        return -1
    if item.path.parent.name in LONG:
        return LONG.index(item.path.parent.name)
    return len(LONG) if any(item.get_closest_marker(name) for name in HEAVY) else len(LONG) + 1
