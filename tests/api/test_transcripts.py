"""Transcripts by the API: submitted, listed, searched, read, controlled, deleted."""

from __future__ import annotations

import pytest

from tests.api.conftest import code_of
from transcripts import presetting
from transcripts.models import Engine, Transcript

URL = "https://media.example.org/evening-news.mp3"


def test_a_link_becomes_a_queued_transcript(alices, alice, team):
    response = alices.post("/transcripts", {"url": URL})
    assert response.status_code == 201
    made = Transcript.objects.get()
    assert response.json()["id"] == str(made.pk)
    assert (made.state, made.team, made.created_by, made.title) == ("queued", team, alice, "evening-news")
    assert made.options["include_timestamps"] is True
    assert made.options["enable_logging"] is True


def test_options_are_kept_and_unknown_ones_are_named(alices):
    wanted = {"keyterms": ["Alva", "Brno"], "no_verbatim": True, "enable_logging": False, "pace": 2.0}
    response = alices.post("/transcripts", {"url": URL, "title": " Two\nlines ", "preset": "live", "options": wanted})
    assert response.status_code == 201
    made = Transcript.objects.get()
    assert made.title == "Two lines"
    assert {name: made.options[name] for name in wanted} == wanted
    assert made.preset == "live"
    refused = alices.post("/transcripts", {"url": URL, "options": {"keyterm": []}})
    assert refused.status_code == 422
    assert list(refused.json()["error"]["fields"]) == ["body.options.keyterm"]


def test_a_preset_of_the_team_is_taken_and_what_the_request_names_wins(alices, alice, team):
    options = {"no_verbatim": True, "keyterms": ["Alva"], "include_timestamps": True, "preset": "accurate"}
    presetting.save(team, alice, "Council", manages=False, engine=Engine.EMBEDDED, language="en", options=options)
    assert [one["name"] for one in alices.get("/presets").json()["items"]] == ["Council"]
    response = alices.post("/transcripts", {"url": URL, "team_preset": "Council", "preset": "live"})
    made = Transcript.objects.get(pk=response.json()["id"])
    assert (made.preset, made.language, made.options["keyterms"]) == ("live", "en", ["Alva"])
    refused = alices.post("/transcripts", {"url": URL, "team_preset": "Nobody's"})
    assert (refused.status_code, code_of(refused)) == (409, "unknown_preset")


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.mp3", "file:///etc/passwd", "no link", "http://10.0.0.1/x"])
def test_links_into_the_house_are_refused(alices, url):
    response = alices.post("/transcripts", {"url": url})
    assert (response.status_code, code_of(response)) == (409, "bad_link")
    assert not Transcript.objects.exists()


def test_options_that_the_engine_does_not_take_are_named(alices):
    response = alices.post("/transcripts", {"url": URL, "language": "de", "engine": "embedded"})
    assert (response.status_code, code_of(response)) == (409, "bad_options")
    assert "language" in response.json()["error"]["fields"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"url": 5}', b'{"url": "a\\u0000b"}', b'{"url": "\\ud800"}', b"\xff", b"[" * 100_000]
)
def test_bodies_that_make_no_sense_are_refused(alices, body):
    headers = {"Authorization": f"Bearer {alices.token}"}
    response = alices._client.generic("POST", "/api/v1/transcripts", body, "application/json", headers=headers)
    assert response.status_code in {400, 422}
    assert code_of(response) in {"bad_json", "invalid_request"}


def test_a_body_that_is_too_large_is_refused(alices, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = alices.post("/transcripts", {"url": URL, "title": "x" * 2000})
    assert (response.status_code, code_of(response)) == (413, "body_too_large")


def test_one_has_so_many_unfinished_and_no_more(alices, settings):
    settings.STTWEB_USER_UNFINISHED = 1
    assert alices.post("/transcripts", {"url": URL}).status_code == 201
    response = alices.post("/transcripts", {"url": URL})
    assert (response.status_code, code_of(response)) == (429, "too_many_unfinished")


def test_the_list_is_read_page_by_page(alices, make_transcript):
    made = [str(make_transcript(title=f"No {number}").pk) for number in range(5)]
    seen, cursor = [], ""
    while True:
        page = alices.get(f"/transcripts?limit=2&cursor={cursor}").json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == made[::-1]


def test_the_list_asks_the_same_number_of_queries_for_many(alices, make_transcript, django_assert_max_num_queries):
    for number in range(12):
        make_transcript(title=f"No {number}")
    alices.get("/whoami")
    with django_assert_max_num_queries(5):
        assert len(alices.get("/transcripts").json()["items"]) == 12


def test_filters_narrow_the_list_down_and_nonsense_is_refused(alices, make_transcript):
    done = make_transcript(state="completed")
    make_transcript()
    found = alices.get("/transcripts?state=completed&since=2000-01-01").json()["items"]
    assert [item["id"] for item in found] == [str(done.pk)]
    for query in ("state=sleeping", "limit=0", "limit=1000", "since=yesterday", "kind=x"):
        response = alices.get(f"/transcripts?{query}")
        assert (response.status_code, code_of(response)) == (422, "invalid_request")


def test_a_search_names_the_passages(alices, make_transcript):
    transcript = make_transcript(title="Council")
    transcript.segments.create(index=0, seq=2, start_ms=1000, end_ms=2000, text="the new quay opens")
    found = alices.get("/transcripts?q=quay").json()["items"]
    assert [item["id"] for item in found] == [str(transcript.pk)]
    assert found[0]["hits"] == [{"segment": 0, "start_ms": 1000, "text": "the new quay opens"}]


def test_a_change_that_is_refused_in_part_changes_nothing(alices, make_transcript):
    transcript = make_transcript(title="Old")
    refused = alices.patch(f"/transcripts/{transcript.pk}", {"title": "New", "add_tags": ["harbour", ","]})
    assert (refused.status_code, code_of(refused)) == (409, "tag_without_name")
    transcript.refresh_from_db()
    assert (transcript.title, transcript.tags.count()) == ("Old", 0)


def test_title_and_tags_are_changed(alices, make_transcript):
    transcript = make_transcript(title="Old")
    answer = alices.patch(f"/transcripts/{transcript.pk}", {"title": "New", "add_tags": ["harbour", "quay"]}).json()
    assert (answer["title"], answer["tags"]) == ("New", ["harbour", "quay"])
    assert alices.patch(f"/transcripts/{transcript.pk}", {"remove_tags": ["Harbour"]}).json()["tags"] == ["quay"]
    assert code_of(alices.patch(f"/transcripts/{transcript.pk}", {"title": " "})) == "no_title"


def test_controls_do_what_the_state_allows(alices, make_transcript):
    path = f"/transcripts/{make_transcript(state='failed').pk}"
    assert alices.post(f"{path}/retry").json()["state"] == "queued"
    assert alices.post(f"{path}/commit").status_code == 200
    assert alices.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert code_of(alices.post(f"{path}/offline")) == "wrong_state"
    refused = alices.post(f"{path}/stop")
    assert (refused.status_code, code_of(refused)) == (409, "wrong_state")


def test_a_deleted_transcript_is_gone(alices, make_transcript):
    path = f"/transcripts/{make_transcript().pk}"
    assert alices.delete(path).status_code == 204
    assert alices.get(path).status_code == 404
    assert alices.delete(path).status_code == 404


def test_exports_are_those_of_the_pages(alices, alice, client, make_transcript):
    transcript = make_transcript(state="completed")
    transcript.segments.create(index=0, seq=2, start_ms=0, end_ms=2000, text="Good evening.")
    client.force_login(alice)
    for name in ("txt", "srt", "vtt", "json", "csv"):
        file = alices.get(f"/transcripts/{transcript.pk}/export/{name}")
        assert file.status_code == 200
        assert b"Good evening." in file.content
        assert file.content == client.get(f"/s/{transcript.pk}/export/{name}").content
    assert alices.get(f"/transcripts/{transcript.pk}/export/exe").status_code == 422


def test_without_a_recording_there_is_no_sound(alices, make_transcript):
    assert code_of(alices.get(f"/transcripts/{make_transcript().pk}/audio")) == "not_found"
