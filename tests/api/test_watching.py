"""Watchlists and hits by the API, and the flags and history of a text."""

from __future__ import annotations

from tests.alerts.test_alerts import say
from tests.api.conftest import code_of
from transcripts import news
from transcripts.models import Act, AuditEntry, Hit, Watchlist
from transcripts.reviewing import editing

BODY = {"name": "City", "terms": ["mayor", "city council"]}


def test_a_watchlist_is_made_changed_and_deleted(alices):
    body = BODY | {"quiet_from": "22:00", "quiet_until": "06:30", "time_zone": "Europe/Berlin", "any_form": True}
    made = alices.post("/watchlists", body | {"sources": ["Radio\nOne"], "languages": ["en", "de"]})
    assert made.status_code == 201
    shown, path = made.json(), f"/watchlists/{made.json()['id']}"
    assert shown.items() >= (body | {"sources": ["Radio One"], "languages": ["en", "de"]}).items()
    changed = alices.patch(path, {"quiet_from": None, "quiet_until": None, "is_enabled": False}).json()
    assert (changed["quiet_from"], changed["is_enabled"], changed["terms"]) == (None, False, BODY["terms"])
    assert alices.patch(path, {"is_enabled": True}).json()["since"] > shown["since"]
    assert [one["id"] for one in alices.get("/watchlists").json()["items"]] == [shown["id"]]
    assert alices.get(path).json()["name"] == "City"
    assert alices.delete(path).status_code == 204
    assert AuditEntry.objects.filter(act=Act.WATCHLIST_CHANGED).count() == 4


def test_what_cannot_be_watched_for_is_refused_with_its_place(alices):
    for field, wrong in {"terms": ["***"], "time_zone": "Berlin", "name": " "}.items():
        refused = alices.post("/watchlists", BODY | {field: wrong})
        assert (refused.status_code, code_of(refused)) == (409, "bad_watchlist")
        assert list(refused.json()["error"]["fields"]) == [field]
    assert not Watchlist.objects.exists()


def test_hits_are_listed_narrowed_down_and_marked_as_seen(alices, team, make_transcript):
    lists = [Watchlist.objects.create(team=team, name=name, terms=[name]) for name in ("mayor", "harbour")]
    transcript = make_transcript(title="News")
    say(transcript, 0, "the mayor at the harbour")
    say(transcript, 7, "the mayor again")
    news.read_all()
    first = alices.get("/alerts?limit=2").json()
    rest = alices.get(f"/alerts?limit=2&cursor={first['next']}").json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, "")
    newest = first["items"][0]
    assert (newest["said"], newest["after"], newest["title"]) == ("mayor", "again", "News")
    assert newest["page"] == f"/s/{transcript.pk}?t=1:10"
    assert len(alices.get(f"/alerts?watchlist={lists[1].pk}").json()["items"]) == 1
    assert alices.post("/alerts/seen", {"ids": [newest["id"]]}).json() == {"changed": 1}
    assert len(alices.get("/alerts?unseen=true").json()["items"]) == 2
    assert alices.post("/alerts/seen", {"ids": None}).json() == {"changed": 2}
    assert not Hit.objects.filter(seen_at=None).exists()


def test_a_flag_is_raised_found_and_settled(alices, make_transcript):
    transcript = make_transcript(state="completed")
    for index in range(3):
        start = index * 1000
        transcript.segments.create(index=index, seq=2 + index, start_ms=start, end_ms=start + 900, text="one two")
    path = f"/transcripts/{transcript.pk}/flags"
    raised = [alices.post(path, {"segment": index, "note": "Who?"}).json() for index in range(3)]
    assert raised[0]["details"] == {"note": "Who?"}
    page = alices.get(f"{path}?limit=2").json()
    rest = alices.get(f"{path}?limit=2&cursor={page['next']}").json()
    assert [one["id"] for one in page["items"] + rest["items"]] == [one["id"] for one in raised]
    settled = alices.patch(f"{path}/{raised[1]['id']}", {"state": "dismissed"}).json()
    assert (settled["state"], settled["by"]) == ("dismissed", "Alice")
    assert [one["segment"] for one in alices.get(f"{path}?state=open").json()["items"]] == [0, 2]
    assert alices.post(path, {"segment": 99}).status_code == 404
    alices.post(f"/transcripts/{transcript.pk}/review", {"decision": "approve"})
    assert code_of(alices.patch(f"{path}/{raised[1]['id']}", {"state": "open"})) == "approved"


def test_the_history_of_a_passage_names_who_and_what_and_an_old_version_comes_back(alices, bob, make_transcript):
    transcript = make_transcript(state="completed")
    say(transcript, 0, "good evning")
    transcript.segments.create(index=0, seq=2, start_ms=0, end_ms=900, text="good evning")
    editing.edit(transcript, bob, 0, 0, "good evening")
    path = f"/transcripts/{transcript.pk}/segments/0"
    alices.post(f"{path}/restore", {"version": 1, "wanted": 0})
    versions = alices.get(f"{path}/history").json()["items"]
    assert [(one["version"], one["text"], one["by"], one["is_current"]) for one in versions] == [
        (2, "good evning", "Alice", True), (1, "good evening", "Bob", False), (0, "good evning", "", False)
    ]  # fmt: skip
