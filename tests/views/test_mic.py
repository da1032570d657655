"""The microphone's form: begins with what the team has decided, and keeps what was typed when something is wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest

from transcripts import engine_settings
from transcripts.models import AudioStream, Engine, LimitUnit, Transcript
from transcripts.models.usage import count_usage


@pytest.fixture
def editor(client, bob):
    client.force_login(bob)
    return client


@pytest.fixture
def decided(team, alice):
    engine_settings.set_defaults(
        team, alice, engine="embedded", language="en", preset="accurate", keyterms=["Moonshine", "Daphne"]
    )


def test_without_decisions_text_settles_while_it_is_spoken(editor, team):
    page = editor.get("/mic")
    assert page.context["form"]["preset"].value() == "live"
    assert 'value="live" checked' in page.content.decode()


def test_the_form_begins_with_what_the_team_has_decided(editor, decided):
    page = editor.get("/mic")
    form = page.context["form"]
    assert [form[name].value() for name in ("engine", "language", "preset")] == ["embedded", "English (en)", "accurate"]
    text = page.content.decode()
    assert 'value="accurate" checked' in text
    assert "Moonshine\nDaphne" in text
    assert 'name="pace"' not in text


def test_what_is_sent_counts_and_not_the_decision(editor, decided):
    answer = editor.post("/mic", {"title": "Talk", "engine": "embedded", "preset": "live", "keyterms": "Sttweb"})
    made = Transcript.objects.get()
    assert answer.url == f"/s/{made.pk}"
    assert (made.options["preset"], made.options["keyterms"]) == ("live", ["Sttweb"])
    assert AudioStream.objects.get().pk == made.pk


def test_a_mistake_keeps_what_was_typed_and_makes_nothing(editor, team):
    answer = editor.post("/mic", {"title": "Talk", "engine": "embedded", "language": "de", "preset": "live"})
    assert answer.status_code == 422
    assert 'value="Talk"' in answer.content.decode()
    assert "hears English only" in answer.content.decode()
    assert not Transcript.objects.exists()


def test_near_its_limit_the_team_is_warned_and_at_it_refused_with_the_next_step(editor, team, alice, settings):
    settings.ELEVENLABS_API_KEY = "sk_test"
    engine_settings.set_limit(team, alice, Decimal(1), LimitUnit.HOURS)
    count_usage(team.pk, Engine.ELEVENLABS, 48 * 60 * 16_000)
    assert "80 % of its monthly limit" in editor.get("/mic").content.decode()
    count_usage(team.pk, Engine.ELEVENLABS, 12 * 60 * 16_000)
    answer = editor.post("/mic", {"title": "Talk", "engine": "elevenlabs", "preset": "live"})
    assert answer.status_code == 422
    assert "ask an owner to raise the limit" in answer.content.decode()
    assert not Transcript.objects.exists()
