"""A stream over as many sessions as it takes, in simulated time against simulated servers."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from tests.realtime.simserver import Behaviour
from tests.realtime.simulation import Simulation, faithful, unreachable
from tests.realtime.tape import BLOCK, Tape
from transcripts.media.pcm import Chunk
from transcripts.realtime import errors
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.errors import ErrorClass
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.results import Annotation, Committed, Connected, Gap, Partial
from transcripts.realtime.tuning import Tuning

SECOND = 16_000
FAST = Tuning(pace=None)


def simulate(tape, script=faithful, tuning=FAST, options=None, **more) -> Simulation:
    chunks = more.pop("chunks", None) or tape.chunks(BLOCK)
    simulation = Simulation(options or SessionOptions(), tuning, script, chunks, **more)
    simulation.run()
    return simulation


def first(count: int, behaviour: Behaviour, then: Behaviour | None = None):
    """The first ``count`` sessions behave so, the rest faithfully."""
    return lambda number: behaviour if number <= count else (then or Behaviour())


def exact(simulation: Simulation, tape: Tape) -> None:
    assert simulation.heard == tape.spoken
    simulation.check_abutting()


def frames(simulation: Simulation, link: int) -> list[dict]:
    return [json.loads(frame) for _, number, frame in simulation.sent_at if number == link]


# The plain way.


@pytest.mark.parametrize("preset", ["live", "accurate", "manual"])
@pytest.mark.parametrize("live", [False, True])
def test_everything_is_heard_once_in_one_session(preset, live):
    tape = Tape(700)
    simulation = simulate(tape, tuning=Tuning(preset=preset, live=live))
    exact(simulation, tape)
    assert len(simulation.opened_at) == 1
    assert simulation.finished.billed == tape.end
    assert not simulation.interruptions


def test_audio_waits_for_the_session_to_start():
    simulation = simulate(Tape(50), first(1, Behaviour(start_delay_s=4.0)))
    assert simulation.sent_at[0][0] - simulation.began >= 4.0


@pytest.mark.parametrize("size", [1, 1599, 70_000])
def test_chunks_may_have_any_size(size):
    tape = Tape(3 if size == 1 else 400)
    exact(simulate(tape, chunks=tape.chunks(size)), tape)


def test_a_live_source_is_followed_in_real_time():
    tape = Tape(600)
    simulation = simulate(tape, tuning=Tuning(preset="live", live=True, pace=4.0))
    last = next(at for at, event in reversed(simulation.told_at) if isinstance(event, Committed))
    assert last - simulation.began < 60 + 1.5


def test_a_file_leaves_at_its_pace():
    simulation = simulate(Tape(1200), tuning=Tuning(pace=4.0))
    assert simulation.now - simulation.began == pytest.approx(120 / 4, abs=1.5)


def test_partials_say_where_the_open_segment_starts():
    simulation = simulate(Tape(100), tuning=Tuning(live=True))
    partial = next(event for event in simulation.events if isinstance(event, Partial))
    assert partial.start == 0
    assert partial.heard >= 2 * SECOND
    assert partial.text.startswith("b0 b1")


def test_no_commit_is_ever_throttled_and_none_passes_the_ceiling():
    for preset, pattern in itertools.product(("live", "accurate"), ((1, 1), (400, 1), (3, 2), (1500, 0))):
        tape = Tape(901, pattern)
        simulation = simulate(tape, tuning=Tuning(preset=preset, pace=4.0))
        assert not simulation.interruptions
        assert max(event.end - event.start for event in simulation.committed) <= 32 * SECOND
        exact(simulation, tape)


# The end.


def test_a_tail_too_short_to_commit_waits_for_the_answer_before_it_and_is_padded():
    tape = Tape(38, (30, 6))
    simulation = simulate(tape, tuning=Tuning(preset="live", live=True))
    exact(simulation, tape)
    sent = frames(simulation, 1)
    commits = [index for index, frame in enumerate(sent) if frame["commit"]]
    assert len(commits) == 2
    answered = next(at for at, event in simulation.told_at if isinstance(event, Committed))
    last = [at for at, _, frame in simulation.sent_at if b'"commit":true' in frame][-1]
    assert last >= answered
    assert simulation.finished.billed > tape.end


def test_the_only_audio_may_be_shorter_than_the_floor():
    tape = Tape(2, (2, 6))
    simulation = simulate(tape)
    exact(simulation, tape)
    assert simulation.finished.billed == pytest.approx(0.35 * SECOND, abs=1)


def test_no_audio_at_all_is_finished_without_a_word():
    simulation = Simulation(SessionOptions(), FAST, faithful, [])
    simulation.run()
    assert [type(event).__name__ for event in simulation.events] == ["Finished"]
    assert simulation.finished.end == 0


@pytest.mark.parametrize(
    "message",
    ["commit_throttled", "input_error", "insufficient_audio_activity", "error", "quota_exceeded", "auth_error"],
)
def test_whatever_comes_after_the_last_answer_is_success(message):
    tape = Tape(50)

    def complain(simulation, now):
        if simulation.stream.done == tape.end and 1 in simulation.live:
            simulation.live[1].say(now, {"message_type": message, "error": "late"})
            simulation.live[1].close(now, 1000, message)

    exact(simulate(tape, meddle=complain), tape)


def test_the_socket_is_closed_by_us_after_everything_was_answered():
    simulation = simulate(Tape(300))
    told = [at for at, event in simulation.told_at if isinstance(event, Committed)][-1]
    assert simulation.closed_at[1] >= told


def test_a_stop_flushes_what_was_taken_and_takes_no_more():
    def stop(simulation, now):
        if now >= simulation.began + 10 and simulation._pending:
            simulation._pending.clear()
            simulation.stream.stop(now)

    tape = Tape(600)
    simulation = simulate(tape, tuning=Tuning(live=True), meddle=stop)
    assert simulation.heard == [block for block in tape.spoken if block < simulation.finished.end // BLOCK]
    assert 9 * SECOND <= simulation.finished.end <= 11 * SECOND


def test_a_stop_is_not_held_up_by_a_service_that_is_away():
    def stop(simulation, now):
        if now >= simulation.began + 10 and simulation._pending:
            simulation._pending.clear()
            simulation.stream.stop(now)

    def away(number):
        return Behaviour(dies=(5.0, 1006, "", None)) if number == 1 else unreachable(number)

    simulation = simulate(Tape(600), away, Tuning(live=True), meddle=stop)
    kept = [event for event in simulation.events if isinstance(event, Committed | Gap)]
    assert kept[0].unconfirmed
    assert kept[0].text.startswith("b0 b1")
    simulation.check_abutting()
    assert simulation.now - simulation.began < 10 + 2 * 15 + 12


def test_an_answer_that_never_comes_is_asked_for_again_and_then_given_up_visibly():
    tape = Tape(100)
    silent = Behaviour(swallow=frozenset(range(9)))
    simulation = simulate(tape, lambda number: silent)
    assert len(simulation.opened_at) == 1 + Tuning().max_replays
    [kept] = [event for event in simulation.committed if event.text]
    assert kept.unconfirmed
    simulation.check_abutting()


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
        return replace(Behaviour(), **{fault: frozenset({0, 2, 3})}) if number < 4 else Behaviour()

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


# Gaps, stalls, keep-alive.


def holed(tape: Tape, low: int, high: int) -> list[Chunk]:
    """The tape without the blocks from ``low`` to ``high``."""
    return [chunk for chunk in tape.chunks(BLOCK) if not low * BLOCK <= chunk.start < high * BLOCK]


@pytest.mark.parametrize("low", [100, 101, 136])
@pytest.mark.parametrize("live", [False, True])
def test_a_gap_of_the_source_is_told_and_not_sent(low, live):
    tape = Tape(400)
    simulation = simulate(tape, tuning=Tuning(preset="live", live=live), chunks=holed(tape, low, 180))
    assert simulation.gaps == [Gap(low * BLOCK, 180 * BLOCK, "source_dropped")]
    simulation.check_abutting()
    assert simulation.heard == [block for block in tape.spoken if not low <= block < 180]
    assert simulation.finished.billed < tape.end - (180 - low) * BLOCK + SECOND


def test_a_gap_is_rebased_on_one_connection_and_survives_a_reconnect():
    tape = Tape(600)
    for script in (faithful, first(2, Behaviour(dies=(15.0, 1006, "", None)))):
        simulation = simulate(tape, script, chunks=holed(tape, 100, 300))
        words = [word for event in simulation.committed for word in event.words if word.kind == "word"]
        assert all(word.start == int(word.text[1:]) * BLOCK for word in words)
        assert simulation.gaps == [Gap(100 * BLOCK, 300 * BLOCK, "source_dropped")]


def test_a_source_that_starts_late_starts_with_a_gap():
    tape = Tape(200)
    simulation = simulate(tape, chunks=tape.chunks(BLOCK)[50:])
    assert isinstance(simulation.events[0], Gap | Connected)
    assert simulation.gaps == [Gap(0, 50 * BLOCK, "source_dropped")]


class Stalling(Simulation):
    """A live source that delivers nothing for ``stall`` seconds after block ``at``."""

    at = 60
    stall = 40.0

    def _due(self) -> float:
        chunk = self._pending[-1]
        return self.began + chunk.end / SECOND + (self.stall if chunk.start >= self.at * BLOCK else 0.0)


def test_a_quiet_source_is_kept_alive_with_real_zeros_and_costs_little():
    tape = Tape(120)
    simulation = Stalling(SessionOptions(), Tuning(live=True, preset="live"), faithful, tape.chunks(BLOCK))
    simulation.run()
    exact(simulation, tape)
    assert not simulation.interruptions
    assert simulation.finished.billed - tape.end < SECOND
    zeros = [frame for frame in frames(simulation, 1) if len(frame["audio_base_64"]) == 856]
    assert 6 <= len(zeros) <= 8


def test_the_last_words_before_a_stall_are_settled_soon():
    tape = Tape(120, (200, 0))
    simulation = Stalling(SessionOptions(), Tuning(live=True, preset="live"), faithful, tape.chunks(BLOCK))
    simulation.run()
    at = next(at for at, event in simulation.told_at if isinstance(event, Committed))
    assert at - simulation.began < 6 + 2 + 1


def test_without_keep_alive_an_idle_close_is_a_reconnect_and_never_the_end():
    tape = Tape(120)
    tuning = Tuning(live=True, preset="live", keepalive_s=1000.0)
    simulation = Stalling(SessionOptions(), tuning, faithful, tape.chunks(BLOCK))
    simulation.run()
    exact(simulation, tape)
    assert len(simulation.interruptions) >= 1


def test_hours_of_stall_never_reach_the_services_own_limit():
    tape = Tape(120)
    simulation = Stalling(SessionOptions(), Tuning(live=True, preset="live"), faithful, tape.chunks(BLOCK))
    simulation.stall = 4 * 3600.0
    simulation.run()
    exact(simulation, tape)
    assert not simulation.interruptions


def test_a_file_waits_at_the_bound_and_loses_nothing():
    def away(number):
        return unreachable(number) if number < 6 else Behaviour()

    tape = Tape(3000)
    most = 0

    def watch(simulation, now):
        nonlocal most
        most = max(most, simulation.stream._buffer.end - simulation.stream.done)

    simulation = simulate(tape, away, Tuning(pace=None, replay_buffer_s=60.0), meddle=watch)
    exact(simulation, tape)
    assert most <= 61 * SECOND


# Rotation.


@pytest.mark.parametrize("live", [False, True])
def test_sessions_are_changed_ahead_of_a_known_limit_without_a_break(live):
    tape = Tape(6000)
    tuning = Tuning(live=live, preset="live", pace=4.0 if not live else None, session_limit_s=60.0)
    simulation = simulate(tape, lambda number: Behaviour(limit_s=60.0), tuning)
    exact(simulation, tape)
    assert len(simulation.opened_at) >= 10
    assert not simulation.interruptions
    assert all(session.heard <= 60 * SECOND for session in simulation.sessions.values())


def test_a_limit_is_learned_from_the_complaint_and_shared():
    breaker = Breaker()
    tape = Tape(3000)
    tuning = Tuning(live=True, preset="live", pace=None)
    simulation = simulate(tape, lambda number: Behaviour(limit_s=60.0), tuning, breaker=breaker)
    exact(simulation, tape)
    assert [event.code for event in simulation.interruptions] == ["session_time_limit_exceeded"]
    assert breaker.learned_limit[0] == pytest.approx(60, abs=1)
    again = simulate(tape, lambda number: Behaviour(limit_s=60.0), tuning, breaker=breaker)
    assert not again.interruptions


def test_a_successor_that_does_not_come_leaves_the_present_session_alone():
    def script(number):
        return unreachable(number) if number in (2, 3) else Behaviour(limit_s=60.0)

    tape = Tape(1500)
    tuning = Tuning(live=True, preset="live", pace=None, session_limit_s=60.0)
    simulation = simulate(tape, script, tuning)
    exact(simulation, tape)


def test_a_session_that_dies_while_its_successor_stands_by_is_replaced_at_once():
    tape = Tape(900, (900, 0))
    tuning = Tuning(live=True, preset="accurate", pace=None, session_limit_s=60.0)
    simulation = simulate(tape, first(1, Behaviour(dies=(48.5, 1006, "", None))), tuning)
    exact(simulation, tape)


# Commit now, resuming, and the rest.


def test_commit_now_commits_what_was_said():
    def press(simulation, now):
        if 3.0 <= now - simulation.began < 3.01:
            simulation.stream.request_commit()

    tape = Tape(300, (300, 0))
    simulation = simulate(tape, tuning=Tuning(live=True, preset="manual"), meddle=press)
    exact(simulation, tape)
    assert simulation.committed[0].end == pytest.approx(3 * SECOND, abs=0.5 * SECOND)


def test_commit_now_with_too_little_waits_until_it_is_legal():
    def press(simulation, now):
        if simulation.sent_at and not simulation.stream._sender.requested:
            simulation.stream.request_commit()

    tape = Tape(100)
    simulation = simulate(tape, tuning=Tuning(live=True, preset="manual"), meddle=press)
    exact(simulation, tape)
    assert not simulation.interruptions
    assert min(event.end - event.start for event in simulation.committed[:-1]) >= 0.35 * SECOND


def test_resuming_begins_at_the_given_sample():
    tape = Tape(300)
    simulation = simulate(tape, chunks=tape.chunks(BLOCK, start=120 * BLOCK), start=120 * BLOCK)
    assert simulation.heard == [block for block in tape.spoken if block >= 120]
    simulation.check_abutting()


@pytest.mark.parametrize("timestamps", [True, False])
def test_a_preroll_before_the_start_is_heard_and_not_told(timestamps):
    tape = Tape(300)
    simulation = simulate(
        tape,
        lambda number: Behaviour(timed=timestamps),
        chunks=tape.chunks(BLOCK, start=110 * BLOCK),
        start=120 * BLOCK,
        options=SessionOptions(include_timestamps=timestamps),
    )
    assert simulation.heard == [block for block in tape.spoken if block >= 120]
    simulation.check_abutting()
    heard = simulation.sessions[1].heard
    assert heard == (190 if timestamps else 180) * BLOCK


def test_a_consumer_that_is_behind_stops_everything_but_the_keep_alive():
    tape = Tape(2000)
    simulation = Simulation(
        SessionOptions(), Tuning(pace=None, preset="live", max_events=2), faithful, tape.chunks(BLOCK)
    )
    take = simulation._take
    simulation._take = lambda: take() if simulation.now - simulation.began > 30 else None
    simulation.run()
    exact(simulation, tape)
    assert not simulation.interruptions
    early = [frame for at, _, frame in simulation.sent_at if at - simulation.began < 29]
    assert sum(len(frame) for frame in early) < 60 * 43_000


def test_everything_the_service_says_is_kept():
    tape = Tape(300)
    said = [
        {"message_type": "warning", "warning": "logged"},
        {"message_type": "mystery", "x": 1},
        {"message_type": "input_error", "error": "what?"},
    ]
    complaints = dict(enumerate(said))
    simulation = simulate(tape, lambda number: Behaviour(complaints=complaints))
    exact(simulation, tape)
    notes = [event for event in simulation.events if isinstance(event, Annotation)]
    assert [{"message_type": note.kind, **note.payload} for note in notes] == said


# The provider's own voice detection.


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("pattern", [(30, 8), (10, 12, 3, 9), (400, 10), (5, 100)])
def test_under_vad_everything_is_heard_once(live, pattern):
    tape = Tape(700, pattern)
    options = SessionOptions(commit_strategy="vad", vad_silence_threshold_secs=0.5)
    behaviour = Behaviour(vad=True, vad_silence_s=0.5)
    simulation = simulate(tape, lambda number: behaviour, Tuning(live=live, preset="provider_vad"), options)
    exact(simulation, tape)
    assert not simulation.interruptions


def test_under_vad_a_drop_costs_no_word():
    tape = Tape(900, (30, 8))
    options = SessionOptions(commit_strategy="vad", vad_silence_threshold_secs=0.5)
    faithful_vad = Behaviour(vad=True, vad_silence_s=0.5)
    script = first(5, replace(faithful_vad, dies=(12.3, 1006, "", None)), faithful_vad)
    exact(simulate(tape, script, Tuning(live=True, preset="provider_vad"), options), tape)


def test_under_vad_a_long_silence_overflows_nothing():
    tape = Tape(4000, (20, 3500))
    options = SessionOptions(commit_strategy="vad", vad_silence_threshold_secs=0.5)
    behaviour = Behaviour(vad=True, vad_silence_s=0.5)
    simulation = simulate(tape, lambda number: behaviour, Tuning(live=True, preset="provider_vad"), options)
    exact(simulation, tape)
    assert not simulation.gaps
