"""Every address there is, visited as nobody, as a stranger, as somebody who was a member, and as a viewer.

The addresses are read from the resolver and from the routes of the sockets, so a new one is visited without a word
here; one that names something new (a parameter that is not in ``Named``) fails until it is said what it names.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from tests.conftest import async_db, member
from transcripts import sharing
from transcripts.membership import inviting, members
from transcripts.models import (
    ApiToken,
    Comment,
    Delivery,
    Flag,
    FlagKind,
    Hit,
    Membership,
    Role,
    Tag,
    Team,
    TeamPreset,
    Transcript,
    Upload,
    Watchlist,
    Webhook,
)
from transcripts.routing import socket_urls
from transcripts.webhooks.signing import new_secret

#: Addresses that nobody needs an account for: doors, and what a token opens by itself.
OPEN = re.compile(
    r"(login|theme|readyz|metrics|c/.*|invitation/.*|account/.*|admin/.*|api/(v1/)?(openapi\.json|docs))$"
)
#: What names a team or one of its things in an address: the parameter.
OF_A_TEAM = re.compile(r"^(s|team|uploads|presets|alerts/lists)/.*<")
#: What a viewer may post to; everywhere else a post of theirs changes nothing.
VIEWER_POSTS = {"team", "team-leave", "team-tokens", "token-revoke"}
#: What a viewer may read.
VIEWER_READS = {
    *("session", "comments", "export", "export_dialog", "find", "facts", "captions", "activity", "audio", "waveform"),
    *("transcript-alerts", "standing", "team-members", "team-tokens"),
}


def patterns(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address as it is written in the routes, with its pattern."""
    for pattern in resolver.url_patterns:
        written = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, written)
        else:
            yield written, pattern


ROUTES = list(patterns(get_resolver()))


class Named(dict[str, Any]):
    """What the parameters of addresses name: rows of Alice's team, which all visitors try to reach."""

    def path(self, written: str) -> str:
        """An address with its parameters filled in. Fails for a parameter that is not named here."""
        plain = re.sub(r"\(\?P<(\w+)>(?:[^()\\]|\\.)*\)", r"<\1>", written.replace("^", "").replace("$", ""))
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(self[found[1]]), plain.replace(r"\.", "."))


@pytest.fixture
def named(team: Team, alice: User, bob: User, make_transcript: Any) -> Named:
    transcript: Transcript = make_transcript(state="failed", title="Untouched")
    transcript.segments.create(index=0, seq=2, start_ms=0, end_ms=900, text="one two three")
    rows: dict[str, Any] = {"transcript": transcript, "team": team, "user": bob, "object": transcript}
    rows["link"], _token = sharing.make_link(transcript, alice, 1, 0)
    rows["invitation"], _token = inviting.invite(team, alice, Role.EDITOR, 1)
    rows["upload"] = Upload.objects.create(
        team=team, created_by=bob, name="a.wav", size=9, media_key="aa/a", expires_at=timezone.now() + timedelta(1)
    )
    rows["flag"] = Flag.objects.create(transcript=transcript, kind=FlagKind.values[0], start_ms=0, end_ms=9)
    rows["comment"] = Comment.objects.create(transcript=transcript, text="Who is that?", by=alice, by_name="Alice")
    rows["preset"] = TeamPreset.objects.create(team=team, name="P", created_by=alice)
    rows["token"] = ApiToken.objects.create(team=team, person=alice, name="T", secret_hash="0" * 64)
    rows["hook"] = rows["webhook"] = Webhook.objects.create(
        team=team, url="http://127.0.0.1:9/", events=["webhook.test"], secret=new_secret()
    )
    rows["delivery"] = Delivery.objects.create(webhook=rows["hook"], event_id="m", kind="webhook.test", state="failed")
    rows["list"] = rows["watchlist"] = Watchlist.objects.create(team=team, name="City", terms=["mayor"])
    rows["tag"] = Tag.objects.create(team=team, name="Harbour")
    Hit.objects.create(watchlist=rows["list"], transcript=transcript, seq=2, segment=0, start_ms=0, term="one")
    words = {"name": "txt", "act": "approve", "token": "x" * 32, "key": "k", "uidb36": "1", "provider_id": "sso"}
    words |= {"app_label": "auth", "url": "nowhere", "path": "x"}
    numbers = {"index": 0, "pk": 1, "id": 1, "content_type_id": 1}
    return Named({f"{name}_id": row.pk for name, row in rows.items()} | words | numbers)


@pytest.fixture
def ex_member(team: Team, alice: User, other_team: Team) -> User:
    """Somebody who was a manager of the team and is now at the competitors."""
    person = member("exa", team, Role.MANAGER)
    members.remove(team, alice, person.pk)
    Membership.objects.create(team=other_team, user=person, role=Role.OWNER)
    return person


#: What a look alone may write: the record of sensitive acts, and what limits count.
COUNTED = {"AuditEntry", "TokenBucket", "Remembered"}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row of every model of ours, which a visitor who is refused must not have changed."""
    models = [model for model in apps.get_app_config("transcripts").get_models() if model.__name__ not in COUNTED]
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in models}


def visit(client: Client, path: str) -> tuple[int, int]:
    """The answers to reading and to posting."""
    return client.get(path).status_code, client.post(path, {}).status_code


def test_the_walk_sees_every_kind_of_address() -> None:
    written = [route for route, _ in ROUTES]
    for example in ("", "login", "s/<uuid:transcript_id>", "team/<uuid:team_id>/members", "readyz"):
        assert example in written
    assert any(route.startswith("api/v1/") for route in written)
    assert any(route.startswith("admin/") for route in written)
    assert any(route.startswith("account/2fa/") for route in written)


def test_nobody_gets_anywhere_but_to_the_doors(named: Named, team: Team, client: Client) -> None:
    before, wrong = everything(), {}
    for written, _ in ROUTES:
        answers = visit(client, named.path(written))
        if written == "readyz":  # no worker is there
            continue
        fine = {301, 302, 400, 401, 403, 404, 405, 422} | ({200} if OPEN.match(written) else set())
        if not fine.issuperset(answers):
            wrong[written] = answers
    assert wrong == {}
    assert everything() == before


@pytest.mark.parametrize("who", ["charlie", "ex_member"])
def test_for_strangers_and_former_members_nothing_of_the_team_exists(
    named: Named, team: Team, client: Client, who: str, request: pytest.FixtureRequest
) -> None:
    client.force_login(request.getfixturevalue(who))
    before, wrong = everything(), {}
    for written, _ in ROUTES:
        if not OF_A_TEAM.match(written):
            continue
        answers = visit(client, named.path(written))
        if not {404, 405}.issuperset(answers) or 404 not in answers:
            wrong[written] = answers
    assert wrong == {}
    assert everything() == before


def test_what_is_not_yours_looks_like_what_does_not_exist(named: Named, client: Client, charlie: User) -> None:
    client.force_login(charlie)
    ids = {name: 0 if isinstance(value, int) else uuid4() for name, value in named.items() if name.endswith("_id")}
    nothing = Named(named | ids)
    for written, _ in ROUTES:
        if OF_A_TEAM.match(written):
            real, none = (client.get(names.path(written)) for names in (named, nothing))
            assert real.status_code == none.status_code, written
            strip = [re.sub(rb'value="[\w-]+"', b"", page.content.replace(path.encode(), b"")) for page, path in
                     ((real, named.path(written)), (none, nothing.path(written)))]  # fmt: skip
            assert strip[0] == strip[1], written


def test_a_viewer_reads_what_they_may_and_changes_nothing(
    named: Named, team: Team, client: Client, victor: User
) -> None:
    client.force_login(victor)
    before, wrong = everything(), {}
    for written, pattern in ROUTES:
        if not OF_A_TEAM.match(written) or pattern.name in VIEWER_POSTS - VIEWER_READS:
            continue
        read = client.get(named.path(written)).status_code
        post = 403 if pattern.name in VIEWER_POSTS else client.post(named.path(written), {}).status_code
        may_read = pattern.name in VIEWER_READS
        # Nothing was kept to listen to: not there, for whoever may see.
        fine = {200, 404} if pattern.name in {"audio", "waveform"} else {200} if may_read else {403, 404, 405}
        if read not in fine or post not in {403, 404, 405}:
            wrong[written] = (read, post)
    assert wrong == {}
    assert everything() == before


@pytest.mark.parametrize("who", ["victor", "alice"])
def test_the_admin_is_for_staff_only(named: Named, client: Client, who: str, request: pytest.FixtureRequest) -> None:
    client.force_login(request.getfixturevalue(who))
    wrong = {}
    for written, _ in ROUTES:
        if written.startswith("admin/"):
            answers = visit(client, named.path(written))
            if not {301, 302, 403, 404, 405}.issuperset(answers):
                wrong[written] = answers
    assert wrong == {}


SOCKETS: Any = AuthMiddlewareStack(URLRouter(socket_urls))
#: Sockets that a viewer may open; those for which a token is enough, which here is a wrong one.
VIEWER_SOCKETS = {"ws/t/<uuid:transcript_id>/", "ws/board/<uuid:team_id>/"}
TOKEN_SOCKETS = {"ws/c/<str:token>/"}
#: Names no row: open to whoever may submit in a team of their own; tests/incoming/test_socket.py asks it for others'.
NEW_SOCKETS = {"ws/audio/"}


def cookies(person: User | None) -> bytes:
    client = Client()
    if person is not None:
        client.force_login(person)
    return "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()).encode()


async def knock(path: str, person: User | None) -> tuple[bool, int | str | None]:
    """Whether the socket opened, and the code with which it closed otherwise."""
    socket = WebsocketCommunicator(SOCKETS, path, headers=[(b"cookie", await asyncio.to_thread(cookies, person))])
    opened, code = await socket.connect(timeout=60)
    await socket.disconnect(timeout=60)
    return opened, None if opened else code


@async_db
async def test_every_socket_is_closed_to_nobody_strangers_and_former_members(
    named: Named, team: Team, victor: User, charlie: User, ex_member: User
) -> None:
    routes = [str(route.pattern) for route in socket_urls if str(route.pattern)]
    assert set(routes) >= VIEWER_SOCKETS | TOKEN_SOCKETS
    for written in routes:
        path = named.path(written)
        said = [await knock(path, person) for person in (None, charlie, ex_member, victor)]
        if written in TOKEN_SOCKETS:
            assert said == [(False, 4404)] * 4, written
        elif written in NEW_SOCKETS:
            assert said == [(False, 4401), (True, None), (True, None), (False, 4403)], written
        else:
            assert said[:3] == [(False, 4401), (False, 4404), (False, 4404)], written
            assert said[3] == (True, None) if written in VIEWER_SOCKETS else not said[3][0], written
