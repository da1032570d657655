"""What is said about segments besides their text: each note is told behind the segment that it is about.

Pure. The only tie between the two is the text, and failing that the order (protocol.md section 5).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from transcripts.realtime.linkevents import Note


class Notes:
    """The last segments that were told, by text, and notes that came ahead of theirs."""

    def __init__(self) -> None:
        self._told: deque[tuple[str, int]] = deque(maxlen=16)
        self._early: list[Note] = []

    def about(self, kind: str, payload: Mapping[str, Any], *, early: bool) -> Note | None:
        """A note with the segment's end in it, or None while its segment is still to be told (``early``)."""
        if not isinstance(text := payload.get("text"), str) or kind == "unreadable":
            return Note(kind, payload)
        if early:
            self._early.append(Note(kind, payload))
            return None
        return Note(kind, payload, self._end_of(text))

    def told(self, text: str, end: int) -> list[Note]:
        """A segment was told; returns the notes that waited for it."""
        self._told.append((text, end))
        waiting, self._early = self._early, []
        return [replace(note, end=end) for note in waiting]

    def _end_of(self, text: str) -> int | None:
        for said, end in reversed(self._told):
            if said == text:
                return end
        return self._told[-1][1] if self._told else None
