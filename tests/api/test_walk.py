"""Every route of the API for a stranger, a viewer, somebody who left, and tokens that are over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.forms import model_to_dict
from django.utils import timezone

from tests.api.conftest import Program, code_of
from transcripts import tokens
from transcripts.access import Scope
from transcripts.api.app import api
from transcripts.models import (
    ApiToken,
    Delivery,
    Event,
    Flag,
    Hit,
    Tag,
    TeamPreset,
    Transcript,
    Upload,
    Watchlist,
    Webhook,
)
from transcripts.webhooks.signing import new_secret

T = "/transcripts/{t}"
#: Operation -> (method, path, body, the scope that it needs).
ROUTES: dict[str, tuple[str, str, Any, Scope | None]] = {
    "whoami": ("get", "/whoami", None, None),
    "list_members": ("get", "/members", None, Scope.READ),
    "read_usage": ("get", "/usage", None, Scope.MANAGE),
    "read_defaults": ("get", "/defaults", None, Scope.READ),
    "change_defaults": ("patch", "/defaults", {"keyterms": ["Alva"]}, Scope.MANAGE),
    "list_presets": ("get", "/presets", None, Scope.READ),
    "save_preset": ("post", "/presets", {"name": "Council"}, Scope.SUBMIT),
    "delete_preset": ("delete", "/presets/{preset}", None, Scope.SUBMIT),
    "list_tags": ("get", "/tags", None, Scope.READ),
    "rename_tag": ("patch", "/tags/{tag}", {"name": "mine"}, Scope.MANAGE),
    "delete_tag": ("delete", "/tags/{tag}", None, Scope.MANAGE),
    "list_webhooks": ("get", "/webhooks", None, Scope.MANAGE),
    "make_webhook": ("post", "/webhooks", {"url": "https://h.example.org/", "events": ["alert.hit"]}, Scope.MANAGE),
    "read_webhook": ("get", "/webhooks/{hook}", None, Scope.MANAGE),
    "change_webhook": ("patch", "/webhooks/{hook}", {"is_enabled": False}, Scope.MANAGE),
    "delete_webhook": ("delete", "/webhooks/{hook}", None, Scope.MANAGE),
    "rotate_secret": ("post", "/webhooks/{hook}/secret", {}, Scope.MANAGE),
    "test_webhook": ("post", "/webhooks/{hook}/test", {}, Scope.MANAGE),
    "list_deliveries": ("get", "/webhooks/{hook}/deliveries", None, Scope.MANAGE),
    "resend_delivery": ("post", "/webhooks/{hook}/deliveries/{delivery}/resend", {}, Scope.MANAGE),
    "list_watchlists": ("get", "/watchlists", None, Scope.READ),
    "make_watchlist": ("post", "/watchlists", {"name": "Mine", "terms": ["mayor"]}, Scope.EDIT),
    "read_watchlist": ("get", "/watchlists/{list}", None, Scope.READ),
    "change_watchlist": ("patch", "/watchlists/{list}", {"name": "Mine"}, Scope.EDIT),
    "delete_watchlist": ("delete", "/watchlists/{list}", None, Scope.EDIT),
    "list_alerts": ("get", "/alerts", None, Scope.READ),
    "mark_seen": ("post", "/alerts/seen", {"ids": None}, Scope.EDIT),
    "read_queue": ("get", "/review", None, Scope.EDIT),
    "list_transcripts": ("get", "/transcripts", None, Scope.READ),
    "submit_link": ("post", "/transcripts", {"url": "https://media.example.org/a.mp3"}, Scope.SUBMIT),
    "read_transcript": ("get", T, None, Scope.READ),
    "change_transcript": ("patch", T, {"title": "Mine"}, Scope.EDIT),
    "delete_transcript": ("delete", T, None, Scope.DELETE),
    "stop_transcript": ("post", f"{T}/stop", {}, Scope.CONTROL),
    "pause_transcript": ("post", f"{T}/pause", {}, Scope.CONTROL),
    "cancel_transcript": ("post", f"{T}/cancel", {}, Scope.CONTROL),
    "commit_transcript": ("post", f"{T}/commit", {}, Scope.CONTROL),
    "retry_transcript": ("post", f"{T}/retry", {}, Scope.CONTROL),
    "continue_offline": ("post", f"{T}/offline", {}, Scope.CONTROL),
    "list_segments": ("get", f"{T}/segments", None, Scope.READ),
    "read_segment": ("get", f"{T}/segments/0", None, Scope.READ),
    "edit_segment": ("patch", f"{T}/segments/0", {"version": 0, "text": "x"}, Scope.EDIT),
    "split_segment": ("post", f"{T}/segments/0/split", {"version": 0, "at": 3}, Scope.EDIT),
    "merge_segment": ("post", f"{T}/segments/0/merge", {"version": 0, "next_version": 0}, Scope.EDIT),
    "restore_segment": ("post", f"{T}/segments/0/restore", {"version": 0, "wanted": 0}, Scope.EDIT),
    "list_versions": ("get", f"{T}/segments/0/history", None, Scope.EDIT),
    "list_flags": ("get", f"{T}/flags", None, Scope.READ),
    "raise_flag": ("post", f"{T}/flags", {"segment": 0}, Scope.EDIT),
    "answer_flag": ("patch", f"{T}/flags/{{flag}}", {"state": "resolved"}, Scope.EDIT),
    "rename_speaker": ("post", f"{T}/speakers", {"old": "", "new": "Ana"}, Scope.EDIT),
    "replace_text": ("post", f"{T}/replace", {"find": "one", "replacement": "x"}, Scope.EDIT),
    "list_events": ("get", f"{T}/events", None, Scope.READ),
    "stream_events": ("get", f"{T}/events/stream", None, Scope.READ),
    "read_review": ("get", f"{T}/review", None, Scope.READ),
    "decide": ("post", f"{T}/review", {"decision": "approve"}, Scope.REVIEW),
    "list_comments": ("get", f"{T}/comments", None, Scope.READ),
    "write_comment": ("post", f"{T}/comments", {"text": "Who?", "segment": 0}, Scope.EDIT),
    "change_comment": ("patch", f"{T}/comments/{{comment}}", {"resolved": True}, Scope.EDIT),
    "delete_comment": ("delete", f"{T}/comments/{{comment}}", None, Scope.EDIT),
    "export_transcript": ("get", f"{T}/export/txt", None, Scope.READ),
    "read_audio": ("get", f"{T}/audio", None, Scope.READ),
    "upload_at_once": ("post", "/uploads/direct?name=a.wav", {}, Scope.SUBMIT),
    "begin_upload": ("post", "/uploads", {"name": "a.wav", "size": 100}, Scope.SUBMIT),
    "list_uploads": ("get", "/uploads", None, Scope.SUBMIT),
    "read_upload": ("get", "/uploads/{u}", None, Scope.SUBMIT),
    "send_part": ("put", "/uploads/{u}?offset=0", {}, Scope.SUBMIT),
    "give_up_upload": ("delete", "/uploads/{u}", None, Scope.SUBMIT),
    "complete_upload": ("post", "/uploads/{u}/complete", {"sha256": "0" * 64}, Scope.SUBMIT),
}
OPERATIONS = sorted(ROUTES)
#: These read in threads of their own, which see committed rows only; test_events asks them.
IN_THREADS = {"list_events", "stream_events"}
WITH_ID = [name for name in OPERATIONS if "{" in ROUTES[name][1] and name not in IN_THREADS]
#: What a viewer may: everything that only reads.
READING = [name for name in OPERATIONS if ROUTES[name][3] in {Scope.READ, None}]


@pytest.fixture
def transcript(make_transcript) -> Transcript:
    made = make_transcript(state="completed", title="Untouched")
    made.segments.create(index=0, seq=2, start_ms=0, end_ms=900, text="one two")
    made.comments.create(text="Who is that?", by_name="Alice")
    return made


@pytest.fixture
def upload(team, alice) -> Upload:
    later = timezone.now() + timedelta(1)
    return Upload.objects.create(
        team=team, created_by=alice, name="a.wav", size=100, media_key=f"aa/{uuid4()}", expires_at=later
    )


@pytest.fixture(autouse=True)
def things(team, alice, transcript) -> dict[str, Any]:
    """One of each of what a team has beside transcripts: what exists and is refused is not merely unknown."""
    hook = Webhook.objects.create(team=team, url="http://127.0.0.1:9/", events=["alert.hit"], secret=new_secret())
    delivery = Delivery.objects.create(webhook=hook, event_id="msg_1", kind="alert.hit", state="failed")
    watched = Watchlist.objects.create(team=team, name="City", terms=["mayor"])
    hit = Hit.objects.create(watchlist=watched, transcript=transcript, seq=1, segment=0, start_ms=0, term="mayor")
    flag = Flag.objects.create(transcript=transcript, segment=0, kind="person", start_ms=0, end_ms=900)
    preset = TeamPreset.objects.create(team=team, name="News", created_by=alice)
    tag = Tag.objects.create(team=team, name="harbour")
    comment = transcript.comments.get()
    made = {
        "comment": comment,
        "hook": hook,
        "delivery": delivery,
        "list": watched,
        "hit": hit,
        "flag": flag,
        "preset": preset,
        "tag": tag,
    }
    return {name: (type(row), row.pk, model_to_dict(row)) for name, row in made.items()}


@pytest.fixture
def ask(transcript, upload, things) -> Callable[[Program, str], Any]:
    """``ask(program, operation)``: the answer to it."""

    def ask(program: Program, name: str) -> Any:
        method, path, body, _scope = ROUTES[name]
        headers = {"X-Part-SHA256": "0" * 64} if name == "send_part" else {}
        ids = {name: key for name, (_model, key, _values) in things.items()}
        return program.ask(method, path.format(t=transcript.pk, u=upload.pk, **ids), body, **headers)

    return ask


@pytest.fixture
def untouched(transcript, upload, things) -> Callable[[], None]:
    """``untouched()``: everything is as it was."""
    return lambda: _untouched(transcript, upload, things)


def _untouched(transcript: Transcript, upload: Upload, things: dict[str, Any]) -> None:
    for model, key, values in things.values():
        assert model_to_dict(model.objects.get(pk=key)) == values
        assert model.objects.count() == 1
    transcript.refresh_from_db()
    assert (transcript.title, transcript.state) == ("Untouched", "completed")
    assert Event.objects.filter(transcript=transcript).count() == 1
    assert Upload.objects.get() == upload
    assert Transcript.objects.count() == 1


def test_every_operation_has_its_place_in_these_tests():
    paths = api.get_openapi_schema(path_prefix="/api/v1/")["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert sorted(names) == OPERATIONS


@pytest.mark.parametrize("name", WITH_ID)
def test_a_stranger_finds_nothing(program, charlie, other_team, ask, untouched, name):
    response = ask(program(charlie, within=other_team), name)
    assert (response.status_code, code_of(response)) == (404, "not_found")
    untouched()


def test_nobody_and_ended_tokens_are_refused(program, alice, bob, ask, untouched, settings):
    settings.STTWEB_API_ADDRESS_PER_MINUTE = 0
    expired, revoked, left = program(alice), program(alice), program(bob)
    row = ApiToken.objects.filter(person=alice)
    row.filter(prefix=expired.token.partition(".")[0]).update(expires_at=timezone.now() - timedelta(1))
    tokens.revoke(row.get(prefix=revoked.token.partition(".")[0]), alice)
    bob.memberships.all().delete()
    wanted = [(401, code) for code in ("no_token", "token_expired", "token_revoked", "token_without_member")]
    for name in OPERATIONS:
        answers = [ask(one, name) for one in (Program(""), expired, revoked, left)]
        assert [(answer.status_code, code_of(answer)) for answer in answers] == wanted, name
    untouched()


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - set(READING)))
def test_a_viewer_changes_nothing(program, victor, ask, untouched, name):
    response = ask(program(victor), name)
    # An upload of somebody else does not exist for them.
    assert response.status_code == (404 if "{u}" in ROUTES[name][1] else 403)
    untouched()


@pytest.mark.parametrize("name", sorted(set(READING) - IN_THREADS))
def test_a_viewer_reads(program, victor, ask, name):
    response = ask(program(victor), name)
    assert response.status_code == (404 if name == "read_audio" else 200)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if ROUTES[name][3] and name not in IN_THREADS])
def test_a_token_without_the_scope_is_refused_whoever_holds_it(program, alice, ask, untouched, name):
    others = [scope for scope in Scope if scope != ROUTES[name][3]]
    response = ask(program(alice, *others), name)
    assert (response.status_code, code_of(response)) == (403, "forbidden")
    untouched()
