"""What a lost, refused or silent service costs: no word."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from tests.realtime.simserver import Behaviour
from tests.realtime.simulation import Simulation, unreachable
from tests.realtime.streaming import SECOND, exact, first, frames, simulate
from tests.realtime.tape import BLOCK, Tape
from transcripts.realtime import errors
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.errors import ErrorClass
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.tuning import Tuning

# Recovery.


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012])
@pytest.mark.parametrize("live", [False, True])
def test_a_lost_connection_costs_no_word(code, live):
    tape = Tape(500)
    script = first(1, Behaviour(dies=(17.3, code, "", None)))
    simulation = simulate(tape, script, Tuning(live=live, preset="live"))
    exact(simulation, tape)
    assert [event.retry_in for event in simulation.interruptions] == [0.0]
    assert simulation.interruptions[0].code == "connection_lost"


def test_a_hundred_drops_in_one_tape_cost_no_word():
    tape = Tape(6000)

    def dying(number):
        return Behaviour(dies=(22.0 + number % 7, 1011, "", None)) if number <= 100 else Behaviour()

    simulation = simulate(tape, dying, Tuning(pace=None, preset="live"))
    exact(simulation, tape)
    assert len(simulation.interruptions) >= 25


def test_context_goes_with_the_first_frame_of_every_connection_only():
    script = first(3, Behaviour(dies=(40.0, 1006, "", None)))
    simulation = simulate(Tape(1500), script, Tuning(pace=4.0), previous_text="as we said before")
    for number in simulation.sessions:
        sent = frames(simulation, number)
        assert all("previous_text" not in frame for frame in sent[1:])
        assert len(sent[0]["previous_text"]) <= 50
    assert frames(simulation, 1)[0]["previous_text"] == "as we said before"
    assert frames(simulation, 2)[0]["previous_text"].startswith("b")


def test_times_are_rebased_on_every_connection():
    tape = Tape(1000)
    simulation = simulate(tape, first(4, Behaviour(dies=(30.0, 1006, "", None))))
    words = [word for event in simulation.committed for word in event.words if word.kind == "word"]
    assert [(word.text, word.start, word.end) for word in words] == [
        (f"b{block}", block * BLOCK, (block + 1) * BLOCK) for block in tape.spoken
    ]


def test_a_forced_cut_is_replayed_with_a_preroll_that_is_not_told_twice():
    tape = Tape(900, (1500, 0))
    simulation = simulate(tape, first(1, Behaviour(dies=(45.0, 1006, "", None))))
    exact(simulation, tape)
    assert simulation.sessions[2].heard > tape.end - simulation.committed[0].end


def test_a_live_source_catches_up_after_an_outage_at_its_pace():
    tape = Tape(900)

    def away(number):
        if number == 1:
            return Behaviour(dies=(20.0, 1006, "", None))
        return unreachable(number) if number < 5 else Behaviour()

    simulation = simulate(tape, away, Tuning(live=True, preset="live", pace=4.0))
    exact(simulation, tape)


def test_an_answer_of_a_connection_that_is_gone_changes_nothing():
    tape = Tape(300)

    def late(simulation, now):
        if 2 in simulation.sessions:
            text = json.dumps({"message_type": "committed_transcript", "text": "b9999"})
            simulation.stream.received(1, text, now)

    exact(simulate(tape, first(1, Behaviour(dies=(10.0, 1006, "", None))), meddle=late), tape)


@pytest.mark.parametrize(
    "fault", ["swallow", "double", "double_plain", "no_timed", "no_plain", "flip", "phantom_after"]
)
@pytest.mark.parametrize("pace", [None, 4.0])
def test_answers_that_are_lost_doubled_flipped_or_invented(fault, pace):
    tape = Tape(1500)

    def script(number):
        return Behaviour(**cast("Any", {fault: frozenset({0, 2, 3})})) if number < 4 else Behaviour()

    exact(simulate(tape, script, Tuning(pace=pace, preset="live")), tape)


def test_a_service_that_never_sends_word_times_is_asked_one_thing_at_a_time():
    tape = Tape(900)
    simulation = simulate(tape, lambda number: Behaviour(timed=False), Tuning(pace=None, preset="live"))
    exact(simulation, tape)
    assert len(simulation.opened_at) <= 3


@pytest.mark.parametrize("live", [False, True])
def test_without_timestamps_drops_and_lost_answers_still_cost_no_word(live):
    tape = Tape(900)
    options = SessionOptions(include_timestamps=False)
    dying = Behaviour(timed=False, dies=(25.0, 1006, "", None), swallow=frozenset({1}), double_plain=frozenset({0}))
    script = first(3, dying, Behaviour(timed=False))
    exact(simulate(tape, script, Tuning(preset="live", live=live), options), tape)


def test_a_service_that_falls_silent_is_left_after_forty_five_seconds():
    tape = Tape(1500)
    tuning = Tuning(live=True, preset="live", drain_s=1000.0)
    simulation = simulate(tape, first(1, Behaviour(mute_after_s=10.0)), tuning)
    exact(simulation, tape)
    [interruption] = simulation.interruptions
    assert interruption.code == "provider_silent"
    at = next(at for at, event in simulation.told_at if event is interruption)
    assert 50 <= at - simulation.began <= 60


@pytest.mark.parametrize("code", ["transcriber_error", "error", "gpu_on_fire_error"])
def test_an_error_of_the_service_is_retried_with_backoff(code):
    tape = Tape(400)
    dying = Behaviour(dies=(5.0, 1000, "", {"message_type": code, "error": "sorry"}))
    simulation = simulate(tape, first(3, dying))
    exact(simulation, tape)
    assert [event.code for event in simulation.interruptions] == [code] * 3
    assert all(event.retry_in <= 2 ** (event.attempt - 1) for event in simulation.interruptions)


def test_full_jitter_grows_to_its_cap_and_the_budget_ends_it():
    tuning = Tuning(pace=None, max_retry_s=400.0)
    simulation = simulate(Tape(50), unreachable, tuning, breaker=Breaker(), seed=3)
    error = simulation.stream.error
    assert (error.code, error.klass) == ("unreachable", ErrorClass.RETRY)
    waits = [event.retry_in for event in simulation.interruptions if event.code == "unreachable"]
    assert max(waits) <= 60
    assert simulation.now - simulation.began >= 400
    assert not simulation.committed


def test_a_live_stream_goes_on_probing_while_its_source_lasts():
    def away(number):
        return unreachable(number) if simulation_time() < 900 else Behaviour()

    tape = Tape(12_000, (30, 6))
    simulation = Simulation(SessionOptions(), Tuning(live=True, pace=None), away, tape.chunks(SECOND))

    def simulation_time():
        return simulation.now - simulation.began

    simulation.run()
    [gap] = simulation.gaps
    assert (gap.start, gap.reason) == (0, "buffer_overflow")
    assert gap.end == pytest.approx((900 - 120) * SECOND, abs=70 * SECOND)
    simulation.check_abutting()
    assert simulation.heard == [block for block in tape.spoken if block * BLOCK >= gap.end]


@pytest.mark.parametrize("code", ["queue_overflow", "rate_limited", "resource_exhausted"])
def test_a_service_that_is_pressed_too_hard_is_fed_in_real_time_from_then_on(code):
    tape = Tape(900)
    dying = Behaviour(dies=(20.0, 1000, "", {"message_type": code, "error": "slower"}))
    simulation = simulate(tape, first(1, dying), Tuning(pace=4.0))
    exact(simulation, tape)
    again = simulation.opened_at[1]
    assert again - simulation.opened_at[0] > 0.5
    sent = [(at, len(frame)) for at, number, frame in simulation.sent_at if number == 2]
    assert (sent[-1][0] - sent[0][0]) >= (tape.end / SECOND - 3)


def test_retry_after_is_honoured():
    script = lambda number: errors.from_status(429, "", 7.0) if number == 1 else Behaviour()  # noqa: E731
    simulation = simulate(Tape(50), script)
    assert simulation.opened_at[1] - simulation.opened_at[0] >= 7.0


@pytest.mark.parametrize(
    ("message", "klass"),
    [
        ("auth_error", ErrorClass.FATAL_KEY),
        ("unaccepted_terms", ErrorClass.FATAL_KEY),
        ("quota_exceeded", ErrorClass.QUOTA),
        ("invalid_request", ErrorClass.FATAL_JOB),
    ],
)
def test_what_only_a_person_can_mend_is_not_retried(message, klass):
    refusing = Behaviour(refuse={"message_type": message, "error": "no"})
    simulation = simulate(Tape(50), lambda number: refusing)
    error = simulation.stream.error
    assert (error.code, error.klass, error.provider_text) == (message, klass, "no")
    assert len(simulation.opened_at) == 1
    assert not simulation.interruptions


@pytest.mark.parametrize("status", [401, 403, 402, 404])
def test_a_refusal_at_the_handshake_is_not_retried_either(status):
    simulation = simulate(Tape(50), lambda number: errors.from_status(status))
    assert simulation.stream.error is not None
    assert len(simulation.opened_at) == 1


def test_quota_in_the_middle_keeps_what_was_committed():
    tape = Tape(900)
    dying = Behaviour(
        dies=(60.0, 1000, "", {"message_type": "quota_exceeded", "error": "You have exceeded your quota."})
    )
    simulation = simulate(tape, lambda number: dying, Tuning(pace=4.0))
    assert simulation.stream.error.klass is ErrorClass.QUOTA
    assert simulation.heard == tape.spoken[: len(simulation.heard)]
    assert simulation.stream.done == simulation.committed[-1].end > 0


def test_chunks_that_are_too_large_are_halved_once():
    tape = Tape(400)
    dying = Behaviour(dies=(1.0, 1000, "", {"message_type": "chunk_size_exceeded", "error": "too large"}))
    simulation = simulate(tape, first(1, dying))
    exact(simulation, tape)
    assert max(len(frame["audio_base_64"]) for frame in frames(simulation, 2)) <= 4 * -(-16_000 // 3)
    simulation = simulate(tape, lambda number: dying)
    assert simulation.stream.error.klass is ErrorClass.FATAL_JOB
    assert len(simulation.opened_at) == 2


def test_a_throttled_commit_is_a_lost_session_with_replay():
    tape = Tape(400)
    dying = Behaviour(dies=(20.0, 1000, "commit_throttled", {"message_type": "commit_throttled", "error": "0.00s"}))
    exact(simulate(tape, first(2, dying)), tape)


def test_a_service_that_accepts_and_drops_is_left_alone_for_a_while():
    breaker = Breaker()
    broken = Behaviour(start_delay_s=0.01, dies=(0.0, 1000, "", None))
    tuning = Tuning(pace=4.0, max_retry_s=400.0)
    simulation = simulate(Tape(300), lambda number: broken, tuning, breaker=breaker)
    for start in range(0, 340, 10):
        opened = [at for at in simulation.opened_at if start <= at - simulation.began < start + 60]
        assert len(opened) <= 4
    assert breaker.state == "open"


def test_the_breaker_of_others_is_respected_and_told():
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(990.0)
    tape = Tape(50)
    simulation = simulate(tape, breaker=breaker)
    exact(simulation, tape)
    assert simulation.interruptions[0].code == "provider_resting"
    assert simulation.opened_at[0] - simulation.began == pytest.approx(20.0, abs=0.1)
    assert breaker.state == "closed"
