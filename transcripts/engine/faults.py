"""Scripted misbehaviour: a plan names faults, where they strike, and a seed; the same plan always does the same.

A plan is JSON: ``{"seed": 7, "rules": [{"fault": "drop", "at": [5, 40], "times": 20}, ...]}``. See docs/engine.md for
every fault and its fields. It decides, the session acts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcripts.engine.errors import FaultPlanInvalid

#: Faults of the handshake, faults at a second of the connection's audio, faults of the answer to a commit, and pacing.
AT_START = frozenset({"refuse", "delayed_start", "auth_error"})
AT_AUDIO = frozenset(
    {
        "error",
        "drop",
        "hang_up",
        "close",
        "stall",
        "stop_reading",
        "phantom",
        "session_limit",
        "quota",
        "insufficient_audio",
    }
)
AT_COMMIT = frozenset({"swallow", "duplicate", "no_twin", "flip", "late"})
AT_PACE = frozenset({"overflow"})
FAULTS = AT_START | AT_AUDIO | AT_COMMIT | AT_PACE

#: Fields of a rule and their types.
FIELDS: Mapping[str, tuple[type, ...]] = {
    "fault": (str,),
    "connections": (list,),
    "probability": (int, float),
    "times": (int,),
    "at": (int, float, list),
    "commit": (int, list),
    "type": (str,),
    "text": (str,),
    "code": (int,),
    "reason": (str,),
    "closes": (bool,),
    "seconds": (int, float),
    "copies": (int,),
    "status": (int,),
    "pace": (int, float),
}

SHORTHAND = {
    "session_limit": "session_time_limit_exceeded",
    "quota": "quota_exceeded",
    "insufficient_audio": "insufficient_audio_activity",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a plan. ``at`` is seconds of audio of the connection, ``commit`` counts its commits from 1."""

    fault: str
    connections: tuple[int, ...] = ()
    probability: float = 1.0
    times: int | None = None
    at: tuple[float, float] = (0.0, 0.0)
    commit: tuple[int, int] = (1, 1_000_000)
    each: bool = True
    type: str = "error"
    text: str | None = None
    code: int | None = None
    reason: str | None = None
    closes: bool = True
    seconds: float = 5.0
    copies: int = 2
    status: int = 503
    pace: float = 4.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule that will strike this connection at ``at`` seconds of audio (or at commit number ``commit``)."""

    rule: Rule
    at: float = 0.0
    commit: int = 0


class FaultPlan:
    """Rules with a seed. ``struck`` counts what happened, by fault, for the tests' account."""

    def __init__(self, rules: list[Rule] | None = None, seed: int = 0) -> None:
        self.rules = rules or []
        self.seed = seed
        self.struck: dict[str, int] = {}
        self._left = {index: rule.times for index, rule in enumerate(self.rules)}
        self._connections = 0

    @classmethod
    def from_json(cls, text: str) -> FaultPlan:
        """Reads a plan; raises ``FaultPlanInvalid`` with the place of the mistake."""
        try:
            plan = json.loads(text)
        except ValueError as error:
            raise FaultPlanInvalid(f"The fault plan is not valid JSON: {error}.") from error
        if not isinstance(plan, dict) or not isinstance(plan.get("rules"), list):
            raise FaultPlanInvalid('The fault plan must be an object with a list "rules".')
        seed = plan.get("seed", 0)
        if not isinstance(seed, int):
            raise FaultPlanInvalid('"seed" must be a whole number.')
        return cls([_rule(index, rule) for index, rule in enumerate(plan["rules"])], seed)

    @classmethod
    def load(cls, plan: str) -> FaultPlan:
        """From JSON text, or from the file of that name; raises ``FaultPlanInvalid``."""
        if plan.lstrip().startswith("{"):
            return cls.from_json(plan)
        try:
            return cls.from_json(Path(plan).read_text(encoding="utf-8"))
        except OSError as error:
            raise FaultPlanInvalid(f"The fault plan cannot be read: {error}.") from error

    def connection(self) -> ConnectionFaults:
        """The faults of the next connection (connections count from 1)."""
        self._connections += 1
        return ConnectionFaults(self, self._connections)

    def take(self, index: int) -> bool:
        """Uses up one of a rule's ``times``; False when none is left."""
        left = self._left[index]
        if left is not None and left <= 0:
            return False
        self._left[index] = None if left is None else left - 1
        fault = self.rules[index].fault
        self.struck[fault] = self.struck.get(fault, 0) + 1
        return True


@dataclass(slots=True)
class ConnectionFaults:
    """What strikes one connection, drawn from the seed and the connection's number alone."""

    plan: FaultPlan
    number: int
    _audio: list[tuple[float, int]] = field(default_factory=list)
    _commits: dict[int, tuple[int, int]] = field(default_factory=dict)
    _active: list[int] = field(default_factory=list)
    _random: dict[int, random.Random] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, rule in enumerate(self.plan.rules):
            draw = random.Random(f"{self.plan.seed}:{self.number}:{index}")  # noqa: S311
            if rule.connections and self.number not in rule.connections:
                continue
            if rule.fault not in AT_COMMIT and draw.random() >= rule.probability:
                continue
            self._active.append(index)
            self._random[index] = draw
            if rule.fault in AT_AUDIO:
                self._audio.append((draw.uniform(*rule.at), index))
            if rule.fault in AT_COMMIT:
                number = draw.randint(*rule.commit)
                self._commits[index] = rule.commit if rule.each else (number, number)
        self._audio.sort()

    def at_start(self, *names: str) -> Rule | None:
        """The first handshake fault among ``names``."""
        return next(iter(self._take(AT_START & set(names))), None)

    def at_audio(self, seconds: float) -> list[Rule]:
        """The faults whose second of audio has come, each once."""
        due = [index for at, index in self._audio if at <= seconds]
        self._audio = [(at, index) for at, index in self._audio if at > seconds]
        return [self.plan.rules[index] for index in due if self.plan.take(index)]

    def next_audio(self) -> float | None:
        """Second of audio of the next such fault."""
        return self._audio[0][0] if self._audio else None

    def at_commit(self, number: int) -> dict[str, Rule]:
        """The faults of the answer to commit ``number``, by name."""
        found: dict[str, Rule] = {}
        for index, (low, high) in self._commits.items():
            rule = self.plan.rules[index]
            hit = low <= number <= high and self._random[index].random() < rule.probability
            if hit and self.plan.take(index):
                found[rule.fault] = rule
        return found

    def overflow(self) -> Rule | None:
        """The pacing limit of this connection, not yet counted as struck."""
        return next((self.plan.rules[i] for i in self._active if self.plan.rules[i].fault == "overflow"), None)

    def overflowed(self) -> bool:
        """Counts the pacing fault; False when its times are used up."""
        return any(self.plan.take(i) for i in self._active if self.plan.rules[i].fault == "overflow")

    def _take(self, names: frozenset[str]) -> list[Rule]:
        rules = [(index, self.plan.rules[index]) for index in self._active]
        return [rule for index, rule in rules if rule.fault in names and self.plan.take(index)]


def _rule(index: int, raw: object) -> Rule:
    where = f"Rule {index + 1} of the fault plan"
    if not isinstance(raw, dict) or raw.get("fault") not in FAULTS:
        raise FaultPlanInvalid(f'{where} needs a "fault", one of: {", ".join(sorted(FAULTS))}.')
    values: dict[str, Any] = {}
    for name, value in raw.items():
        kinds = FIELDS.get(name)
        if kinds is None or not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise FaultPlanInvalid(f'{where}: "{name}" is unknown or has the wrong type.')
        values[name] = value
    return Rule(**_shaped(where, values))


def _shaped(where: str, values: dict[str, Any]) -> dict[str, Any]:
    fault = values["fault"]
    values["type"] = values.get("type", SHORTHAND.get(fault, "error"))
    values["connections"] = tuple(values.get("connections", ()))
    if "at" in values:
        values["at"] = _pair(where, values["at"])
    if "commit" in values:
        values["each"] = not isinstance(values["commit"], list)
        values["commit"] = _pair(where, values["commit"])
    return values


def _pair(where: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, list):
        return value, value
    if len(value) != 2 or not all(isinstance(part, int | float) for part in value) or value[0] > value[1]:
        raise FaultPlanInvalid(f"{where}: a range is two numbers, the smaller first.")
    return value[0], value[1]
