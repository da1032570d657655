"""Plain and timed finals of one commit, made one.

Pure. With word times or language detection on, the service answers each commit twice, in either order, and either twin
may be lost, late or repeated (protocol.md 1.7, 7.3). The timed one is taken; the plain one is kept for a while in case
its twin never comes. Nothing here knows about commits: out comes one answer per pair, in order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from transcripts.realtime.messages import Final


@dataclass(frozen=True, slots=True)
class _Waiting:
    final: Final
    until: float


class TwinMatcher:
    """Feed finals, take answers. ``timed`` says whether timed twins are to be expected; times in seconds."""

    def __init__(self, *, timed: bool, patience_s: float) -> None:
        self._timed = timed
        self._patience = patience_s
        self._plain: deque[_Waiting] = deque()
        #: Twins that were answered for already: a message with such a text is the other half, not an answer.
        self._owed: deque[_Waiting] = deque()
        self._last_text: str | None = None

    @property
    def due(self) -> float | None:
        """When ``expire`` has something to do."""
        return self._plain[0].until if self._plain else None

    def holds(self, text: str) -> bool:
        """Whether a plain final of this text still waits for its twin."""
        return any(item.final.text == text for item in self._plain)

    def feed(self, final: Final, now: float) -> list[Final]:
        """Take a message; returns the answers that it completes."""
        while self._owed and self._owed[0].until <= now:
            self._owed.popleft()
        if not self._timed and not final.timed:
            return self._answers([final])
        return self._feed_timed(final, now) if final.timed else self._feed_plain(final, now)

    def expire(self, now: float) -> list[Final]:
        """Plain finals whose twin did not come in time.

        One that repeats the text of the answer before it is a doubled message, not an answer: a real repeat would have
        a twin of its own, and if that was lost too, the unanswered commit is replayed.
        """
        given: list[Final] = []
        while self._plain and self._plain[0].until <= now:
            item = self._plain.popleft()
            if item.final.text != self._last_text:
                given += self._answers([item.final])
                self._owed.append(replace(item, final=replace(item.final, timed=True), until=now + self._patience))
        return given

    def flush(self) -> list[Final]:
        """All that still waits, now: no more messages will come."""
        return self.expire(float("inf"))

    def _feed_plain(self, final: Final, now: float) -> list[Final]:
        if self._settle(final):
            return []
        self._plain.append(_Waiting(final, now + self._patience))
        return []

    def _feed_timed(self, final: Final, now: float) -> list[Final]:
        if not any(item.final.text == final.text for item in self._plain):
            if self._settle(final):
                return []
            # Timed first: its plain half is still to come and says nothing new.
            self._owed.append(_Waiting(replace(final, timed=False), now + self._patience))
            return self._answers([final])
        before: list[Final] = []
        while (item := self._plain.popleft()).final.text != final.text:
            before.append(item.final)
        return self._answers([*before, final])

    def _settle(self, final: Final) -> bool:
        for item in self._owed:
            if item.final.timed == final.timed and item.final.text == final.text:
                self._owed.remove(item)
                return True
        return False

    def _answers(self, finals: list[Final]) -> list[Final]:
        if finals:
            self._last_text = finals[-1].text
        return finals
