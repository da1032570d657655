"""What a team has decided, by the API: defaults, presets, tags, people, usage."""

from __future__ import annotations

from decimal import Decimal

from tests.api.conftest import code_of
from transcripts import engine_settings, tagging
from transcripts.access import Scope
from transcripts.models import Act, AuditEntry, Engine, LimitUnit, Tag, TeamPreset, Transcript, count_usage

URL = "https://media.example.org/evening-news.mp3"


def test_a_transcript_begins_with_what_the_team_has_decided(alices, alice, team):
    engine_settings.set_defaults(team, alice, engine="", language="en", preset="accurate", keyterms=["Alva", "Brno"])
    made = Transcript.objects.get(pk=alices.post("/transcripts", {"url": URL}).json()["id"])
    assert (made.language, made.preset, made.options["keyterms"]) == ("en", "accurate", ["Alva", "Brno"])
    named = alices.post("/transcripts", {"url": URL, "preset": "live", "options": {"keyterms": []}}).json()
    made = Transcript.objects.get(pk=named["id"])
    assert (made.language, made.preset, made.options.get("keyterms", [])) == ("en", "live", [])


def test_an_own_key_of_the_team_opens_the_hosted_engine_and_its_limit_closes_it(alices, alice, team):
    body = {"url": URL, "engine": "elevenlabs"}
    assert code_of(alices.post("/transcripts", body)) == "bad_options"
    engine_settings.set_key(team, alice, key="sk_0123456789", base_url="https://api.elevenlabs.io", label="")
    assert alices.post("/transcripts", body).status_code == 201
    engine_settings.set_limit(team, alice, Decimal(1), LimitUnit.HOURS)
    count_usage(team.pk, Engine.ELEVENLABS, 16_000 * 3600)
    for path, sent in (("/transcripts", body), ("/uploads", {"name": "a.wav", "size": 9, "engine": "elevenlabs"})):
        refused = alices.post(path, sent)
        assert (refused.status_code, code_of(refused)) == (409, "limit_reached")
    assert alices.post("/transcripts", {"url": URL}).status_code == 201
    usage = alices.get("/usage").json()
    assert (usage["used"], usage["limit"], usage["unit"], usage["level"]) == (1.0, 1.0, "hours", "reached")
    assert usage["months"][0]["hosted_hours"] == 1.0


def test_the_vocabulary_is_changed_by_those_who_manage_and_kept_in_the_record(alices):
    assert alices.get("/defaults").json() == {"engine": "", "language": "", "preset": "", "keyterms": []}
    changed = alices.patch("/defaults", {"keyterms": ["Alva", "Alva", "New\nQuay"], "language": "en"}).json()
    assert changed == {"engine": "", "language": "en", "preset": "", "keyterms": ["Alva", "New Quay"]}
    assert alices.patch("/defaults", {"preset": "live"}).json()["keyterms"] == ["Alva", "New Quay"]
    assert AuditEntry.objects.filter(act=Act.TEAM_CHANGED, target="engine defaults").count() == 2
    refused = alices.patch("/defaults", {"keyterms": ["x" * 60]})
    assert (refused.status_code, code_of(refused)) == (409, "bad_defaults")
    assert "keyterms" in refused.json()["error"]["fields"]


def test_a_manager_s_token_without_the_scope_touches_no_preset_of_somebody_else(program, alice, bob):
    program(bob).post("/presets", {"name": "Council"})
    theirs = TeamPreset.objects.get().pk
    alices = program(alice, Scope.SUBMIT)
    assert code_of(alices.post("/presets", {"name": "Council"})) == "preset_taken"
    assert code_of(alices.delete(f"/presets/{theirs}")) == "preset_of_another"
    assert program(alice, Scope.SUBMIT, Scope.MANAGE).delete(f"/presets/{theirs}").status_code == 204


def test_presets_are_saved_replaced_and_deleted_by_whoever_may(program, alices, bob, alice):
    bobs = program(bob)
    made = bobs.post("/presets", {"name": " Council  hall ", "preset": "live", "options": {"keyterms": ["Alva"]}})
    assert made.status_code == 201
    assert (made.json()["name"], made.json()["options"]["keyterms"]) == ("Council hall", ["Alva"])
    alices.post("/presets", {"name": "News"})
    assert code_of(bobs.post("/presets", {"name": "News"})) == "preset_taken"
    theirs = TeamPreset.objects.get(name="News").pk
    assert code_of(bobs.delete(f"/presets/{theirs}")) == "preset_of_another"
    again = bobs.post("/presets", {"name": "Council hall", "preset": "accurate"}).json()
    assert (again["id"], again["options"]["preset"]) == (made.json()["id"], "accurate")
    assert bobs.delete(f"/presets/{made.json()['id']}").status_code == 204
    assert [one["name"] for one in alices.get("/presets").json()["items"]] == ["News"]
    assert code_of(alices.post("/presets", {"name": "  "})) == "preset_name"


def test_tags_are_listed_renamed_merged_and_deleted(alices, make_transcript):
    one, two = make_transcript(), make_transcript()
    tagging.put([one, two], "harbour")
    tagging.put([one], "quay")
    listed = {tag["name"]: tag for tag in alices.get("/tags").json()["items"]}
    assert {name: tag["transcripts"] for name, tag in listed.items()} == {"harbour": 2, "quay": 1}
    renamed = alices.patch(f"/tags/{listed['quay']['id']}", {"name": "new quay"}).json()
    assert renamed == {"id": listed["quay"]["id"], "name": "new quay", "transcripts": 1}
    merged = alices.patch(f"/tags/{listed['quay']['id']}", {"name": "Harbour"}).json()
    assert merged == {"id": listed["harbour"]["id"], "name": "harbour", "transcripts": 2}
    assert alices.delete(f"/tags/{listed['harbour']['id']}").status_code == 204
    assert not Tag.objects.exists()


def test_people_are_listed_so_that_a_review_can_be_assigned(alices, alice, bob, victor, make_transcript):
    people = {one["name"]: one for one in alices.get("/members").json()["items"]}
    assert {name: (one["role"], one["may_review"]) for name, one in people.items()} == {
        "Alice": ("owner", True), "Bob": ("editor", False), "Victor": ("viewer", False)
    }  # fmt: skip
    path = f"/transcripts/{make_transcript(state='completed', title='News').pk}/review"
    alices.post(path, {"decision": "send"})
    body = {"decision": "assign", "assignee": people["Alice"]["id"], "due_on": "2026-12-01"}
    assert alices.post(path, body).json()["assignee"] == "Alice"
    (waiting,) = alices.get("/review?assignee=me").json()["items"]
    assert (waiting["title"], waiting["urgency"], waiting["review"]["due_on"]) == ("News", 1, "2026-12-01")
    assert alices.get("/review?assignee=nobody").json() == {"items": [], "next": ""}


def test_a_token_for_reading_sees_what_there_is_and_changes_nothing(program, alice):
    reader = program(alice, Scope.READ)
    for path in ("/members", "/defaults", "/presets", "/tags", "/watchlists", "/alerts"):
        assert reader.get(path).status_code == 200
    for path in ("/usage", "/webhooks", "/review"):
        assert reader.get(path).status_code == 403
