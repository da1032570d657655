"""Named places where a test may make this process die or stand still.

``STTWEB_FAULT=append.before_commit:kill@7`` kills the process at the seventh passage of that place. Several are
separated by commas. Actions: ``kill`` (SIGKILL), ``exit`` (status 137), ``block=SECONDS`` (the thread stands still).
Without ``@`` the first passage counts, ``@*`` is every one. Nothing of it is there unless ``STTWEB_TESTING=1``.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

#: Every place there is.
PLACES = frozenset(
    {
        "session.start",
        "decode.start",
        "session.event",
        "append.before_commit",
        "append.after_commit",
        "settle.before_commit",
        # A log has grown and is about to be read for webhooks and alerts; what it says is written, not committed.
        "news.start",
        "news.before_commit",
        # A receiver has answered, and the answer is not written down yet.
        "webhook.answered",
    }
)


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """One rule. ``passage`` counts from 1; 0 means every one."""

    place: str
    action: str
    seconds: float = 0.0
    passage: int = 1


def parse(text: str) -> list[FaultPoint]:
    """The rules of ``text``. Raises ValueError for a place or an action that does not exist."""
    return [_rule(part.strip()) for part in text.split(",") if part.strip()]


def _rule(text: str) -> FaultPoint:
    place, _, rest = text.partition(":")
    action, _, passage = rest.partition("@")
    action, _, seconds = action.partition("=")
    if place not in PLACES or action not in {"kill", "exit", "block"}:
        raise ValueError(f"no such fault: {text!r}")
    return FaultPoint(place, action, float(seconds or 0), 0 if passage == "*" else int(passage or 1))


class FaultPoints:
    """Counts passages and acts when one is due. May be passed from any thread."""

    def __init__(self, rules: list[FaultPoint]) -> None:
        self._rules = rules
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, place: str) -> None:
        """Pass ``place``."""
        with self._lock:
            self._passed[place] += 1
            count = self._passed[place]
        for rule in self._rules:
            if rule.place == place and rule.passage in {0, count}:
                _act(rule)


def _act(rule: FaultPoint) -> None:
    if rule.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif rule.action == "exit":
        os._exit(137)
    else:
        time.sleep(rule.seconds)


def _nothing(place: str) -> None:
    """What a passage is outside of tests."""


def from_environment(environment: Mapping[str, str]) -> FaultPoints | None:
    """The faults that the environment asks for, or None."""
    text = environment.get("STTWEB_FAULT", "")
    return FaultPoints(parse(text)) if text and environment.get("STTWEB_TESTING") == "1" else None


#: Pass a place, by its name.
passing = from_environment(os.environ) or _nothing
