"""Who of the team watches a transcript now: each process tells the others over the layer, best effort.

Names are announced when somebody comes or goes and again every few seconds; what was not heard again for a while is
forgotten, so a process that died takes its watchers along. Pure but for the clock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

W = TypeVar("W")

#: Names that one process announces, and that a browser is told.
MOST_NAMES = 20
#: Processes that are listened to, and the longest name taken from a message.
MOST_PROCESSES, NAME_CHARS = 64, 80
#: Announced again after so many seconds, forgotten after so many.
AGAIN_SECONDS, FORGET_SECONDS = 10.0, 25.0

#: Names this process on the layer.
PROCESS = uuid.uuid4().hex


class Presence(Generic[W]):
    """The watchers of one transcript: those of this process, and what the others said of theirs."""

    def __init__(self) -> None:
        #: Watcher -> (person, name); one person may have several pages open.
        self._here: dict[W, tuple[int, str]] = {}
        self._there: dict[str, tuple[float, dict[int, str]]] = {}
        self._told: dict[W, str] = {}
        self._announced = 0.0
        self._changed = False

    def enter(self, watcher: W, person: int, name: str) -> None:
        """Somebody opened the page here."""
        self._here[watcher] = (person, name[:NAME_CHARS])
        self._changed = True

    def leave(self, watcher: W) -> None:
        """A page was closed here."""
        self._told.pop(watcher, None)
        if self._here.pop(watcher, None) is not None:
            self._changed = True

    def untold(self, message: str) -> list[W]:
        """The watchers here to whom ``message`` would be news; they count as told from now on."""
        found = [watcher for watcher in self._here if self._told.get(watcher) != message]
        self._told |= dict.fromkeys(found, message)
        return found

    def is_due(self) -> bool:
        """Whether this process should announce its watchers now."""
        return self._changed or (bool(self._here) and time.monotonic() - self._announced > AGAIN_SECONDS)

    def announcement(self) -> dict[str, object]:
        """What the other processes are told; ends `is_due`."""
        self._changed, self._announced = False, time.monotonic()
        people = dict(list(self._people_here().items())[:MOST_NAMES])
        return {"process": PROCESS, "people": [[person, name] for person, name in people.items()]}

    def hear(self, message: Mapping[str, Any]) -> None:
        """What a process said; its own words are known already."""
        process = str(message.get("process", ""))[:64]
        people = {int(person): str(name)[:NAME_CHARS] for person, name in list(message["people"])[:MOST_NAMES]}
        if process == PROCESS:
            return
        self._there.pop(process, None)
        if people and len(self._there) < MOST_PROCESSES:
            self._there[process] = (time.monotonic(), people)

    def names(self) -> tuple[list[str], int]:
        """Names in order, the first of them only, and how many people there are."""
        now = time.monotonic()
        self._there = {key: kept for key, kept in self._there.items() if now - kept[0] < FORGET_SECONDS}
        everyone = self._people_here()
        for _at, people in self._there.values():
            everyone |= people
        return _sorted(everyone.values())[:MOST_NAMES], len(everyone)

    def _people_here(self) -> dict[int, str]:
        return dict(self._here.values())


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=str.casefold)
