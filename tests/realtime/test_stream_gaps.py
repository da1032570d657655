"""Sources with holes and stalls, sessions changed before their limit, and commits of the provider."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.realtime.simserver import Behaviour
from tests.realtime.simulation import Simulation, faithful, unreachable
from tests.realtime.streaming import SECOND, exact, first, frames, simulate
from tests.realtime.tape import BLOCK, Tape
from transcripts.media.pcm import Chunk
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.results import Committed, Connected, Gap
from transcripts.realtime.tuning import Tuning

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
        most = max(most, simulation.stream._end - simulation.stream.done)

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
    assert breaker.learned_limit is not None
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
