"""Plain and timed finals of one commit, made one.

Pure. With word times or language detection on, the service answers each commit twice, in either order, and either twin
may be lost, late or repeated (protocol.md 1.7, 7.3). The timed one is taken; the plain one is kept for a while in case
its twin never comes. Nothing here knows about commits: out comes one reply per pair, in order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from transcripts.realtime.messages import Final


@dataclass(frozen=True, slots=True)
class Reply:
    """A final without its twin. ``waiting`` is the number of commits that waited for an answer when it came."""

    final: Final
    waiting: int


@dataclass(frozen=True, slots=True)
class _Held:
    reply: Reply
    until: float

    @property
    def text(self) -> str:
        return self.reply.final.text


class TwinMatcher:
    """Feed finals, take replies. ``timed`` says whether timed twins are to be expected; times in seconds."""

    def __init__(self, *, timed: bool, patience_s: float) -> None:
        self._timed = timed
        self._patience = patience_s
        self._plain: deque[_Held] = deque()
        #: Twins of what was replied already: such a message is the other half, not an answer.
        self._owed: deque[_Held] = deque()
        self._last_text: str | None = None

    @property
    def due(self) -> float | None:
        """When ``expire`` has something to do."""
        return self._plain[0].until if self._plain else None

    def holds(self, text: str) -> bool:
        """Whether a plain final of this text still waits for its twin."""
        return any(item.text == text for item in self._plain)

    def feed(self, final: Final, now: float, waiting: int) -> list[Reply]:
        """Take a message; returns the replies that it completes."""
        reply = Reply(final, waiting)
        if not self._timed and not final.timed:
            return [reply]
        while self._owed and self._owed[0].until <= now:
            self._owed.popleft()
        if self._settle(final):
            return []
        if final.timed:
            return self._feed_timed(reply, now)
        self._plain.append(_Held(reply, now + self._patience))
        return []

    def expire(self, now: float) -> list[Reply]:
        """Plain finals whose twin did not come in time."""
        given: list[Reply] = []
        while self._plain and self._plain[0].until <= now:
            given += self._alone(self._plain.popleft(), now)
        return given

    def _feed_timed(self, reply: Reply, now: float) -> list[Reply]:
        """Twins keep their order, so whatever plain final waited longer than this one's has lost its own."""
        given: list[Reply] = []
        paired = self.holds(reply.final.text)
        while self._plain:
            item = self._plain.popleft()
            if item.text == reply.final.text:
                break
            given += self._alone(item, now)
        if not paired:
            # Timed first: its plain half is still to come and says nothing new.
            self._owe(reply, now, timed=False)
        self._last_text = reply.final.text
        return [*given, reply]

    def _alone(self, item: _Held, now: float) -> list[Reply]:
        """A plain final on its own; its timed half may still come late.

        One that repeats the text of the reply before it is a doubled message: a real repeat would have a twin of its
        own, and if that was lost too, the unanswered commit is replayed.
        """
        if item.text == self._last_text:
            return []
        self._last_text = item.text
        self._owe(item.reply, now, timed=True)
        return [item.reply]

    def _owe(self, reply: Reply, now: float, *, timed: bool) -> None:
        twin = replace(reply, final=replace(reply.final, timed=timed))
        self._owed.append(_Held(twin, now + self._patience))

    def _settle(self, final: Final) -> bool:
        for item in self._owed:
            if item.reply.final.timed == final.timed and item.text == final.text:
                self._owed.remove(item)
                return True
        return False
