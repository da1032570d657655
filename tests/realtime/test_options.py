from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.realtime.options import AUDIO_FORMATS, OptionsError, SessionOptions


def test_the_defaults_are_fine_and_say_what_the_connection_is_for():
    options = SessionOptions()
    assert options.problems() == {}
    assert options.query() == [
        ("model_id", "scribe_v2_realtime"),
        ("audio_format", "pcm_16000"),
        ("commit_strategy", "manual"),
        ("include_timestamps", "true"),
    ]


def test_booleans_are_lower_case_words_and_lists_repeat_their_key():
    options = SessionOptions(
        include_timestamps=False,
        include_language_detection=True,
        no_verbatim=True,
        enable_logging=False,
        keyterms=("R&D Lab", "Kernwerk"),
        secondary_languages=("en", "fr"),
        entity_detection=("pii", "pci"),
    )
    pairs = options.query()
    assert ("no_verbatim", "true") in pairs
    assert ("enable_logging", "false") in pairs
    assert [value for name, value in pairs if name == "keyterms"] == ["R&D Lab", "Kernwerk"]
    assert "keyterms=R%26D+Lab" in urlencode(pairs)
    assert not any(name == "include_timestamps" for name, _ in pairs)


def test_the_four_numbers_of_vad_are_sent_when_set():
    options = SessionOptions(
        commit_strategy="vad",
        vad_silence_threshold_secs=0.7,
        vad_threshold=0.45,
        min_speech_duration_ms=120,
        min_silence_duration_ms=150,
    )
    assert options.problems() == {}
    assert dict(options.query())["vad_silence_threshold_secs"] == "0.7"
    assert dict(options.query())["min_speech_duration_ms"] == "120"


@pytest.mark.parametrize("audio_format", AUDIO_FORMATS)
def test_every_audio_format_of_the_service_is_taken(audio_format):
    assert SessionOptions(audio_format=audio_format).problems() == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_id", " "),
        ("audio_format", "pcm_32000"),
        ("audio_format", "opus"),
        ("language_code", "en-US"),
        ("language_code", "EN"),
        ("language_code", "english"),
        ("secondary_languages", ("de", "pt-BR")),
        ("commit_strategy", "sometimes"),
        ("vad_silence_threshold_secs", 0.29),
        ("vad_silence_threshold_secs", 3.1),
        ("vad_threshold", 0.05),
        ("vad_threshold", 0.95),
        ("min_speech_duration_ms", 49),
        ("min_speech_duration_ms", 2001),
        ("min_silence_duration_ms", 49),
        ("min_silence_duration_ms", 2001),
        ("keyterms", ("x" * 21,)),
        ("keyterms", tuple(f"t{n}" for n in range(51))),
        ("keyterms", ("",)),
        ("entity_detection", ("email address",)),
        ("entity_redaction", ("PII!",)),
        ("entity_redaction_mode", "black"),
        ("entity_redaction_mode", "redacted"),
        ("transcript_edit", "x" * 2001),
        ("transcript_edit", "  "),
    ],
)
def test_what_the_service_refuses_is_refused_first_and_the_field_is_named(field, value):
    problems = SessionOptions(**{field: value}).problems()
    assert list(problems) == [field]
    assert problems[field].endswith((".", "..."))


@pytest.mark.parametrize(
    "bounds",
    [
        {"vad_silence_threshold_secs": 0.3},
        {"vad_silence_threshold_secs": 3.0},
        {"vad_threshold": 0.1},
        {"vad_threshold": 0.9},
        {"min_speech_duration_ms": 50},
        {"min_silence_duration_ms": 2000},
        {"keyterms": tuple("x" * 20 for _ in range(50))},
        {"transcript_edit": "x" * 2000},
        {"language_code": "deu"},
    ],
)
def test_the_bounds_themselves_are_inside(bounds):
    assert SessionOptions(**bounds).problems() == {}


def test_combinations_that_the_service_refuses():
    assert "filter_background_audio" in SessionOptions(filter_background_audio=True).problems()
    quiet = SessionOptions(filter_background_audio=True, include_timestamps=False, include_language_detection=True)
    assert quiet.problems() == {}
    shorter = SessionOptions(transcript_edit="shorter")
    for refused in (replace(shorter, entity_detection=("pii",)), replace(shorter, entity_redaction=("pii",))):
        assert "transcript_edit" in refused.problems()


def test_a_region_tag_gets_a_hint():
    assert "'en'" in SessionOptions(language_code="en-US").problems()["language_code"]


def test_language_detection_alone_brings_the_timed_message_too():
    assert SessionOptions(include_timestamps=False, include_language_detection=True).expects_timed
    assert not SessionOptions(include_timestamps=False).expects_timed


options = st.builds(
    SessionOptions,
    audio_format=st.sampled_from(list(AUDIO_FORMATS)),
    language_code=st.none() | st.sampled_from(["en", "deu"]),
    secondary_languages=st.lists(st.sampled_from(["en", "fr"]), max_size=2).map(tuple),
    vad_threshold=st.none() | st.floats(0.1, 0.9),
    min_speech_duration_ms=st.none() | st.integers(50, 2000),
    include_timestamps=st.booleans(),
    keyterms=st.lists(st.text(min_size=1, max_size=20), max_size=5).map(tuple),
    transcript_edit=st.none() | st.text(max_size=40),
)


@given(options)
def test_what_is_stored_reads_back_equal(given_options):
    assert SessionOptions.from_dict(json.loads(json.dumps(given_options.to_dict()))) == given_options


@given(options)
def test_the_query_survives_the_url(given_options):
    pairs = given_options.query()
    assert parse_qsl(urlencode(pairs), keep_blank_values=True) == pairs


def test_reading_ignores_what_it_does_not_know():
    assert SessionOptions.from_dict({"diarize": True, "language_code": "de"}) == SessionOptions(language_code="de")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_id", 7),
        ("model_id", None),
        ("include_timestamps", "true"),
        ("vad_threshold", "0.4"),
        ("vad_threshold", True),
        pytest.param("vad_threshold", 10**400, id="vad_threshold-beyond-floats"),
        ("min_speech_duration_ms", 1.5),
        ("min_speech_duration_ms", True),
        ("keyterms", "one"),
        ("keyterms", [1]),
    ],
)
def test_reading_a_wrong_type_names_the_field(field, value):
    with pytest.raises(OptionsError) as caught:
        SessionOptions.from_dict({field: value})
    assert caught.value.field == field
    assert caught.value.code == "invalid_options"
