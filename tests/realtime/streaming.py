"""Short ways to run a stream against the simulated service and to look at what came out."""

from __future__ import annotations

import json

from tests.realtime.simserver import Behaviour
from tests.realtime.simulation import Simulation, faithful
from tests.realtime.tape import BLOCK, Tape
from transcripts.realtime.options import SessionOptions
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
