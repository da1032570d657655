"""Who types in which segment of one transcript, as a feed tells it to those who come later. Nothing here lasts."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from transcripts.live import events
from transcripts.models.review import LOCK_SECONDS, EditLock


class Editing(NamedTuple):
    """A soft lock: its segment, for how many seconds it holds, and the encoded message."""

    segment: int
    seconds: float
    text: str


def read_editors(transcript_id: UUID) -> list[Editing]:
    """The present soft locks of a transcript. Blocks on the database."""
    found = []
    for lock in EditLock.objects.alive().filter(transcript_id=transcript_id).select_related("person"):
        left = LOCK_SECONDS - (timezone.now() - lock.renewed_at) / timedelta(seconds=1)
        name = lock.person.get_full_name() or lock.person.get_username()
        found.append(Editing(lock.segment, left, events.editing(lock.segment, lock.person_id, name[:150], left)))
    return found


class Editors:
    """What one process knows. Pure but for the clock."""

    def __init__(self) -> None:
        self._until: dict[int, tuple[float, str]] = {}

    def learn(self, found: list[Editing]) -> None:
        """What the table says; news that came meanwhile stays."""
        for editing in found:
            if editing.segment not in self._until:
                self.hear(editing)

    def hear(self, editing: Editing) -> None:
        """Somebody types, still types, or has stopped (0 seconds)."""
        self._until[editing.segment] = (time.monotonic() + editing.seconds, editing.text)

    def present(self) -> list[str]:
        """Messages for somebody who just came."""
        now = time.monotonic()
        self._until = {segment: said for segment, said in self._until.items() if said[0] > now}
        return [text for _until, text in self._until.values()]
