"""What people type into fields that no Django form judges: cleaned at the door, and never an error of ours."""

from __future__ import annotations

import pytest
from django.test import Client

from transcripts.models import Engine, Flag, Review, Segment, TeamPreset

pytestmark = pytest.mark.django_db
#: PostgreSQL takes no NUL at all.
DIRTY, CLEAN = "A\x00 na\x07me\n e\u0301 ", "A name \u00e9"


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def text(make_transcript):
    transcript = make_transcript(state="completed")
    Segment.objects.create(transcript=transcript, index=0, seq=1, start_ms=0, end_ms=900, text="One.", words=[])
    return transcript


def test_a_title(owner, text):
    owner.post(f"/s/{text.pk}/rename", {"title": DIRTY})
    text.refresh_from_db()
    assert text.title == CLEAN
    owner.post(f"/s/{text.pk}/rename", {"title": "\x00\x07"})
    text.refresh_from_db()
    assert text.title == CLEAN


def test_a_reason(owner, text):
    for act in ("send", "return"):
        owner.post(f"/s/{text.pk}/review/{act}", {"reason": DIRTY})
    assert Review.objects.get().reason == CLEAN


def test_a_speaker_and_a_note(owner, text):
    owner.post(f"/s/{text.pk}/segments/0/speaker", {"version": "0", "speaker": DIRTY})
    owner.post(f"/s/{text.pk}/flag/0", {"note": DIRTY})
    assert Segment.objects.get().speaker == CLEAN
    assert Flag.objects.get().details == {"note": CLEAN}


def test_the_name_of_a_preset(owner):
    owner.post("/presets", {"preset_name": DIRTY, "engine": Engine.EMBEDDED})
    assert TeamPreset.objects.get().name == CLEAN


def test_a_search_of_the_audit_record(owner, team):
    page = owner.get(f"/team/{team.pk}/audit", {"who": DIRTY})
    assert page.context["wanted"].who == CLEAN


@pytest.mark.parametrize("number", ["9" * 19, "9" * 5000, "0" * 40 + "9" * 5000], ids=len)
def test_numbers_that_no_row_has(owner, team, number):
    assert owner.post("/alerts/seen", {"hit": number}).status_code == 302
    assert owner.get(f"/team/{team.pk}/audit", {"before": number}).status_code == 200
    assert owner.post("/tags", {"tag": number, "do": "delete"}).status_code == 404


def test_pages_are_kept_by_no_proxy(owner, text):
    for path in ("/", "/library", f"/s/{text.pk}", f"/s/{text.pk}/facts", "/alerts", "/new"):
        assert owner.get(path)["Cache-Control"] == "private, no-cache", path
    assert "no-store" in owner.get(f"/s/{text.pk}/export/txt")["Cache-Control"]
    assert Client().get("/login")["Cache-Control"].startswith(("private", "max-age=0"))
