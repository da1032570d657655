"""The session page without a script: text, gaps, states and controls are in the HTML, and speech is only ever text."""

from __future__ import annotations

import json
import re

import pytest

from transcripts.models import EventKind, Segment, State, Transcript
from transcripts.models.log import Entry, append
from transcripts.models.states import BY_PERSON
from transcripts.views.coverage import merged
from transcripts.views.rows import PAGE, WINDOW

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'


def say(transcript, text: str, index: int, **extra) -> int:
    words = [[text, index * 1000, index * 1000 + 900, 0.9]]
    row = {"start_ms": index * 1000, "end_ms": index * 1000 + 900, "text": text, "words": words, **extra}
    seq = append(transcript.pk, [Entry(EventKind.COMMIT, {"segment": index, **row})], when={})
    Segment.objects.create(transcript=transcript, index=index, seq=seq, **row)
    return seq


@pytest.fixture
def reader(client, victor):
    client.force_login(victor)
    return client


def test_text_and_gaps_stand_in_order_with_their_numbers(reader, make_transcript):
    transcript = make_transcript(state="running")
    say(transcript, "Before.", 0)
    append(
        transcript.pk, [Entry(EventKind.GAP, {"start_ms": 900, "end_ms": 13_000, "reason": "source_dropped"})], when={}
    )
    say(transcript, "After.", 14, unconfirmed=True)
    page = reader.get(f"/s/{transcript.pk}").content.decode()
    assert re.findall(r'<li class="[a-z ]+"[^>]*data-seq="(\d+)"', page) == ["2", "3", "4"]
    assert page.index("Before.") < page.index("Lost 12 s: the source dropped out") < page.index("After.")
    assert "Not confirmed by the engine" in page


def test_the_script_goes_on_after_the_last_number(reader, make_transcript):
    transcript = make_transcript(state="running")
    last = say(transcript, "Here.", 0)
    config = reader.get(f"/s/{transcript.pk}").context["config"]
    assert (config["after"], config["socket"]) == (last, f"/ws/t/{transcript.pk}/")
    json.dumps(config)


def test_titles_speech_links_and_errors_are_text(reader, make_transcript):
    transcript = make_transcript(
        title=EVIL, state="failed", message=EVIL, next_step=EVIL, last_text=EVIL, source_url=f"https://x.example/{EVIL}"
    )
    say(transcript, EVIL, 0, speaker=EVIL, language='en" onload="x')
    append(transcript.pk, [Entry(EventKind.NOTICE, {"code": "x", "message": EVIL})], when={})
    append(transcript.pk, [Entry(EventKind.GAP, {"start_ms": 0, "end_ms": 9, "reason": EVIL})], when={})
    for path in (f"/s/{transcript.pk}", "/", "/library", f"/library?q={EVIL}"):
        page = reader.get(path).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'onload="x' not in page
        assert "&lt;script&gt;alert" in page


def test_pages_run_no_inline_script_or_style(reader, make_transcript):
    transcript = make_transcript(state="running")
    say(transcript, "Here.", 0)
    for path in (f"/s/{transcript.pk}", "/", "/library", "/s/00000000-0000-0000-0000-000000000000"):
        response = reader.get(path)
        page = response.content.decode()
        scripts = re.findall(r"<script\b[^>]*>", page)
        assert all("src=" in tag or 'type="application/json"' in tag for tag in scripts)
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", page)
        assert "script-src 'self'" in response["Content-Security-Policy"]


@pytest.mark.parametrize("state", State)
def test_every_state_has_its_page_and_its_controls(client, alice, make_transcript, state):
    client.force_login(alice)
    transcript = make_transcript(state=state, message="Why it stopped.", next_step="What to do.")
    response = client.get(f"/s/{transcript.pk}")
    page = response.content.decode()
    names = ("commit", "stop", "pause", "resume", "retry", "cancel")
    offered = {name for name in names if re.search(rf'data-control="{name}">', page)}
    assert offered == {name for name, states in response.context["config"]["controls"].items() if state in states} - {
        "delete",
        "switch",
    }
    assert f'data-state="{state}"' in page
    assert client.get("/").status_code == 200


def test_what_a_person_paused_is_calm_and_offers_to_resume(client, alice, make_transcript):
    client.force_login(alice)
    transcript = make_transcript(state=State.RUNNING, is_live=True)
    Transcript.objects.filter(pk=transcript.pk).update(state=State.PAUSED, **BY_PERSON)
    page = client.get(f"/s/{transcript.pk}").content.decode()
    offered = set(re.findall(r'data-control="([a-z]+)">', page))
    assert offered == {"resume", "cancel"}
    assert 'data-rest="rested"' in page
    assert ">Paused<" in page
    assert "Needs attention" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)
    assert "It stopped at" not in page.partition('id="problem"')[2].partition("</div>")[0]
    card = client.get("/").content.decode().partition(f'data-card="{transcript.pk}"')[2]
    assert ">Paused<" in card
    assert ">Resume<" in card.partition("</li>")[0]


def test_long_transcripts_show_their_end_and_page_upwards(reader, make_transcript, client):
    transcript = make_transcript(state="completed")
    for index in range(WINDOW + PAGE + 20):
        say(transcript, f"Line {index}.", index)
    page = reader.get(f"/s/{transcript.pk}")
    assert page.context["earlier"] == PAGE + 20
    assert "Line 119." not in page.content.decode()
    assert "120 earlier lines" in page.content.decode()

    def rows(query: str) -> list[int]:
        answer = reader.get(f"/s/{transcript.pk}?{query}", headers={"hx-request": "true"}).content.decode()
        assert "<html" not in answer
        return [int(index) for index in re.findall(r'class="line" id="seg-(\d+)"', answer)]

    assert rows("before=120") == list(range(20, 120))
    assert rows("before=20") == list(range(20))
    assert rows("before=120&from=7") == list(range(7, 120))
    assert rows("before=120&at=7500") == list(range(7, 120))
    assert rows("before=120&at=0") == list(range(120))
    assert rows("before=0") == []
    last = WINDOW + PAGE + 19
    assert rows("after=20") == list(range(21, 121))
    assert rows(f"after={last - 3}") == [last - 2, last - 1, last]
    assert rows("t=150.5") == rows("t=2:30") == rows("seg=150") == list(range(50, 251))
    assert rows("t=0") == list(range(PAGE + 1))
    assert rows("end") == rows(f"seg={last - 50}") == rows("seg=9999999") == rows("t=x") == list(range(120, last + 1))


def test_a_link_into_the_middle_is_answered_with_the_rows_around_it(reader, make_transcript):
    transcript = make_transcript(state="completed")
    for index in range(WINDOW + PAGE + 20):
        say(transcript, f"Line {index}.", index)
    page = reader.get(f"/s/{transcript.pk}?t=2:30", follow=True).content.decode()
    assert "Line 150." in page
    assert "50 earlier lines" in page
    assert "169 later lines" in page
    assert 'href="?before=50.50000"' in page
    assert 'href="?after=250.250000"' in page
    # Without a script the links lead to whole pages, which know both of their sides.
    page = reader.get(f"/s/{transcript.pk}?before=150").content.decode()
    assert "50 earlier lines" in page
    assert "270 later lines" in page
    assert "later lines" not in reader.get(f"/s/{transcript.pk}").content.decode()


def test_find_knows_every_case_of_every_script(reader, make_transcript):
    transcript = make_transcript(state="completed")
    for index, text in enumerate(("Die STRASSE und das Übel.", "Ничего не слышно.", "100% sure_")):
        say(transcript, text, index)
    for query, hits in (
        ("straße", [0]),
        ("ÜBEL", [0]),
        ("НЕ СЛ", [1]),
        ("%", [2]),
        ("e_", [2]),
        (" ", []),
        ("zebra", []),
    ):
        assert reader.get(f"/s/{transcript.pk}/find", {"q": query}).json()["hits"] == hits, query


def test_an_early_page_learns_what_only_the_source_can_tell(reader, make_transcript):
    first = make_transcript()
    second = make_transcript()
    nobody = "No worker is running; it begins when one is started."
    assert reader.get(f"/s/{first.pk}/facts").json()["waiting"] == f"Next in the queue. {nobody}"
    assert reader.get(f"/s/{second.pk}/facts").json()["waiting"] == f"1 other is before it in the queue. {nobody}"
    running = make_transcript(state="running", is_live=True, duration_samples=16_000, committed_samples=8000)
    facts = reader.get(f"/s/{running.pk}/facts").json()
    assert facts == {"live": True, "duration_ms": 1000, "heard_ms": 500, "waiting": "", "sound": False}


def test_coverage_is_few_stretches_however_long_the_text(reader, make_transcript):
    assert merged([(5, 9), (0, 3), (10, 20), (12, 15)], 2) == [(0, 3), (5, 20)]
    transcript = make_transcript(state="running", committed_samples=16_000 * 60)
    say(transcript, "Before.", 0)
    say(transcript, "After.", 14)
    append(
        transcript.pk, [Entry(EventKind.GAP, {"start_ms": 900, "end_ms": 13_000, "reason": "source_dropped"})], when={}
    )
    found = reader.get(f"/s/{transcript.pk}").context["config"]["coverage"]
    assert found == {
        "spoken": [(0, 900), (14_000, 14_900)],
        "gaps": [(900, 13_000)],
        "settled_ms": 60_000,
        "duration_ms": 0,
    }


def test_captions_open_with_the_last_words_even_without_a_script(reader, make_transcript):
    transcript = make_transcript(state="running")
    say(transcript, "First.", 0)
    say(transcript, "Last <b>.", 1)
    page = reader.get(f"/s/{transcript.pk}/captions").content.decode()
    assert "Last &lt;b&gt;." in page
    assert "First." not in page


def test_a_control_answers_scripts_without_a_page(client, alice, make_transcript):
    client.force_login(alice)
    transcript = make_transcript(state="running")
    headers = {"hx-request": "true"}
    assert client.post(f"/s/{transcript.pk}/commit", headers=headers).status_code == 204
    assert client.post(f"/s/{transcript.pk}/stop", headers=headers).status_code == 204
    transcript.refresh_from_db()
    assert (transcript.commit_requests, transcript.control) == (1, "stop")
    done = make_transcript(state="completed")
    refused = client.post(f"/s/{done.pk}/retry", headers=headers)
    assert (refused.status_code, "not possible" in refused.content.decode()) == (409, True)


def test_a_title_is_changed_and_never_emptied(client, bob, make_transcript):
    client.force_login(bob)
    transcript = make_transcript(title="Old")
    client.post(f"/s/{transcript.pk}/rename", {"title": "  New   title "})
    transcript.refresh_from_db()
    assert transcript.title == "New title"
    told = transcript.events.last()
    assert (told.seq, told.kind, told.payload) == (transcript.last_seq, "revise", {"title": "New title"})
    assert "Renamed: New title" in client.get(f"/s/{transcript.pk}").content.decode()
    client.post(f"/s/{transcript.pk}/rename", {"title": "  "})
    transcript.refresh_from_db()
    assert transcript.title == "New title"


def test_the_library_finds_by_title_and_by_what_was_said(reader, make_transcript):
    transcript = make_transcript(title="Harbour", state="completed")
    make_transcript(title="Mountains", state="completed")
    say(transcript, "The pelican came back.", 0)
    for query, found in (("harb", 1), ("pelican", 1), ("mountains", 1), ("", 2), ("zebra", 0)):
        assert len(reader.get(f"/library?q={query}").context["cards"]) == found, query
    assert reader.get("/library?q=x&page=99").status_code == 200
    assert reader.get("/library", {"q": "\x00"}).status_code == 200


@pytest.mark.parametrize("name", ["txt", "srt", "vtt", "json"])
def test_exports_are_downloads_named_after_the_title(reader, make_transcript, name):
    transcript = make_transcript(title="Harbour: the news", state="completed")
    say(transcript, "The pelican came back.", 0)
    response = reader.get(f"/s/{transcript.pk}/export/{name}")
    assert response.status_code == 200
    assert b"pelican" in response.content
    assert response["Content-Disposition"] == f'attachment; filename="Harbour the news.{name}"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_format_does_not_exist(reader, make_transcript):
    assert reader.get(f"/s/{make_transcript().pk}/export/docm").status_code == 404


def test_deleting_removes_row_text_recording_and_what_was_fetched(
    client, alice, settings, tmp_path, make_transcript, django_capture_on_commit_callbacks
):
    from transcripts.jobs.source import spool_dir
    from transcripts.views import recordings

    settings.STTWEB_MEDIA_DIR = tmp_path
    settings.STTWEB_SPOOL_DIR = tmp_path / "spool"
    stored = recordings.keep([b"RIFF"], 4)
    transcript = make_transcript(state="completed", source_kind="upload", media_key=stored.key)
    path = recordings.path_of(transcript)
    assert path is not None
    spool_dir(transcript.pk).mkdir(parents=True)
    client.force_login(alice)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/s/{transcript.pk}/delete").url == "/"
    assert not path.exists()
    assert not spool_dir(transcript.pk).exists()
    assert client.get(f"/s/{transcript.pk}").status_code == 404
