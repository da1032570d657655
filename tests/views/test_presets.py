"""Presets of a team: saved from the form, chosen there, deleted by who made them; and nobody else's business."""

from __future__ import annotations

import pytest

from transcripts import presetting
from transcripts.models import Engine, Membership, Role, TeamPreset, Transcript

pytestmark = pytest.mark.django_db

SHOWN = {"all_options": "1", "language": "en", "preset": "accurate", "keyterms": "Sibelius\nMill", "no_verbatim": "on"}


@pytest.fixture
def editor(client, bob):
    client.force_login(bob)
    return client


def preset_of(team, person, name="Council", **options) -> TeamPreset:
    return presetting.save(team, person, name, manages=False, engine=Engine.EMBEDDED, language="en", options=options)


def test_the_options_of_the_form_are_kept_and_fill_the_form_again(editor, bob, team):
    response = editor.post("/presets", {**SHOWN, "preset_name": " Council  meetings ", "links": "https://a.example/x"})
    made = TeamPreset.objects.get()
    assert (made.team, made.created_by, made.name, made.language) == (team, bob, "Council meetings", "en")
    assert response.url == f"/new?preset={made.pk}&links=https%3A%2F%2Fa.example%2Fx"
    form = editor.get(response.url).context["form"]
    assert form["keyterms"].value() == "Sibelius\nMill"
    assert form["language"].value() == "English (en)"
    assert form["preset"].value() == "accurate"
    assert form["links"].value() == "https://a.example/x"
    assert form["no_verbatim"].value() is True
    assert form["include_timestamps"].value() is False
    assert not Transcript.objects.exists()


def test_a_chosen_preset_makes_the_same_options_as_before(editor):
    editor.post("/presets", {**SHOWN, "preset_name": "Council"})
    saved = TeamPreset.objects.get()
    editor.post("/new", {**SHOWN, "links": "https://media.example.org/a.mp3"})
    assert Transcript.objects.get().options == saved.options


def test_a_script_gets_the_list_anew_with_what_happened(editor, team, bob):
    response = editor.post("/presets", {**SHOWN, "preset_name": "<b>"}, headers={"hx-request": "true"})
    html = response.content.decode()
    assert "<html" not in html
    assert "Saved as “&lt;b&gt;”" in html
    assert html.count('class="preset-name"') == 1


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"preset_name": "  "}, "Give it a name"),
        ({"preset_name": "x" * 61}, "at most 60"),
        ({"preset_name": "Council", "vad_threshold": "7"}, "Voice threshold: "),
        ({"preset_name": "Council", "language": "Klingonese"}, "Language: "),
    ],
)
def test_what_cannot_be_saved_is_said_and_nothing_is_made(editor, values, word):
    response = editor.post("/presets", {**SHOWN, **values}, headers={"hx-request": "true"})
    assert response.status_code == 200
    assert word in response.content.decode()
    assert not TeamPreset.objects.exists()


def test_ones_own_preset_is_replaced_and_that_of_others_is_not(editor, team, alice, bob):
    preset_of(team, bob, keyterms=["old"])
    editor.post("/presets", {**SHOWN, "preset_name": "Council"})
    assert TeamPreset.objects.get().options["keyterms"] == ["Sibelius", "Mill"]
    preset_of(team, alice, "Alice’s")
    response = editor.post("/presets", {**SHOWN, "preset_name": "Alice’s"}, headers={"hx-request": "true"})
    assert "Somebody else" in response.content.decode()
    assert TeamPreset.objects.get(name="Alice’s").options == {}


def test_who_made_it_deletes_it_and_a_manager_too(client, team, alice, bob, victor):
    Membership.objects.filter(team=team, user=victor).update(role=Role.EDITOR)
    preset = preset_of(team, bob)
    client.force_login(victor)
    client.post(f"/presets/{preset.pk}/delete")
    assert TeamPreset.objects.filter(pk=preset.pk).exists()
    for person in (bob, alice):
        preset = preset_of(team, bob)
        client.force_login(person)
        assert client.post(f"/presets/{preset.pk}/delete").status_code == 302
        assert not TeamPreset.objects.filter(pk=preset.pk).exists()


def test_presets_of_another_team_do_not_exist(client, team, bob, charlie):
    preset = preset_of(team, bob, "Secret")
    client.force_login(charlie)
    assert client.post(f"/presets/{preset.pk}/delete").status_code == 404
    response = client.get(f"/new?preset={preset.pk}")
    assert response.status_code == 200
    assert "Secret" not in response.content.decode()
    assert response.context["chosen"] is None


@pytest.mark.parametrize("key", ["x", "²", "-1", "9" * 30, ""])
def test_a_preset_that_is_no_number_is_none(editor, key):
    assert editor.get("/new", {"preset": key}).status_code == 200


def test_viewers_save_nothing(client, victor):
    client.force_login(victor)
    assert client.post("/presets", {**SHOWN, "preset_name": "x"}).status_code == 403
