"""What stands between the words: silences, the chip of who speaks, and the log at the side, page by page."""

from __future__ import annotations

import re

import pytest

from tests.views.test_session_page import say
from transcripts.models import Engine, EventKind
from transcripts.models.log import Entry, append
from transcripts.views import looks, rows
from transcripts.views.activity import LOG_ROWS


@pytest.fixture
def reader(client, victor):
    client.force_login(victor)
    return client


def gap(transcript, start: int, end: int) -> None:
    payload = {"start_ms": start, "end_ms": end, "reason": "source_dropped"}
    append(transcript.pk, [Entry(EventKind.GAP, payload)], when={})


def kinds(transcript, query: dict[str, str] | None = None) -> list[object]:
    names = {"segment": "text", "gap": "gap", "silence": "silence"}
    return [
        next(line[key] if key == "silence" else name for key, name in names.items() if key in line)
        for line in rows.read_lines(transcript, query or {})
    ]


def test_a_long_silence_is_a_row_and_lost_sound_is_none(make_transcript):
    transcript = make_transcript(state="running")
    say(transcript, "One.", 0)
    say(transcript, "Two.", 30)
    say(transcript, "Three.", 62)
    gap(transcript, 63_000, 120_000)
    say(transcript, "Four.", 120)
    gap(transcript, 170_000, 180_000)
    assert kinds(transcript) == ["text", "text", 31_100, "text", "gap", "text", 49_100, "gap"]


def test_silence_before_a_page_of_older_rows_is_not_lost(make_transcript, monkeypatch):
    monkeypatch.setattr(rows, "WINDOW", 1)
    monkeypatch.setattr(rows, "PAGE", 1)
    transcript = make_transcript(state="completed")
    for second, index in ((40, 0), (100, 1), (200, 2)):
        say(transcript, "Text.", index, start_ms=second * 1000, end_ms=second * 1000 + 1000)
    assert kinds(transcript) == [99_000, "text"]
    assert kinds(transcript, {"before": "2"}) == [59_000, "text"]
    assert kinds(transcript, {"before": "1"}) == [40_000, "text"]


def test_every_gap_is_in_one_page_of_rows_whichever_way_they_are_read(make_transcript, monkeypatch):
    monkeypatch.setattr(rows, "WINDOW", 2)
    monkeypatch.setattr(rows, "PAGE", 1)
    transcript = make_transcript(state="completed")
    gap(transcript, 0, 900)
    for second in range(1, 7):
        say(transcript, f"Text {second}.", second)
        gap(transcript, 1000 * second + 900, 1000 * second + 1000)
    assert kinds(transcript) == ["text", "gap", "text", "gap"]
    assert kinds(transcript, {"seg": "3"}) == ["text", "gap", "text", "gap", "text", "gap"]
    assert kinds(transcript, {"before": "2"}) == ["gap", "text", "gap"]
    assert kinds(transcript, {"after": "4"}) == ["text", "gap"]


def test_the_page_says_how_long_nobody_spoke(reader, make_transcript):
    transcript = make_transcript(state="completed")
    say(transcript, "One.", 0)
    say(transcript, "Two.", 90)
    assert "No speech for 1:29" in reader.get(f"/s/{transcript.pk}").content.decode()


def test_a_chip_stands_where_the_voice_changes_and_the_panel_lists_all(reader, make_transcript):
    transcript = make_transcript(state="completed")
    for index, speaker in enumerate(["speaker_0", "speaker_0", "Ana Bello", "speaker_0", ""]):
        say(transcript, "Text.", index, speaker=speaker)
    response = reader.get(f"/s/{transcript.pk}")
    page = response.content.decode()
    words, panel = page.split('<details class="side"')
    assert re.findall(r'data-hue="(\d)" data-label="([^"]+)"', words) == [
        ("0", "speaker_0"),
        ("1", "Ana Bello"),
        ("0", "speaker_0"),
    ]
    assert "Speaker 1" in panel
    assert "3 passages, 75 %" in panel
    assert "1 passage, 25 %" in panel
    assert response.context["config"]["speakers"] == ["speaker_0", "Ana Bello"]


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ana Bello", "AB"), ("ana", "A"), ("Speaker 2", "S2"), ("  ", "?"), ("<b>", "?"), ("Ana de Bello", "AB")],
)
def test_initials_are_letters(name, letters):
    assert looks.initials(name) == letters


def test_the_log_comes_in_pages_without_a_hole(reader, make_transcript):
    transcript = make_transcript(state="running")
    notices = [Entry(EventKind.NOTICE, {"code": "x", "message": f"Notice {at}."}) for at in range(LOG_ROWS + 10)]
    append(transcript.pk, notices, when={})
    page = reader.get(f"/s/{transcript.pk}")
    seen = [event.seq for event in page.context["log"]]
    while page.context["older"]:
        page = reader.get(f"/s/{transcript.pk}/activity", {"before": page.context["older"]})
        assert "<html" not in page.content.decode()
        seen += [event.seq for event in page.context["log"]]
    assert seen == list(range(transcript.last_seq + LOG_ROWS + 10, 0, -1))
    for wrong in ("-1", "x", "9" * 40):
        assert reader.get(f"/s/{transcript.pk}/activity", {"before": wrong}).status_code == 200


def test_a_lost_engine_is_known_to_a_page_that_opens_late(reader, make_transcript):
    transcript = make_transcript(state="running")

    def retrying() -> int:
        return reader.get(f"/s/{transcript.pk}").context["config"]["retrying"]

    assert retrying() == 0
    notice = Entry(EventKind.NOTICE, {"code": "x", "message": "Gone.", "attempt": 2, "retry_in_ms": 0})
    append(transcript.pk, [notice], when={})
    assert retrying() == 2
    append(transcript.pk, [Entry(EventKind.SESSION, {"connection": 2})], when={})
    assert retrying() == 0


def test_the_other_engine_is_offered_where_it_could_go_on(client, bob, make_transcript):
    client.force_login(bob)
    paused = {"state": "paused", "engine": Engine.ELEVENLABS, "message": "The quota is used up."}
    transcript = make_transcript(**paused)
    page = client.get(f"/s/{transcript.pk}").content.decode()
    assert "Continue with the embedded engine" in page
    for fields in ({"engine": Engine.EMBEDDED}, {"language": "de"}):
        other = make_transcript(**(paused | fields))
        assert "Continue with the embedded" not in client.get(f"/s/{other.pk}").content.decode()
    headers = {"hx-request": "true"}
    assert client.post(f"/s/{transcript.pk}/offline", headers=headers).status_code == 204
    assert client.post(f"/s/{transcript.pk}/offline", headers=headers).status_code == 409
    page = client.get(f"/s/{transcript.pk}").content.decode()
    assert "Goes on with another engine: Embedded (offline)" in page


def test_a_failure_with_text_says_that_the_text_is_kept(reader, make_transcript):
    transcript = make_transcript(state="failed", message="It broke.", next_step="Try again.")
    kept = '<p class="next-step" data-slot="kept">'
    assert kept not in reader.get(f"/s/{transcript.pk}").content.decode()
    say(transcript, "Words.", 0)
    assert kept in reader.get(f"/s/{transcript.pk}").content.decode()
