"""Who reaches what: every route for a stranger, for nobody, and for members whose role is not enough."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import get_resolver

from transcripts import urls
from transcripts.models import Transcript

#: What may be done to a segment.
ANSWERS = ("resolve", "dismiss", "reopen")
COMMENT_VERBS = ("edit", "resolve", "reopen", "delete")
SEGMENT_VERBS = ("edit", "split", "merge", "restore", "speaker", "check")
#: Route name -> method, for every route of the app that names a transcript.
TRANSCRIPT_ROUTES = {
    "session": "get",
    "export": "get",
    "audio": "get",
    "waveform": "get",
    "find": "get",
    "facts": "get",
    "captions": "get",
    "activity": "get",
    "transcript-alerts": "get",
    "share": "get",
    "unshare": "post",
    "stop": "post",
    "pause": "post",
    "cancel": "post",
    "commit": "post",
    "retry": "post",
    "go_offline": "post",
    "export_dialog": "get",
    "rename": "post",
    "tag": "post",
    "delete": "post",
    "desk": "get",
    "standing": "get",
    "decide": "post",
    "speakers": "get",
    "replace": "get",
    "flag": "post",
    **{f"flag_{word}": "post" for word in ANSWERS},
    "comments": "get",
    **{f"comment_{word}": "post" for word in COMMENT_VERBS},
    "segment_lock": "post",
    "segment_history": "get",
    **{f"segment_{verb}": "post" for verb in SEGMENT_VERBS},
}
#: Routes without an id, and how somebody who is not logged in is met.
OTHER_ROUTES = {
    "board": ("get", 302),
    "new": ("get", 302),
    "sample": ("post", 302),
    "mic": ("get", 302),
    "presets": ("post", 302),
    "probe": ("post", 302),
    "feed": ("get", 302),
    "feed-take": ("post", 302),
    "library": ("get", 302),
    "picked": ("post", 302),
    "review": ("get", 302),
    "tags": ("get", 302),
    "alerts": ("get", 302),
    "alerts-seen": ("post", 302),
    "watchlist-new": ("get", 302),
    "team-new": ("get", 302),
    "roles": ("get", 302),
    "theme": ("post", 302),
    "language": ("post", 302),
    "login": ("get", 200),
    "logout": ("post", 302),
}
#: Routes that name a team, and how.
TEAM_ROUTES = {
    "team": "post",
    "team-settings": "get",
    "team-keeping": "post",
    "team-key": "post",
    "team-key-remove": "post",
    "team-key-test": "post",
    "team-defaults": "post",
    "team-limit": "post",
    "team-rename": "post",
    "team-members": "get",
    "member-role": "post",
    "member-remove": "post",
    "member-own": "post",
    "team-leave": "post",
    "team-webhooks": "get",
    "webhook": "get",
    "webhook-test": "post",
    "webhook-rotate": "post",
    "webhook-delete": "post",
    "webhook-resend": "post",
    "team-invite": "post",
    "invitation-revoke": "post",
}
#: Open to whoever has the token; see test_caption_links and test_members.
PUBLIC_ROUTES = {"public_captions", "public_overlay", "invitation"}
#: Uploads answer scripts; tests/views/test_uploads.py asks them for strangers, for nobody and for every role.
UPLOAD_ROUTES = {"uploads", "upload", "upload_complete"}
#: Programs have tokens; see test_token_page.
TOKEN_ROUTES = {"team-tokens", "token-revoke"}
#: The record of a team's sensitive acts; see test_audit.
AUDIT_ROUTES = {"team-audit", "team-audit-csv"}
#: Of the team that one works in; see test_presets.
PRESET_ROUTES = {"preset_delete"}
#: Of the team that one works in as well; see test_alerts.
ALERT_ROUTES = {"watchlist", "watchlist-delete"}
#: What a role without the right gets from each route: the page is there, the right is not.
#: Of the editor; those that are asked for by GET refuse there as well (test_segments).
WRITING = {name for name in TRANSCRIPT_ROUTES if name.startswith(("segment_", "flag", "comment"))} - {"segment_history"}
WRITING |= {"decide", "speakers", "replace"}
CONTROL = {"stop", "pause", "cancel", "commit", "retry", "go_offline"}


def path_of(name: str, transcript: Transcript) -> str:
    unusual = {
        "session": "",
        "export": "/export/txt",
        "export_dialog": "/export",
        "go_offline": "/offline",
        "transcript-alerts": "/alerts",
        "unshare": f"/share/{uuid4()}/revoke",
        "desk": "/review",
        "decide": "/review/approve",
        "flag": "/flag/0",
        **{f"flag_{word}": f"/flags/1/{word}" for word in ANSWERS},
        **{f"comment_{word}": f"/comments/1/{word}" for word in COMMENT_VERBS},
        **{f"segment_{verb}": f"/segments/0/{verb}" for verb in (*SEGMENT_VERBS, "lock", "history")},
    }
    return f"/s/{transcript.pk}{unusual.get(name, f'/{name}')}"


def test_every_route_has_its_place_in_these_tests():
    names = {pattern.name for pattern in urls.urlpatterns} - AUDIT_ROUTES
    assert (
        names - UPLOAD_ROUTES - PRESET_ROUTES - TOKEN_ROUTES - ALERT_ROUTES
        == TRANSCRIPT_ROUTES.keys() | OTHER_ROUTES.keys() | PUBLIC_ROUTES | TEAM_ROUTES.keys()
    )
    assert get_resolver().reverse_dict.getlist("session")


@pytest.mark.parametrize("name", TRANSCRIPT_ROUTES)
def test_a_stranger_sees_404(client, charlie, make_transcript, name):
    transcript = make_transcript(state="completed")
    client.force_login(charlie)
    assert getattr(client, TRANSCRIPT_ROUTES[name])(path_of(name, transcript)).status_code == 404
    transcript.refresh_from_db()
    assert transcript.state == "completed"


@pytest.mark.parametrize("name", TRANSCRIPT_ROUTES)
def test_nobody_is_asked_to_log_in(client, make_transcript, name):
    transcript = make_transcript()
    response = getattr(client, TRANSCRIPT_ROUTES[name])(path_of(name, transcript))
    assert response.status_code == 302
    assert response.url.startswith("/login?")


@pytest.mark.parametrize("name", OTHER_ROUTES)
def test_pages_without_an_id_are_closed_as_well(client, db, name):
    method, status = OTHER_ROUTES[name]
    path = {
        "board": "/",
        "feed-take": "/feed/take",
        "team-new": "/teams/new",
        "alerts-seen": "/alerts/seen",
        "watchlist-new": "/alerts/new",
    }.get(name, f"/{name}")
    assert getattr(client, method)(path).status_code == status


@pytest.mark.parametrize("name", sorted(CONTROL | WRITING | {"rename", "delete", "share", "unshare", "tag"}))
def test_a_viewer_may_look_and_nothing_else(client, victor, make_transcript, name):
    transcript = make_transcript(state="failed", title="Untouched")
    client.force_login(victor)
    assert client.post(path_of(name, transcript)).status_code == 403
    transcript.refresh_from_db()
    assert (transcript.state, transcript.title) == ("failed", "Untouched")
    page = client.get(path_of("session", transcript))
    assert page.status_code == 200
    assert b"/retry" not in page.content


def test_a_viewer_cannot_submit(client, victor):
    client.force_login(victor)
    assert client.get("/new").status_code == 403
    assert client.post("/new", {"links": "https://media.example.org/a.mp3"}).status_code == 403
    assert client.post("/sample").status_code == 403
    assert not Transcript.objects.exists()


def test_an_editor_controls_but_does_not_delete(client, bob, make_transcript):
    transcript = make_transcript(state="failed")
    client.force_login(bob)
    assert client.post(path_of("delete", transcript)).status_code == 403
    assert client.post(path_of("retry", transcript)).status_code == 302
    transcript.refresh_from_db()
    assert transcript.state == "queued"


def test_the_board_and_the_library_show_the_own_team_only(client, charlie, make_transcript):
    make_transcript(title="Not for Charlie")
    client.force_login(charlie)
    for path in ("/", "/library", "/library?q=Not+for"):
        assert b"Not for Charlie" not in client.get(path).content


def test_a_stranger_cannot_work_in_a_team(client, charlie, team):
    client.force_login(charlie)
    assert client.post(f"/team/{team.pk}").status_code == 404
    assert "team" not in client.session


def test_a_right_that_was_taken_away_is_gone_at_once(client, bob, team, make_transcript):
    transcript = make_transcript()
    client.force_login(bob)
    assert client.get(path_of("session", transcript)).status_code == 200
    bob.memberships.all().delete()
    assert client.get(path_of("session", transcript)).status_code == 404
    assert "no team" in client.get("/").content.decode()


def test_controls_refuse_to_be_links(client, alice, make_transcript):
    transcript = make_transcript()
    client.force_login(alice)
    for name in CONTROL | {"rename", "delete"}:
        assert client.get(path_of(name, transcript)).status_code == 405


def test_forms_of_other_sites_are_refused(alice, make_transcript):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    transcript = make_transcript()
    assert client.post(path_of("cancel", transcript)).status_code == 403
    assert client.post("/new", {"links": "https://media.example.org/a.mp3"}).status_code == 403
    assert client.post("/sample").status_code == 403
    assert Transcript.objects.get().state == "queued"
