"""A stream over as many sessions as it takes, in simulated time against simulated servers."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.realtime.simserver import Behaviour
from tests.realtime.simulation import Simulation, faithful, unreachable
from tests.realtime.streaming import FAST, SECOND, exact, first, frames, simulate
from tests.realtime.tape import BLOCK, Tape
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.results import Annotation, Committed, Gap, Partial
from transcripts.realtime.tuning import Tuning

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


def test_a_consumer_that_is_behind_stops_everything_but_the_keep_alive(monkeypatch):
    tape = Tape(2000)
    simulation = Simulation(
        SessionOptions(), Tuning(pace=None, preset="live", max_events=2), faithful, tape.chunks(BLOCK)
    )
    take = simulation._take
    monkeypatch.setattr(simulation, "_take", lambda: take() if simulation.now - simulation.began > 30 else None)
    simulation.run()
    exact(simulation, tape)
    assert not simulation.interruptions
    early = [frame for at, _, frame in simulation.sent_at if at - simulation.began < 29]
    assert sum(len(frame) for frame in early) < 60 * 43_000


def test_everything_the_service_says_is_kept():
    tape = Tape(300)
    said: list[dict[str, Any]] = [
        {"message_type": "warning", "warning": "logged"},
        {"message_type": "mystery", "x": 1},
        {"message_type": "input_error", "error": "what?"},
    ]
    complaints = dict(enumerate(said))
    simulation = simulate(tape, lambda number: Behaviour(complaints=complaints))
    exact(simulation, tape)
    notes = [event for event in simulation.events if isinstance(event, Annotation)]
    assert [{"message_type": note.kind, **note.payload} for note in notes] == said
