"""Section 14 of the protocol reference: where sources contradict each other, what this client does. A test per row."""

from __future__ import annotations

import json

import pytest

from tests.realtime.desk import Desk, plain, timed
from tests.realtime.simserver import Behaviour
from tests.realtime.streaming import exact, frames, simulate
from tests.realtime.tape import Tape
from transcripts.realtime.errors import ErrorClass, from_close, from_frame
from transcripts.realtime.linkevents import Ready
from transcripts.realtime.messages import InputAudioChunk, decode
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.tuning import Tuning

SECOND = 16_000


@pytest.mark.parametrize("limit_s", [35.75, 90.0])
def test_auto_commit_at_36_or_90_seconds_is_never_reached(limit_s):
    tape = Tape(1000, (1500, 0))
    simulation = simulate(tape, lambda number: Behaviour(auto_commit_s=limit_s), Tuning(pace=4.0))
    exact(simulation, tape)
    assert max(event.end - event.start for event in simulation.committed) <= 32 * SECOND


def test_commit_throttled_is_about_audio_so_no_commit_leaves_with_too_little():
    tape = Tape(300, (3, 2))
    simulation = simulate(tape, lambda number: Behaviour(floor_s=0.35), Tuning(preset="live", live=True))
    exact(simulation, tape)
    assert not simulation.interruptions


def test_commit_throttled_ends_the_session_and_is_replayed():
    assert from_frame("commit_throttled", "").klass is ErrorClass.RECONNECT


def test_a_commit_is_an_audio_chunk_with_commit_true_not_a_message_of_its_own():
    assert all(frame["message_type"] == "input_audio_chunk" for frame in frames(simulate(Tape(100)), 1))


def test_sample_rate_and_commit_are_always_sent():
    assert {"commit", "sample_rate"} <= set(json.loads(InputAudioChunk(b"").encode()))


@pytest.mark.parametrize(
    ("timestamps", "detection", "expected"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_the_timed_message_comes_with_timestamps_or_language_detection(timestamps, detection, expected):
    options = SessionOptions(include_timestamps=timestamps, include_language_detection=detection)
    assert options.expects_timed is expected


@pytest.mark.parametrize("turn", [1, -1])
def test_plain_or_timed_first(turn):
    desk = Desk()
    desk.send(0, 5)
    desk.say(*[plain("hi"), timed("hi", (1, 2))][::turn])
    desk.wait(3)
    assert desk.answers() == [("hi", 5, True)]


@pytest.mark.parametrize(
    "config",
    [
        {"vad_commit_strategy": False, "disable_logging": False},
        {"commit_strategy": "manual", "enable_logging": True},
        {},
    ],
)
def test_the_config_keys_are_kept_and_read_by_nobody(config):
    desk = Desk(start=False)
    desk.say({"message_type": "session_started", "session_id": "x", "config": config})
    assert desk.link.events() == [Ready("x", config)]


@pytest.mark.parametrize("characters", [["h", "i"], [{"text": "h", "start": 1, "end": 1.5}], None, 7])
def test_characters_may_be_objects_strings_or_nothing(characters):
    desk = Desk()
    desk.send(0, 5)
    message = timed("hi", (1, 2))
    message["words"][0]["characters"] = characters
    desk.say(plain("hi"), message)
    assert desk.answers() == [("hi", 5, True)]


@pytest.mark.parametrize("message", [None, {"message_type": "insufficient_audio_activity", "error": "quiet"}])
def test_an_idle_close_is_a_reconnect_with_or_without_an_error(message):
    last = None if message is None else from_frame(message["message_type"], message["error"])
    assert from_close(1000, "", last).klass is ErrorClass.RECONNECT


def test_not_every_error_closes():
    desk = Desk()
    desk.say({"message_type": "input_error", "error": "Unexpected message type: x"})
    assert not desk.link.failed


def test_a_region_tag_is_refused_before_it_can_hang():
    assert "language_code" in SessionOptions(language_code="en-US").problems()


def test_the_background_filter_goes_with_language_detection_but_not_with_timestamps():
    detecting = SessionOptions(filter_background_audio=True, include_language_detection=True, include_timestamps=False)
    assert detecting.problems() == {}
    assert SessionOptions(filter_background_audio=True).problems()


@pytest.mark.parametrize("seconds", [0.3, 3.0])
def test_the_bounds_of_vad_are_inclusive(seconds):
    assert SessionOptions(vad_silence_threshold_secs=seconds).problems() == {}


def test_final_transcript_is_read_like_committed_transcript():
    final = decode('{"message_type":"final_transcript","text":"hi"}')
    assert final == decode('{"message_type":"committed_transcript","text":"hi"}')


def test_there_is_no_minimum_of_two_seconds_before_a_commit():
    simulation = simulate(Tape(6, (6, 6)))
    assert simulation.heard == [0, 1, 2, 3, 4, 5]
