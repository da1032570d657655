"""The microphone's form: begins with what the team has decided, and keeps what was typed when something is wrong."""

from __future__ import annotations

import pytest

from transcripts import engine_settings
from transcripts.models import AudioStream, Transcript


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
