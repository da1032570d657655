"""When to commit. Ours to choose, not the provider's: fewer commits, at real pauses, are more accurate.

Pure. A commit never leaves less than the floor, nor lets more than the ceiling pile up (protocol.md 7.3: the service
closes the session under 0.3 s, goes silent for commits beyond 35 s and commits by itself at about 36 s). Positions are
samples on the transcript's clock and commits lie on a grid of 100 ms where they can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from transcripts.media.pcm import SAMPLE_RATE, ms_to_samples, seconds_to_samples
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.tuning import Tuning

#: Commits are considered at multiples of this.
GRID = SAMPLE_RATE // 10

#: Within so many samples of the forced commit, any dip will do.
_RELAX = 4 * SAMPLE_RATE
#: Voice without a pause for so long: the provider's voice detection cannot be about to commit.
_SURELY_SPEAKING = SAMPLE_RATE * 3 // 2


class Levels(Protocol):
    """What the pause detector can tell."""

    def pause_at(self, position: int) -> int: ...

    def voice_in(self, start: int, end: int) -> int: ...

    def loudness_at(self, position: int, width: int) -> int: ...


@dataclass(frozen=True, slots=True)
class View:
    """What there is to decide on.

    ``begin`` is where the open segment starts, ``cursor`` the next sample to send, ``available`` the end of the audio
    at hand, ``uncommitted`` and ``fresh`` the most and the least that the provider may count as uncommitted at
    ``cursor``. ``waits`` says that more audio will come and may be waited for; ``hurry`` that a border is wanted soon.
    """

    begin: int
    cursor: int
    available: int
    uncommitted: int
    fresh: int
    waits: bool = False
    hurry: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A pause of ``pause`` samples is good enough once ``age`` are uncommitted and ``voice`` of them are voice."""

    age: int
    pause: int
    voice: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Send up to ``limit``; ``cut`` says to commit there."""

    limit: int
    cut: bool


class CommitPolicy:
    """The rules of one preset."""

    def __init__(self, options: SessionOptions, tuning: Tuning) -> None:
        self._floor = seconds_to_samples(tuning.commit_floor_s)
        ceiling = seconds_to_samples(tuning.commit_ceiling_s)
        # Keep-alive and padding may still be added after the last frame of audio.
        self._forced = min(seconds_to_samples(tuning.commit_forced_s), ceiling - SAMPLE_RATE // 2)
        self._provider = options.commit_strategy != "manual"
        threshold = options.vad_silence_threshold_secs
        self._provider_pause = seconds_to_samples(1.5 if threshold is None else threshold)
        self._rules = () if self._provider else _rules(tuning, self._forced)
        self._hurried = (Rule(self._floor, ms_to_samples(300)),)
        # Places that were judged and found wanting need no second look until something else about them changes.
        self._judged: tuple[int, int, bool] = (-1, 0, False)
        self._judged_until = 0

    def plan(self, view: View, levels: Levels) -> Plan:
        """How far to send, and whether to commit there."""
        offset = view.uncommitted - view.cursor
        forced = max(view.cursor, self._forced - offset)
        first = view.cursor if view.cursor > view.begin else view.cursor + 1
        grid = -(-max(first, self._unjudged(view, offset)) // GRID) * GRID
        for position in range(grid, min(view.available, forced) + 1, GRID):
            if view.fresh + position - view.cursor < self._floor:
                continue
            if self._good(position, position + offset, view, levels):
                return Plan(position, cut=True)
            self._judged_until = position + 1
        if view.available >= forced:
            return self._force(forced, view, levels)
        if view.waits and view.available + offset >= self._forced - _RELAX:
            # A file can wait until the whole stretch is in sight, and then be cut where it is quietest.
            return Plan(max(view.cursor, self._forced - _RELAX - offset), cut=False)
        return Plan(view.available, cut=False)

    def _unjudged(self, view: View, offset: int) -> int:
        key = (view.begin, offset, view.hurry)
        if key != self._judged:
            self._judged, self._judged_until = key, 0
        return self._judged_until

    def _good(self, position: int, age: int, view: View, levels: Levels) -> bool:
        if self._provider:
            return self._safe_beside_vad(position, age, levels)
        pause = levels.pause_at(position)
        rules = self._rules + (self._hurried if view.hurry else ())
        return any(
            age >= rule.age
            and pause >= rule.pause
            and (not rule.voice or levels.voice_in(view.begin, position) >= rule.voice)
            for rule in rules
        )

    def _safe_beside_vad(self, position: int, age: int, levels: Levels) -> bool:
        """Whether the provider's own voice detection cannot commit at this very moment, which would starve ours."""
        if age < self._forced - _RELAX - SAMPLE_RATE:
            return False
        pause = levels.pause_at(position)
        if pause >= self._provider_pause + 2 * SAMPLE_RATE:
            return True
        return pause == 0 and levels.voice_in(position - _SURELY_SPEAKING, position) >= _SURELY_SPEAKING * 9 // 10

    def _force(self, forced: int, view: View, levels: Levels) -> Plan:
        if not view.waits or self._provider:
            return Plan(forced, cut=True)
        low = max(view.cursor, forced - _RELAX, view.cursor + self._floor - view.fresh)
        places = range(-(-low // GRID) * GRID, forced + 1, GRID)
        return Plan(min(places, key=lambda at: (levels.loudness_at(at, GRID), -at), default=forced), cut=True)


def _rules(tuning: Tuning, forced: int) -> tuple[Rule, ...]:
    pause = seconds_to_samples(tuning.pause_s)
    late = (Rule(forced - _RELAX, ms_to_samples(300)), Rule(forced - _RELAX // 2, ms_to_samples(100)))
    if tuning.preset == "manual":
        return late
    if tuning.preset == "accurate":
        return (Rule(min(seconds_to_samples(tuning.accurate_after_s), forced), pause), *late)
    return (
        Rule(seconds_to_samples(tuning.live_after_s), pause, voice=SAMPLE_RATE),
        # A short remark has to settle too, only a little later.
        Rule(0, 3 * pause, voice=SAMPLE_RATE // 10),
        Rule(forced // 2, ms_to_samples(300), voice=SAMPLE_RATE),
        *late,
    )
