"""One board per team and process: a doorbell marks a card, marked rows are read once and sent to all boards here.

A board shows its first BOARD_SIZE cards and is told of no others, so that what it costs does not grow with the sessions
of its team. Cards carry the present look of a transcript, so a lost one is mended by the next; each goes out at most
once a second.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import Error as DatabaseError
from django.db.models import F

from transcripts.live import events
from transcripts.live.attendance import Audience
from transcripts.live.outbox import Outbox
from transcripts.live.publish import GROWN
from transcripts.live.threads import in_thread
from transcripts.media.pcm import samples_to_ms
from transcripts.models import FINAL, Event, EventKind, State, Transcript
from transcripts.models.states import BOARD_ORDER

logger = logging.getLogger(__name__)

#: Cards that a board shows.
BOARD_SIZE = 60
#: Shortest time between two looks of the same card, in seconds.
CARD_SECONDS = 1.0
#: Gaps that a card's strip shows.
MOST_GAPS = 100

#: Events in which a card looks for what its source does: after a loss nothing but the last words is logged.
LOOKED_BACK = 20

Span = tuple[int, int]


def card_data(transcript: Transcript) -> dict[str, Any]:
    """What a card shows, JSON-safe; times in ISO 8601, positions in milliseconds. The pages render it as well."""
    return {
        "id": str(transcript.pk),
        "seq": transcript.last_seq,
        "title": transcript.title,
        "kind": transcript.source_kind,
        "live": transcript.is_live,
        "engine": transcript.engine,
        "state": transcript.state,
        "code": transcript.code,
        "message": transcript.message,
        "next_step": transcript.next_step,
        "last_text": transcript.last_text,
        "segments": transcript.segment_count,
        "heard_ms": samples_to_ms(transcript.committed_samples),
        "gap_ms": samples_to_ms(transcript.gap_samples),
        "duration_ms": samples_to_ms(transcript.duration_samples),
        "created_at": transcript.created_at.isoformat(),
        "started_at": transcript.started_at.isoformat() if transcript.started_at else None,
        "finished_at": transcript.finished_at.isoformat() if transcript.finished_at else None,
    }


def board_card(transcript: Transcript, gaps: Sequence[Span] = (), phase: str = "") -> dict[str, Any]:
    """`card_data` and what only the board shows: who started it, its gaps in ms, how fresh and how late its text is,
    whether its source or engine is being reached (``phase``: ``connecting``, ``reconnecting`` or empty; ``rested`` for
    one that a person paused), and whether
    the embedded engine could take it over."""
    person = transcript.created_by
    settled_at = transcript.settled_at
    return card_data(transcript) | {
        "owner": (person.get_full_name() or person.get_username()) if person else "",
        "gaps": [list(span) for span in gaps],
        "settled_at": settled_at.isoformat() if settled_at else None,
        "delay_ms": transcript.delay_ms if transcript.is_live and transcript.is_active else None,
        "offline_way": _has_offline_way(transcript),
        "phase": phase or transcript.rest,
    }


def _has_offline_way(transcript: Transcript) -> bool:
    """The hosted engine refuses, and the embedded one could go on."""
    refused = transcript.state == State.PAUSED and transcript.code != "disk_full" and not transcript.rest
    return refused and transcript.can_go_embedded


def _cards(rows: Iterable[Transcript]) -> list[dict[str, Any]]:
    found = list(rows)
    gaps: dict[UUID, list[Span]] = {}
    holed = [row.pk for row in found if row.gap_samples]
    events_of = Event.objects.filter(transcript__in=holed, kind=EventKind.GAP).order_by("seq") if holed else ()
    for event in events_of:
        gaps.setdefault(event.transcript_id, []).append((event.payload["start_ms"], event.payload["end_ms"]))
    phases = _phases([row for row in found if row.state == State.RUNNING])
    return [board_card(row, gaps.get(row.pk, [])[:MOST_GAPS], phases.get(row.pk, "")) for row in found]


def _phases(running: Sequence[Transcript]) -> dict[UUID, str]:
    """Of each that is not simply at work: ``connecting`` to the engine, or ``reconnecting`` to its source."""
    phases = {row.pk: "connecting" for row in running if not row.segment_count and row.last_seq <= LOOKED_BACK}
    if not running:
        return phases
    recent = Event.objects.filter(transcript__in=running, kind__in=(EventKind.SESSION, EventKind.SOURCE))
    for event in recent.filter(seq__gt=F("transcript__last_seq") - LOOKED_BACK).order_by("seq"):
        if event.kind == EventKind.SESSION or event.payload.get("code") == "source_back":
            phases.pop(event.transcript_id, None)
        elif event.payload.get("code") == "source_dropped":
            phases[event.transcript_id] = "reconnecting"
    return phases


def read_board(team_id: UUID) -> list[dict[str, Any]]:
    """The cards of a team's board, most urgent first. Blocks on the database."""
    rows = Transcript.objects.filter(team_id=team_id).select_related("created_by")
    return _cards(rows.for_board()[:BOARD_SIZE])


def read_cards(team_id: UUID, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The cards with these ids that (still) exist in the team. Blocks on the database."""
    rows = Transcript.objects.filter(team_id=team_id, pk__in=list(ids)).select_related("created_by")
    return {card["id"]: card for card in _cards(rows)}


def board_ids(team_id: UUID) -> list[str]:
    """The ids of the cards that a board shows, most urgent first. Blocks on the database.

    State by state, each by its index, until there are enough: sorting a whole team each second would not do.
    """
    rows = Transcript.objects.filter(team_id=team_id).order_by("-created_at")
    running = [rows.filter(state=State.RUNNING, is_live=live) for live in (True, False)]
    found: list[str] = []
    for some in [*running, *(rows.filter(state=state) for state in BOARD_ORDER if state != State.RUNNING)]:
        if len(found) < BOARD_SIZE:
            found += map(str, some.values_list("pk", flat=True)[: BOARD_SIZE - len(found)])
    return found


def read_round(team_id: UUID, marked: set[str], shown: set[str]) -> Round:
    """What became of the ``marked`` cards, where ``shown`` was shown before. Blocks on the database."""
    ids = board_ids(team_id)
    now = set(ids)
    cards = read_cards(team_id, (marked & now) | (now - shown))
    # Of a board that is not full, what is not on it is nowhere.
    gone = shown - now if len(now) >= BOARD_SIZE else (shown | marked) - now
    return Round(now, [cards[card] for card in ids if card in cards], gone)


class Round(NamedTuple):
    """One look at a board: the ids on it, the cards to send, most urgent first, and the ids that left it."""

    shown: set[str]
    cards: list[dict[str, Any]]
    gone: set[str]


class BoardFeed:
    """The shared reader of one team's board."""

    def __init__(self, team_id: UUID) -> None:
        self.team_id = team_id
        self.watchers: set[Outbox] = set()
        self._marked: set[str] = set()
        self._shown: set[str] = set()
        #: Number under which each unfinished card was last sent; the poll compares.
        self._unfinished: dict[str, int] = {}
        self._audience = Audience()
        self._bell = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"live.board {team_id}")

    async def follow(self, outbox: Outbox, after: int) -> None:
        """Send every card as it is now, then ``caught_up``; changes follow. ``after`` has no meaning on a board."""
        for data in await in_thread(read_board, self.team_id):
            self._note(data)
            self._shown.add(data["id"])
            await outbox.room()
            outbox.push(events.card(data))
        outbox.push(events.watching(self._audience.present))
        outbox.push(events.caught_up(after))

    def pause(self, outbox: Outbox) -> None:
        """A board's cards may come at any time: nothing to pause."""

    def hear(self, message: Mapping[str, Any]) -> None:
        """A doorbell of the layer, or what a process says about its watchers."""
        if message.get("type") == "watching":
            self._tell_watching(self._audience.hear(message["process"], message["counts"]))
        elif message.get("type") == GROWN:
            self._mark(str(message["transcript"]))

    def compare(self, heads: Mapping[str, int]) -> None:
        """The poll's view: ``heads`` are the team's unfinished transcripts with their last numbers. Those that are not
        shown are marked as well, for they may have come to be."""
        for card, seq in heads.items():
            if self._unfinished.get(card) != seq:
                self._mark(card)
        for card in self._unfinished.keys() - heads.keys():
            self._mark(card)
        self._tell_watching(self._audience.changes())

    def shut(self, code: int) -> None:
        """Close every watcher's socket."""
        for outbox in tuple(self.watchers):
            outbox.shut(code)

    async def stop(self) -> None:
        """End the board; nothing of it runs any more on return."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _mark(self, card: str) -> None:
        self._marked.add(card)
        self._bell.set()

    def _tell_watching(self, changed: Mapping[str, int]) -> None:
        if changed:
            self._push_all(events.watching(changed))

    def _note(self, data: Mapping[str, Any]) -> None:
        if data["state"] in FINAL:
            self._unfinished.pop(data["id"], None)
        else:
            self._unfinished[data["id"]] = data["seq"]

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            marked, self._marked = self._marked, set()
            try:
                self._send(await in_thread(read_round, self.team_id, marked, self._shown))
            except DatabaseError as error:
                logger.warning("the board of %s could not be read, the poll tries again: %r", self.team_id, error)
            await asyncio.sleep(CARD_SECONDS)

    def _send(self, found: Round) -> None:
        self._shown = found.shown
        for card in found.gone:
            self._unfinished.pop(card, None)
            self._push_all(events.card_gone(card))
        for data in found.cards:
            self._note(data)
            self._push_all(events.card(data))

    def _push_all(self, text: str) -> None:
        for outbox in self.watchers:
            outbox.push(text)
