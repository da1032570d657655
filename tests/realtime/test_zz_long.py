"""Any mixture of losses, doubles, disorder and reconnects: the transcript is the audio, once and in order."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.realtime.simserver import Behaviour
from tests.realtime.simulation import Simulation
from tests.realtime.tape import Tape
from transcripts.realtime import errors
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.tuning import Tuning

CODES = ["transcriber_error", "queue_overflow", "rate_limited", "session_time_limit_exceeded", "error"]

ends = st.tuples(
    st.floats(0.5, 120),
    st.sampled_from([1000, 1001, 1006, 1011, 1012]),
    st.just(""),
    st.none() | st.sampled_from(CODES).map(lambda code: {"message_type": code, "error": "x"}),
)
some = st.frozensets(st.integers(0, 11), max_size=4)


@st.composite
def manual_sessions(draw):
    no_timed = draw(some)
    return Behaviour(
        dies=draw(st.none() | ends),
        swallow=draw(some),
        double=draw(some),
        double_plain=draw(some),
        no_timed=no_timed,
        no_plain=draw(some) - no_timed,
        flip=draw(some),
        phantom_after=draw(some),
        latency_s=draw(st.sampled_from([0.05, 0.25, 0.44, 1.5])),
        start_delay_s=draw(st.sampled_from([0.01, 0.05, 3.0])),
        echo=draw(st.booleans()),
        mute_after_s=draw(st.none() | st.floats(5, 100)),
        limit_s=draw(st.none() | st.sampled_from([20.0, 60.0])),
    )


@st.composite
def vad_sessions(draw):
    # A lost answer to a commit of the provider's own can only be noticed by a partial: not an exact matter.
    return Behaviour(
        vad=True,
        vad_silence_s=0.5,
        dies=draw(st.none() | ends),
        double=draw(some),
        double_plain=draw(some),
        flip=draw(some),
        phantom_after=draw(some),
        latency_s=draw(st.sampled_from([0.05, 0.25, 0.44])),
        echo=draw(st.booleans()),
    )


faults = st.sampled_from([errors.unreachable("OSError"), errors.from_status(503), errors.from_status(429, "", 1.0)])
tapes = st.builds(
    Tape,
    st.integers(1, 900),
    st.sampled_from([(30, 6), (8, 8), (100, 3), (400, 1), (5, 30), (1500, 0), (20, 7, 4, 9)]),
)
tunings = st.builds(
    Tuning,
    preset=st.sampled_from(["live", "accurate", "manual"]),
    live=st.booleans(),
    pace=st.sampled_from([None, 1.0, 4.0]),
    chunk_ms=st.sampled_from([None, 100, 500]),
    preroll_s=st.sampled_from([0.0, 1.0]),
    session_limit_s=st.sampled_from([None, 30.0, 60.0]),
    drain_s=st.just(5.0),
    # Patience without end: what is given up is another test's business.
    max_replays=st.just(1000),
    max_retry_s=st.just(1e9),
    replay_buffer_s=st.just(10_000.0),
)
exactly = settings(
    max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def check(tape, tuning, sessions, last, options, chunk):
    def script(number):
        return sessions[number - 1] if number <= len(sessions) else last

    simulation = Simulation(options, tuning, script, tape.chunks(chunk))
    simulation.run()
    missing = sorted(set(tape.spoken) - set(simulation.heard))
    assert simulation.heard == tape.spoken, f"missing {missing[:9]}"
    simulation.check_abutting()
    words = [word for event in simulation.committed for word in event.words if word.kind == "word"]
    assert all(word.start == int(word.text[1:]) * 1600 for word in words)


@exactly
@given(tapes, tunings, st.lists(manual_sessions() | faults, max_size=8), st.sampled_from([160, 1600, 1234, 40_000]))
def test_the_transcript_is_the_audio_whatever_the_service_does(tape, tuning, sessions, chunk):
    check(tape, tuning, sessions, Behaviour(), SessionOptions(), chunk)


@exactly
@given(tapes, tunings, st.lists(vad_sessions() | faults, max_size=8), st.sampled_from([160, 1600, 40_000]))
def test_and_when_the_service_commits_by_its_own_voice_detection(tape, tuning, sessions, chunk):
    options = SessionOptions(commit_strategy="vad", vad_silence_threshold_secs=0.5)
    check(tape, tuning, sessions, Behaviour(vad=True, vad_silence_s=0.5), options, chunk)
