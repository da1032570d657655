"""The table of rights, cell by cell, by the real requests that need each right: pages and sockets (the API:
tests/api/test_rights.py).

Every page of a team stands here under the right that it needs, and every right has pages: one that is new, or a right
that nothing asks for, fails until it is said.
"""

# ruff: noqa: F811
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.conftest import async_db, member
from tests.test_walk import NEW_SOCKETS, OF_A_TEAM, ROUTES, TOKEN_SOCKETS, Named, ex_member, knock, named  # noqa: F401
from transcripts import tagging
from transcripts.access import RIGHTS, Right
from transcripts.models import Role, SourceKind, State, Tagging, Team, Transcript
from transcripts.routing import socket_urls
from transcripts.views.picked import DEEDS

#: Everybody who asks, beside the roles.
OUTSIDE = ("ex_member", "charlie")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: the route's name, or a path below the transcript's; and what is posted, if it is no GET."""

    name: str
    posted: dict[str, Any] | None = None
    path: str = ""


def posts(name: str, path: str = "", /, **data: Any) -> Ask:
    return Ask(name, data, path)


VERSION = {"version": "0"}
NEW_HOOK = {"url": "https://hooks.example.org/x", "events": ["webhook.test"]}
#: What a page needs. Those of one route with several rights stand under each of them with what needs it.
PAGES: dict[Right, list[Ask]] = {
    Right.SEE: [
        *map(Ask, ("session", "export", "export_dialog", "facts", "captions", "activity", "audio", "waveform")),
        *map(Ask, ("transcript-alerts", "standing", "comments", "team-members", "team-tokens")),
        Ask("find", path="find?q=one"),
        posts("team"),
        posts("team-tokens", name="T", scopes=["read"], days="7"),
        posts("team-leave"),
        Ask("alerts"),
    ],
    Right.SUBMIT: [
        *map(Ask, ("new", "mic", "feed")),
        posts("sample"),
        posts("new", links="https://media.example.org/a.mp3"),
        posts("probe", link=""),
        posts("feed", link="nonsense"),
        posts("feed-take", at="nonsense"),
        posts("presets", preset_name="Council", engine="embedded"),
        posts("preset_delete"),
        posts("uploads"),
    ],
    Right.CONTROL: [
        *map(posts, ("stop", "pause", "cancel", "commit", "retry", "go_offline", "unshare")),
        Ask("share"),
        posts("share", days="1", delay="0"),
    ],
    Right.EDIT: [
        *map(Ask, ("desk", "review", "segment_history", "speakers", "watchlist", "watchlist-new")),
        posts("rename", title="Renamed"),
        posts("tag", put="harbour"),
        posts("speakers", old="", new="Ana"),
        posts("replace", find="one", replacement="two"),
        posts("flag", note="Look"),
        *(posts(f"flag_{word}") for word in ("resolve", "dismiss", "reopen")),
        posts("segment_lock", act="take"),
        posts("segment_edit", **VERSION, text="One two."),
        posts("segment_split", **VERSION, at="3"),
        posts("segment_merge", **VERSION, next_version="0"),
        posts("segment_restore", **VERSION, wanted="0"),
        posts("segment_speaker", **VERSION, speaker="Ana"),
        posts("segment_check", **VERSION),
        posts("alerts-seen"),
        posts("watchlist-new", name="Second", terms="harbour"),
        posts("watchlist", name="City", terms="mayor"),
        posts("watchlist-delete"),
        posts("decide", "review/send"),
    ],
    Right.COMMENT: [
        posts("comments", text="Who is that?", segment="0"),
        *(posts(f"comment_{word}") for word in ("resolve", "reopen")),
    ],
    Right.REVIEW: [posts("decide", f"review/{act}") for act in ("assign", "approve", "return", "reopen")],
    Right.DELETE: [posts("delete")],
    Right.MANAGE: [
        *map(Ask, ("team-settings", "team-audit", "team-audit-csv", "team-webhooks", "webhook")),
        posts("tags", tag="{tag_id}", do="rename", name="Port"),
        posts("comment_delete"),  # somebody else's
        posts("team-rename", name="Desk"),
        posts("team-keeping"),
        posts("team-defaults", engine="embedded"),
        posts("team-invite", role="viewer", days="1"),
        posts("invitation-revoke"),
        posts("member-role", role="viewer"),
        posts("member-remove"),
        posts("token-revoke"),
        posts("team-webhooks", **NEW_HOOK),
        posts("webhook", **NEW_HOOK),
        *map(posts, ("webhook-test", "webhook-rotate", "webhook-resend", "webhook-delete")),
    ],
    Right.OWN: [
        posts("team-key", key="sk_0123456789abcdef", host="", label=""),
        posts("team-key-test"),
        posts("team-key-remove"),
        posts("team-limit", limit="", limit_unit="hours"),
        posts("member-own"),
    ],
}
#: Pages of whoever is logged in, which show what is theirs and name nothing of a team.
EVERYBODYS = {"board", "library", "tags", "picked", "team-new", "roles", "theme", "language", "login", "logout"}
#: What a token opens by itself; what only its maker reaches (tests/views/test_uploads.py, test_comments.py).
BY_TOKEN, MAKERS = {"public_captions", "public_overlay", "invitation"}, {"upload", "upload_complete", "comment_edit"}
#: Within the team that one works in: strangers work in their own.
IN_MY_TEAM = {
    "new",
    "mic",
    "feed",
    "feed-take",
    "probe",
    "sample",
    "presets",
    "uploads",
    "review",
    "tags",
    "alerts",
} | {
    "alerts-seen",
    "watchlist-new",
}
#: Who has lesser rights sees less of the same thing, which looks like nothing there: another person's token.
HIDDEN = {"token-revoke"}
WRITTEN = {pattern.name: written for written, pattern in ROUTES}


def send(client: Client, names: Named, wanted: Ask) -> Any:
    """Make the request; what it changed is taken back."""
    written = WRITTEN[wanted.name]
    path = f"{names.path('s/<transcript_id>')}/{wanted.path}" if wanted.path else names.path(written)
    with transaction.atomic():
        if wanted.posted is None:
            answer = client.get(path)
        elif wanted.name == "uploads":
            body = json.dumps({"name": "a.wav", "size": 100})
            answer = client.post(path, body, content_type="application/json")
        else:
            posted = wanted.posted.items()
            answer = client.post(path, {key: one.format(**names) if type(one) is str else one for key, one in posted})
        transaction.set_rollback(True)
    return answer


def verdict(answer: HttpResponse) -> str:
    """``allowed``, ``403`` or ``404``; anything else stands for itself."""
    if answer.status_code in {403, 404}:
        return str(answer.status_code)
    if answer.status_code in {301, 302}:
        return f"to {answer['Location']}" if "/login" in answer["Location"] else "allowed"
    # Refused for another reason than the right: the request came as far as the verb.
    return "allowed" if answer.status_code in {200, 201, 204, 400, 409, 422, 423} else str(answer.status_code)


@pytest.fixture
def somebody(team: Team, alice: User, request: pytest.FixtureRequest) -> Callable[[str], User]:
    """``somebody("editor")`` is in the team with that role; the names of OUTSIDE are who they are."""

    def find(who: str) -> User:
        found = request.getfixturevalue(who) if who in OUTSIDE else member(f"the-{who}", team, Role(who))
        assert isinstance(found, User)
        return found

    return find


@pytest.fixture
def audible(named: Named) -> Named:
    """With a recording to listen to."""
    Transcript.objects.filter(pk=named["transcript_id"]).update(source_kind=SourceKind.SAMPLE)
    return named


def test_every_right_and_every_page_of_a_team_has_its_place_in_this_table() -> None:
    assert set(PAGES) == set(Right)
    assert all(PAGES.values())
    in_table = {wanted.name for asks in PAGES.values() for wanted in asks}
    ours = {pattern.name for written, pattern in ROUTES if not written.startswith(("admin/", "api/", "account/"))}
    assert ours - {"readyz", "metrics"} == in_table | EVERYBODYS | BY_TOKEN | MAKERS
    assert {name for name in in_table if not OF_A_TEAM.match(WRITTEN[name])} == IN_MY_TEAM


def expected(right: Right, who: str, name: str) -> str:
    """What the table says."""
    if who in OUTSIDE:
        return "404"
    if right in RIGHTS[Role(who)]:
        return "allowed"
    return "404" if name in HIDDEN else "403"


@pytest.mark.parametrize("who", [*Role, *OUTSIDE])
def test_each_page_answers_as_the_table_says(audible, client, somebody, who):
    person = somebody(who)
    wrong = {}
    for right, asks in PAGES.items():
        for wanted in asks:
            if who in OUTSIDE and wanted.name in IN_MY_TEAM:
                continue
            client.force_login(person)
            said, fine = verdict(send(client, audible, wanted)), expected(right, who, wanted.name)
            if said != fine:
                wrong[f"{right} {wanted}"] = (said, fine)
    assert wrong == {}


@pytest.mark.parametrize("who", Role)
def test_only_owners_make_owners(named, client, somebody, team, who):
    client.force_login(somebody(who))
    address = f"/team/{team.pk}/members/{named['user_id']}/role"
    answer = client.post(address, {"role": "owner"})
    assert (answer.status_code == 403) == (Right.MANAGE not in RIGHTS[Role(who)])
    owners = set(team.memberships.filter(role=Role.OWNER).values_list("user_id", flat=True))
    assert (named["user_id"] in owners) == (Right.OWN in RIGHTS[Role(who)])


def deeds_done(row: Transcript, answer: HttpResponse) -> dict[str, bool]:
    """Which of the deeds for several transcripts happened to this one."""
    now = Transcript.objects.filter(pk=row.pk).first()
    tagged = Tagging.objects.filter(transcript=row.pk).values_list("tag__name", flat=True)
    return {
        "tag": "new" in tagged,
        "untag": "old" not in tagged,
        "export": answer.headers["Content-Type"] == "application/zip",
        "retry": now is not None and now.state == State.QUEUED,
        "cancel": now is not None and now.state == State.CANCELLED,
        "forget": now is not None and not now.media_key,
        "delete": now is None,
    }


@pytest.mark.parametrize("who", [*Role, *OUTSIDE])
def test_what_is_done_to_several_at_once_is_done_by_right(make_transcript, client, somebody, who):
    row, person = make_transcript(state=State.FAILED, media_key="ab/none"), somebody(who)
    tagging.put([row], "old")
    client.force_login(person)
    wrong = {}
    for do, deed in DEEDS.items():
        Transcript.objects.update(state=State.WAITING if do == "cancel" else State.FAILED)
        data = {"do": do, "pick": [str(row.pk)], "tag": "old" if do == "untag" else "new"}
        with transaction.atomic():
            answer = client.post("/picked", data | {"format": "txt", "sure": "yes"})
            done = deeds_done(row, answer)[do]
            transaction.set_rollback(True)
        if done != (who not in OUTSIDE and deed.right in RIGHTS[Role(who)]):
            wrong[do] = done
    assert wrong == {}


# --- Sockets -----------------------------------------------------------------------------------------------------

#: Sockets by the right that they need.
SOCKETS: dict[Right, list[str]] = {
    Right.SEE: ["ws/t/<uuid:transcript_id>/", "ws/board/<uuid:team_id>/"],
    Right.SUBMIT: ["ws/audio/", "ws/audio/<uuid:transcript_id>/"],
}


def test_every_socket_has_its_place_in_this_table() -> None:
    routes = {str(route.pattern) for route in socket_urls if str(route.pattern)} - TOKEN_SOCKETS
    assert routes == {path for paths in SOCKETS.values() for path in paths}


@async_db
@pytest.mark.parametrize("right", SOCKETS)
async def test_each_socket_opens_as_the_table_says(named, somebody, right):
    rows = Transcript.objects.filter(pk=named["transcript_id"])
    wrong = {}
    for who in (*Role, *OUTSIDE):
        person = await sync_to_async(somebody)(who)
        if right == Right.SUBMIT:
            # Only who began a stream goes on with it.
            await rows.aupdate(source_kind=SourceKind.SOCKET, created_by=person, state=State.RUNNING)
        for path in SOCKETS[right]:
            said = await knock(named.path(path), person)
            if who in OUTSIDE:
                fine: tuple[bool, int | None] = (True, None) if path in NEW_SOCKETS else (False, 4404)
            else:
                fine = (True, None) if right in RIGHTS[Role(who)] else (False, 4403)
            if said != fine:
                wrong[f"{who} {path}"] = (said, fine)
    assert wrong == {}
