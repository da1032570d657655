"""A request that is sent twice under one key makes one transcript."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from tests.api.conftest import ROOT, code_of
from tests.api.test_uploads import recording
from transcripts import services, submitting
from transcripts.models import SourceKind, SubmitKey, Team, Transcript

BODY = {"url": "https://media.example.org/evening-news.mp3"}
KEY = "night-run-17"


def send(program, body=BODY, key=KEY):
    return program.ask("post", "/transcripts", body, **{"Idempotency-Key": key})


def test_the_same_key_and_request_make_one_transcript(alices):
    first, second = send(alices), send(alices)
    assert [first.status_code, second.status_code] == [201, 201]
    assert first.json()["id"] == second.json()["id"]
    assert [one["Idempotency-Replayed"] for one in (first, second)] == ["false", "true"]
    assert Transcript.objects.count() == 1


def test_another_request_under_a_key_is_refused_and_makes_nothing(alices):
    send(alices)
    refused = send(alices, BODY | {"title": "Another"})
    assert (refused.status_code, code_of(refused)) == (409, "key_reused")
    assert Transcript.objects.count() == 1


def test_a_refused_request_leaves_its_key_free(alices, settings):
    assert code_of(send(alices, {"url": "http://127.0.0.1/x"})) == "bad_link"
    settings.STTWEB_USER_UNFINISHED = 1
    services.submit(*_owner(alices), services.Submission(title="x", kind=SourceKind.URL, url=BODY["url"]))
    assert code_of(send(alices)) == "too_many_unfinished"
    settings.STTWEB_USER_UNFINISHED = 0
    assert send(alices).status_code == 201
    assert SubmitKey.objects.count() == 1


def _owner(program) -> tuple[Team, User]:
    from transcripts import tokens

    held = tokens.find(program.token)
    return held.team, held.person


def test_keys_of_other_people_and_other_keys_are_others(alices, program, bob):
    made = {send(alices).json()["id"], send(program(bob)).json()["id"], send(alices, key="other").json()["id"]}
    assert len(made) == 3


def test_what_was_deleted_is_not_made_again_by_its_key(alices):
    alices.delete(f"/transcripts/{send(alices).json()['id']}")
    refused = send(alices)
    assert (refused.status_code, code_of(refused)) == (409, "key_deleted")


def test_a_recording_sent_twice_at_once_is_kept_once(alices, settings, tmp_path):
    settings.STTWEB_MEDIA_DIR, settings.STTWEB_SPOOL_DIR = tmp_path / "media", tmp_path / "spool"
    headers = {"Authorization": f"Bearer {alices.token}", "Idempotency-Key": KEY}
    sent = [
        alices._client.generic(
            "POST", f"{ROOT}/uploads/direct?name={name}.wav", recording(), "application/octet-stream", headers=headers
        )
        for name in ("a", "a", "b")
    ]
    assert [one.status_code for one in sent] == [201, 201, 409]
    assert sent[0].json()["id"] == sent[1].json()["id"]
    assert Transcript.objects.count() == 1
    assert len([path for path in (tmp_path / "media").rglob("*") if path.is_file()]) == 1


def test_keys_are_forgotten_after_a_day(alices):
    send(alices)
    assert submitting.forget_keys() == 0
    SubmitKey.objects.update(at=timezone.now() - timedelta(hours=25))
    assert submitting.forget_keys() == 1
    assert send(alices)["Idempotency-Replayed"] == "false"


def test_a_key_of_other_signs_is_refused(alices):
    assert code_of(send(alices, key="two words")) == "invalid_request"
