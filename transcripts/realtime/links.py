"""The connections of a stream: one, or two while one takes over from the other.

Pure. ``head`` is the one whose answers count next. ``successor`` stands by in a rotation until ``switched``; then it is
the one that is sent to, while the head's last answers come in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from transcripts.realtime.protocol import Connection


@dataclass(frozen=True, slots=True)
class Open:
    """Open a socket for link number ``link``."""

    link: int


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text frame on a link."""

    link: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close a link's socket with 1000, waiting a bounded time; what it still says is not wanted."""

    link: int


Action = Open | Send | Close


@dataclass(slots=True)
class Link:
    """A connection and its number within the stream (from 1)."""

    number: int
    connection: Connection


class Links:
    """``connect`` makes a connection that knows where it begins."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._count = 0
        self.head: Link | None = None
        self.successor: Link | None = None
        self.switched = False
        #: What the shell has to do.
        self.actions: deque[Action] = deque()
        #: Samples sent on connections that ended.
        self.billed = 0

    def all(self) -> list[Link]:
        """Every link, the head first."""
        return [link for link in (self.head, self.successor) if link is not None]

    def find(self, number: int) -> Link | None:
        """The link of that number, unless it ended."""
        return next((link for link in self.all() if link.number == number), None)

    @property
    def sending(self) -> Link | None:
        """The link that audio goes to."""
        return self.successor if self.switched else self.head

    @property
    def standing_by(self) -> bool:
        """Whether a successor is ready to take over."""
        return self.successor is not None and self.successor.connection.ready

    @property
    def outstanding(self) -> bool:
        """Whether any commit waits for its answer."""
        return any(link.connection.outstanding for link in self.all())

    def open_head(self) -> Action:
        """The first connection, or the next after a failure."""
        self.head = self._new()
        return Open(self.head.number)

    def open_successor(self) -> Action:
        """The connection that shall take over."""
        self.successor = self._new()
        return Open(self.successor.number)

    def promote(self) -> None:
        """The head ends and its successor takes its place."""
        if self.head is not None:
            self._retire(self.head)
        self.head, self.successor, self.switched = self.successor, None, False

    def drop_successor(self) -> None:
        """The head goes on alone."""
        if self.successor is not None:
            self._retire(self.successor)
        self.successor, self.switched = None, False

    def close_all(self) -> None:
        """No connection is left."""
        for link in self.all():
            self._retire(link)
        self.head, self.successor, self.switched = None, None, False

    def _new(self) -> Link:
        self._count += 1
        return Link(self._count, self._connect())

    def _retire(self, link: Link) -> None:
        self.billed += link.connection.clock.sent
        self.actions.append(Close(link.number))
