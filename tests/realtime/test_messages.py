from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.realtime.messages import (
    ErrorFrame,
    Final,
    InputAudioChunk,
    Other,
    PartialTranscript,
    SessionStarted,
    decode,
    read_words,
)

SAMPLES = Path(__file__).parents[3] / "shared" / "reference" / "protocol_samples.jsonl"


def golden(direction):
    if not SAMPLES.exists():
        if os.environ.get("STTWEB_REQUIRE_ALL") == "1":
            pytest.fail(f"{SAMPLES.name} is missing")
        pytest.skip("the golden messages are not beside the repository")
    with SAMPLES.open(encoding="utf-8") as lines:
        return [sample for line in lines if (sample := json.loads(line))["direction"] == direction]


def test_every_golden_server_message_is_read_as_what_it_is():
    kinds = {
        "session_started": SessionStarted,
        "partial_transcript": PartialTranscript,
        "committed_transcript": Final,
        "committed_transcript_with_timestamps": Final,
        "final_transcript": Final,
        "final_transcript_with_timestamps": Final,
    }
    samples = golden("server")
    assert len(samples) > 30
    for sample in samples:
        payload = sample["payload"]
        message = decode(json.dumps(payload))
        if sample["name"].startswith("err_"):
            assert isinstance(message, ErrorFrame), sample["name"]
            assert message.text == payload["error"]
        else:
            assert type(message) is kinds.get(payload["message_type"], Other), sample["name"]
        if isinstance(message, Other):
            assert {"message_type": message.kind, **message.payload} == payload


def test_the_words_of_every_golden_final_join_to_its_text():
    timed = [
        message
        for sample in golden("server")
        if isinstance(message := decode(json.dumps(sample["payload"])), Final) and message.words
    ]
    assert len(timed) >= 3
    for message in timed:
        assert "".join(word.text for word in message.words) == message.text


def test_our_frames_are_the_golden_client_frames():
    for sample in golden("client"):
        payload = sample["payload"]
        if "audio_base_64" not in payload or sample["name"] == "late_previous_text":
            continue
        frame = json.loads(
            InputAudioChunk(
                base64.b64decode(payload["audio_base_64"]),
                payload.get("commit", False),
                payload.get("sample_rate", 16000),
                payload.get("previous_text"),
            ).encode()
        )
        assert frame == {"commit": False, "sample_rate": 16000, **{k: v for k, v in payload.items() if v is not None}}


def test_a_frame_is_one_json_object_with_exactly_the_fields_of_the_schema():
    frame = json.loads(InputAudioChunk(b"\x01\x00" * 3, commit=True).encode())
    assert frame == {
        "message_type": "input_audio_chunk",
        "audio_base_64": base64.b64encode(b"\x01\x00" * 3).decode(),
        "commit": True,
        "sample_rate": 16000,
    }


@given(st.binary(max_size=64), st.booleans(), st.none() | st.text(max_size=60))
def test_any_audio_and_any_context_make_valid_json(audio, commit, context):
    frame = json.loads(InputAudioChunk(audio, commit, previous_text=context).encode())
    assert base64.b64decode(frame["audio_base_64"]) == audio
    assert frame.get("previous_text") == context
    assert frame["commit"] is commit


def test_the_session_echo_is_kept_in_both_shapes():
    live = decode('{"message_type":"session_started","session_id":"ab","config":{"vad_commit_strategy":false}}')
    assert live == SessionStarted("ab", {"vad_commit_strategy": False})
    assert decode('{"message_type":"session_started"}') == SessionStarted("", {})


def test_a_timed_final_with_every_field():
    message = decode(
        json.dumps(
            {
                "message_type": "committed_transcript_with_timestamps",
                "text": "Hi there",
                "language_code": "en",
                "segment_index": 4,
                "words": [
                    {
                        "text": "Hi",
                        "start": 0.5,
                        "end": 0.75,
                        "type": "word",
                        "logprob": -0.1,
                        "speaker_id": "s1",
                        "characters": [{"text": "H", "start": 0.5, "end": 0.6}, "i"],
                    },
                    {"text": " ", "start": 0.75, "end": 0.8, "type": "spacing"},
                    {"text": "there", "start": 0.8, "end": 1, "type": "word", "characters": ["t"]},
                ],
            }
        )
    )
    assert isinstance(message, Final)
    assert message.timed
    assert message.language == "en"
    assert message.extra == {"segment_index": 4}
    first, space, last = message.words or ()
    assert (first.text, first.start, first.end, first.logprob, first.speaker) == ("Hi", 0.5, 0.75, -0.1, "s1")
    assert first.characters == [{"text": "H", "start": 0.5, "end": 0.6}, "i"]
    assert space.kind == "spacing"
    assert last.characters == ["t"]


def test_language_detection_alone_has_no_words():
    message = decode(
        '{"message_type":"committed_transcript_with_timestamps","text":"Ja.","language_code":"de","words":null}'
    )
    assert isinstance(message, Final)
    assert (message.words, message.language) == (None, "de")


def test_a_word_without_a_time_borrows_its_neighbours():
    words = read_words([{"text": "a", "start": 1, "end": 2}, {"text": "b"}, {"text": "c", "start": 3}])
    assert [(word.start, word.end) for word in words] == [(1, 2), (2, 2), (3, 3)]
    assert read_words([{"text": "a"}]) is None
    assert read_words([]) == ()
    assert read_words("words") is None


@pytest.mark.parametrize("time", [float("inf"), -1, "1.0", True, 1e9])
def test_a_time_that_is_none_becomes_no_position(time):
    assert read_words([{"text": "a", "start": time, "end": time}]) is None


def test_unknown_types_and_fields_are_kept():
    message = decode('{"message_type":"turn_ended","confidence":0.7}')
    assert message == Other("turn_ended", {"confidence": 0.7})
    assert decode('{"message_type":"partial_transcript","text":"a","new":1}') == PartialTranscript("a")


def test_an_unknown_error_is_an_error():
    message = decode('{"message_type":"gpu_on_fire_error","message":"ouch"}')
    assert isinstance(message, ErrorFrame)
    assert message.text == "ouch"


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"text":"x"}', '{"message_type":7}', b"\xff\xfe{", "[" * 5000])
def test_what_cannot_be_read_is_kept_and_harms_nothing(text):
    message = decode(text)
    assert isinstance(message, Other)
    assert message.kind == "unreadable"
    assert len(message.payload["text"]) <= 500


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["committed_transcript_with_timestamps", "partial_transcript", "session_started", "error", "x"]),
    st.dictionaries(st.sampled_from(["text", "words", "language_code", "config", "error", "session_id"]), json_values),
)
def test_no_message_makes_it_raise(kind, fields):
    decode(json.dumps({**fields, "message_type": kind}))
