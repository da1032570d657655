"""How many browsers look at a transcript, over all processes: each tells the boards of a team what it serves.

Nothing is stored and nothing is promised: what a process said is forgotten when it has not said it again for a while.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from uuid import UUID, uuid4

from transcripts.live.presence import AGAIN_SECONDS, FORGET_SECONDS
from transcripts.live.publish import send_watching
from transcripts.live.threads import in_thread
from transcripts.models import Transcript

#: What has not changed is said again so often, and believed for so long, in seconds: as with the names. The names go to
#: the pages of one transcript, the counts to the boards of a team; each hears only what it shows.
REPEAT_SECONDS, BELIEVED_SECONDS = AGAIN_SECONDS, FORGET_SECONDS


def read_teams(ids: set[UUID]) -> dict[UUID, UUID]:
    """The teams of transcripts. Blocks on the database."""
    return dict(Transcript.objects.filter(pk__in=ids).values_list("pk", "team_id"))


class Teller:
    """Tells the boards what this process serves; belongs to one station."""

    def __init__(self) -> None:
        self._process = uuid4().hex
        self._teams: dict[UUID, UUID] = {}
        self._told: dict[UUID, dict[str, int]] = {}
        self._told_at = float("-inf")

    async def tell(self, watchers: Mapping[UUID, int]) -> None:
        """``watchers`` are all transcripts that this process serves, with the number of browsers. Raises
        DatabaseError."""
        if unknown := watchers.keys() - self._teams.keys():
            self._teams |= await in_thread(read_teams, unknown)
        self._teams = {pk: team for pk, team in self._teams.items() if pk in watchers}
        now, before = time.monotonic(), self._told
        told: dict[UUID, dict[str, int]] = {}
        for pk, team in self._teams.items():
            told.setdefault(team, {})[str(pk)] = watchers[pk]
        again = now - self._told_at >= REPEAT_SECONDS
        changed = [team for team in told.keys() | before.keys() if again or told.get(team) != before.get(team)]
        if again:
            self._told_at = now
        self._told = told
        for team in changed:
            await send_watching(team, self._process, told.get(team, {}))


class Audience:
    """What a board knows of all processes. Pure but for the clock."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[float, dict[str, int]]] = {}
        self._shown: Counter[str] = Counter()

    def hear(self, process: str, counts: Mapping[str, int], now: float | None = None) -> dict[str, int]:
        """A process said what it serves. Returns what changed by it: id -> count."""
        now = time.monotonic() if now is None else now
        self._said[process] = (now, dict(counts))
        return self.changes(now)

    def changes(self, now: float | None = None) -> dict[str, int]:
        """What changed since this was last asked, the silence of processes included."""
        now = time.monotonic() if now is None else now
        self._said = {name: said for name, said in self._said.items() if now - said[0] < BELIEVED_SECONDS and said[1]}
        total: Counter[str] = Counter()
        for _at, counts in self._said.values():
            total.update(counts)
        changed = {key: total[key] for key in total.keys() | self._shown.keys() if total[key] != self._shown[key]}
        self._shown = total
        return changed

    @property
    def present(self) -> dict[str, int]:
        """Every transcript that somebody looks at, with the number of browsers."""
        return {key: count for key, count in self._shown.items() if count}
