"""Links, files and the sample become transcripts; mistakes are said where they were made, and nothing typed is lost."""

from __future__ import annotations

import io
import re
import wave
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from transcripts.jobs.source import sample_of
from transcripts.models import Transcript
from transcripts.views import recordings
from transcripts.views.recordings import path_of
from transcripts.views.submit import SAMPLES

LINK = "https://media.example.org/shows/The%20Harbour_214.mp3"


def recording(seconds: float = 0.1) -> bytes:
    """A WAV file of silence."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(int(seconds * 32_000)))
    return buffer.getvalue()


@pytest.fixture
def editor(client, bob, settings, tmp_path):
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    client.force_login(bob)
    return client


def errors(response, field: str) -> list[str]:
    return [str(text) for text in response.context["form"].errors.get(field, [])]


def test_one_link_becomes_a_transcript_and_its_page_opens(editor, bob):
    response = editor.post("/new", {"links": LINK, "language": "en", "preset": "live"})
    made = Transcript.objects.get()
    assert response.url == f"/s/{made.pk}"
    assert (made.title, made.source_url, made.created_by, made.state) == ("The Harbour 214", LINK, bob, "queued")
    assert (made.engine, made.language, made.preset) == ("embedded", "en", "live")
    assert made.options["language_code"] == "en"


def test_several_links_become_several_and_the_board_opens(editor):
    response = editor.post("/new", {"links": f"{LINK}\n\n  https://radio.example.org/stream  \n"})
    assert response.url == "/"
    assert set(Transcript.objects.values_list("title", flat=True)) == {"The Harbour 214", "stream"}


@pytest.mark.parametrize(
    ("link", "word"),
    [
        ("ftp://media.example.org/a.mp3", "http"),
        ("http://127.0.0.1/a.mp3", "private"),
        ("http://user:pw@media.example.org/a.mp3", "password"),
        ("not a link", "spaces"),
        ("javascript:alert(1)", "http"),
    ],
)
def test_a_bad_link_is_named_and_everything_typed_is_kept(editor, link, word):
    response = editor.post("/new", {"links": f"{LINK}\n{link}", "keyterms": "Sibelius"})
    assert response.status_code == 422
    assert len(errors(response, "links")) == 1
    assert link in errors(response, "links")[0]
    assert word in errors(response, "links")[0]
    assert response.context["form"]["links"].value() == f"{LINK}\n{link}"
    assert "Sibelius" in response.content.decode()
    assert not Transcript.objects.exists()


def test_nothing_at_all_is_an_error_at_the_links(editor):
    assert errors(editor.post("/new", {}), "links") == ["Paste a link, or choose a file."]


def test_files_are_stored_under_keys_of_their_own(editor):
    files = [SimpleUploadedFile(name, recording()) for name in ("../../Council.wav", "b\x07ad<script>.wav")]
    response = editor.post("/new", {"uploads": files})
    assert response.url == "/"
    made = {row.title: row for row in Transcript.objects.all()}
    assert set(made) == {"Council", "bad<script>"}
    for row in made.values():
        path = recordings.path_of(row)
        assert path is not None
        assert path.read_bytes() == recording()
        assert (row.source_kind, row.media_bytes, len(row.media_sha256)) == ("upload", len(recording()), 64)


def test_a_file_that_is_no_recording_is_refused_at_the_form(editor, settings):
    response = editor.post("/new", {"uploads": SimpleUploadedFile("talk.mp3", b"%PDF-1.7 and so on")})
    assert response.status_code == 422
    assert "PDF" in errors(response, "uploads")[0]
    assert not Transcript.objects.exists()
    assert not Path(settings.STTWEB_MEDIA_DIR).exists()


def test_an_upload_over_the_limit_is_refused_with_the_limit(editor, settings):
    settings.STTWEB_MAX_MEDIA_BYTES = 1000
    response = editor.post("/new", {"uploads": SimpleUploadedFile("a.wav", recording())})
    assert response.status_code == 413
    assert "1000" in errors(response, "uploads")[0]
    assert not Transcript.objects.exists()


def test_a_body_that_announces_too_much_is_not_read(editor, settings):
    settings.STTWEB_MAX_MEDIA_BYTES = 1000
    response = editor.post("/new", data=b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="99000000")
    assert response.status_code == 413


def test_other_languages_need_the_hosted_engine(editor):
    response = editor.post("/new", {"links": LINK, "language": "de"})
    assert errors(response, "language") == ["The embedded engine hears English only."]


def test_the_hosted_engine_needs_a_key(editor, settings):
    response = editor.post("/new", {"links": LINK, "engine": "elevenlabs", "language": "de"})
    assert "ELEVENLABS_API_KEY" in errors(response, "engine")[0]
    settings.ELEVENLABS_API_KEY = "key"
    assert editor.post("/new", {"links": LINK, "engine": "elevenlabs", "language": "de"}).status_code == 302
    assert Transcript.objects.get().engine == "elevenlabs"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vad_threshold", "7"),
        ("vad_silence_threshold_secs", "0.1"),
        ("min_speech_duration_ms", "1"),
        ("min_silence_duration_ms", "9000"),
        ("keyterms", "x" * 21),
        ("secondary_languages", "en-US"),
        ("entity_redaction_mode", "redacted"),
        ("entity_detection", "No Such!"),
        ("transcript_edit", "x" * 2001),
        ("pace", "0"),
    ],
)
def test_a_problem_of_an_option_stands_at_its_field(editor, field, value):
    response = editor.post("/new", {"links": LINK, field: value})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    page = response.content.decode()
    assert '<details class="more" open>' in page


def test_every_option_of_a_session_can_be_set(editor):
    editor.post(
        "/new",
        {
            "all_options": "1",
            "links": LINK,
            "preset": "provider_vad",
            "commit_strategy": "vad",
            "vad_threshold": "0.5",
            "keyterms": "Sibelius\nHarbour, Mill",
            "secondary_languages": "de, fr",
            "no_verbatim": "on",
            "pace": "2.5",
        },
    )
    made = Transcript.objects.get()
    assert made.options["keyterms"] == ["Sibelius", "Harbour", "Mill"]
    assert made.options["secondary_languages"] == ["de", "fr"]
    assert made.options["vad_threshold"] == 0.5
    assert (made.options["commit_strategy"], made.options["no_verbatim"]) == ("vad", True)
    assert (made.options["include_timestamps"], made.options["enable_logging"]) == (False, False)
    assert (made.preset, made.pace) == ("provider_vad", 2.5)


def test_the_small_box_of_the_board_gets_the_defaults(editor):
    editor.post("/new", {"links": LINK})
    assert Transcript.objects.get().options["include_timestamps"] is True


def test_scripts_get_their_errors_as_data(editor):
    response = editor.post("/new", {"links": "nonsense"}, headers={"accept": "application/json"})
    assert response.status_code == 422
    assert list(response.json()["errors"]) == ["links"]
    made = editor.post("/new", {"links": LINK}, headers={"accept": "application/json"})
    assert made.json() == {"location": f"/s/{Transcript.objects.get().pk}"}


def test_the_sample_is_one_click(editor):
    response = editor.post("/sample")
    made = Transcript.objects.get()
    assert response.url == f"/s/{made.pk}"
    assert (made.source_kind, made.options) == ("sample", {"pace": 1.0, "preset": "live"})


@pytest.mark.parametrize("name", ["speech", "pause", "long", "nonsense"])
def test_the_empty_board_offers_three_samples_that_say_what_they_show(editor, name):
    page = editor.get("/").content.decode()
    assert re.findall(r'name="name" value="(\w+)"', page) == ["speech", "pause", "long"]
    editor.post("/sample", {"name": name})
    made = Transcript.objects.get()
    assert made.options == SAMPLES.get(name, SAMPLES["speech"])
    sample = sample_of(made)
    assert sample is not None
    speech = sample_of(Transcript(options={}))
    expected = {"pause": 2 * speech.seconds + 40, "long": 25 * (speech.seconds + 2)}.get(name, speech.seconds)
    assert sample.seconds == pytest.approx(expected)
    assert path_of(made) == sample.path
    assert 'class="sample-card"' not in editor.get("/").content.decode()


def test_one_person_may_not_fill_the_queue_and_is_told_their_place(editor, bob, alice, make_transcript, settings):
    settings.STTWEB_USER_UNFINISHED = 2
    make_transcript(created_by=alice)
    make_transcript(created_by=bob)
    assert editor.post("/new", {"links": LINK}).status_code == 302
    response = editor.post("/new", {"links": f"{LINK}?again"})
    assert response.status_code == 429
    said = response.content.decode()
    assert "You have 2 transcripts that have not ended" in said
    assert "number 2 in the queue" in said
    assert "?again" in said, "what was typed is kept"
    assert editor.post("/sample").status_code == 302
    assert Transcript.objects.filter(created_by=bob).count() == 2
    Transcript.objects.filter(created_by=bob).update(state="completed")
    assert editor.post("/new", {"links": LINK}).status_code == 302


def test_several_at_once_count_as_several(editor, settings):
    settings.STTWEB_USER_UNFINISHED = 1
    assert editor.post("/new", {"links": f"{LINK}\n{LINK}?b"}).status_code == 429
    assert not Transcript.objects.exists()
