"""Reads the logs behind the recorder's back: what happened becomes messages for webhooks and hits of watchlists.

Every log has its own place (`LogCursor`), moved by compare-and-set in the transaction that keeps what was found: no
event is passed over, none counts twice, however many processes read and whichever dies. Which logs have grown is asked
of the events' common numbering, from a watermark that stays behind what may still be on its way to the table.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils import timezone

from transcripts.alerts.hearing import hits_in, is_quiet
from transcripts.alerts.matching import TAIL, Word, words_of
from transcripts.jobs.faultpoints import passing
from transcripts.jobs.threads import DatabaseThread
from transcripts.live import events as wire
from transcripts.live import publish
from transcripts.live.hub import Hub
from transcripts.models import Event, EventKind, Hit, LogCursor, LogWatermark, Team, Transcript, Watchlist
from transcripts.webhooks import messages
from transcripts.webhooks.messages import Message
from transcripts.webhooks.queueing import listening, queue
from transcripts.webhooks.sending import bell

logger = logging.getLogger(__name__)

#: How often a process looks whether logs have grown, in seconds: without a layer that rings, and with one.
LOOK_S, PATIENT_S = 0.7, 2.0
#: After a ring, what else comes is waited for so long; two looks are at least so far apart.
GATHER_S, BETWEEN_S = 0.05, 0.4
#: Events of one log that one transaction takes.
PAGE = 200
#: The watermark stays so far behind: a transaction that is open now has ended by then (statements end within 15 s).
BEHIND = timedelta(seconds=60)


@dataclass(slots=True)
class Found:
    """What one page of a log says: messages in their order, and hits with whether people are told now."""

    messages: list[Message] = field(default_factory=list)
    hits: list[tuple[Hit, bool]] = field(default_factory=list)


def read_all() -> int:
    """Read every log that has grown, of teams that have somebody to tell; how many pages. Blocks on the database."""
    mark, _made = LogWatermark.objects.get_or_create(pk=1, defaults={"event_id": _newest()})
    head = _settled(mark.event_id)
    pages = 0
    stuck = False
    for transcript in _grown(mark.event_id):
        try:
            while read_page(transcript):
                pages += 1
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # Whatever one log holds, the others are read; that one stays where it was, and so does the watermark.
            logger.exception("a log could not be read for webhooks and alerts: %s", transcript.pk)
            stuck = True
    if head > mark.event_id and not stuck:
        LogWatermark.objects.filter(pk=1, event_id__lt=head).update(event_id=head)
    return pages


def _newest() -> int:
    """Where reading begins in an installation that has nobody to tell yet."""
    return _settled(0)


def _settled(after: int) -> int:
    """The last number below which no event can appear any more."""
    old = Event.objects.filter(pk__gt=after, at__lt=timezone.now() - BEHIND)
    return int(old.aggregate(last=Max("pk"))["last"] or after)


def _told_teams() -> QuerySet[Team]:
    """Those that have somebody to tell."""
    told = Q(webhooks__is_enabled=True) | Q(watchlists__is_enabled=True)
    return Team.objects.filter(told).order_by().distinct()


def _grown(after: int) -> list[Transcript]:
    teams = _told_teams().values("pk")
    recent = Event.objects.filter(pk__gt=after).order_by().values("transcript").distinct()
    rows = Transcript.objects.filter(team__in=teams, pk__in=recent)
    read = LogCursor.objects.filter(transcript__in=rows.order_by().values("pk"), seq__gte=F("transcript__last_seq"))
    return list(rows.exclude(pk__in=read.values("transcript")).order_by("pk"))


def read_page(transcript: Transcript) -> bool:
    """Take the next events of one log; whether there may be more. Another process that took them first wins."""
    passing("news.start")
    cursor, _made = LogCursor.objects.get_or_create(transcript=transcript)
    page = list(Event.objects.filter(transcript=transcript, seq__gt=cursor.seq).order_by("seq")[:PAGE])
    if not page:
        return False
    webhooks, watchlists = listening(transcript.team_id), _watching(transcript.team_id)
    tail = [Word(*word) for word in cursor.tail]
    found = _read(transcript, page, watchlists, tail)
    with transaction.atomic():
        place = LogCursor.objects.filter(transcript=transcript, seq=cursor.seq)
        if not place.update(seq=page[-1].seq, tail=[[w.text, w.start_ms, w.end_ms] for w in tail]):
            return False
        kept = _keep(found)
        told = [messages.of_hit(transcript, hit) for hit, now in kept if now and hit.watchlist.tells_webhooks]
        if queue(webhooks, transcript, sorted([*found.messages, *told], key=lambda message: message.at)):
            transaction.on_commit(bell.ring)
        _tell_pages(transcript, [hit for hit, now in kept if now and hit.watchlist.tells_pages])
        passing("news.before_commit")
    return len(page) == PAGE


def _watching(team_id: UUID) -> list[Watchlist]:
    return list(Watchlist.objects.filter(team=team_id, is_enabled=True))


def _read(transcript: Transcript, page: Sequence[Event], lists: Sequence[Watchlist], tail: list[Word]) -> Found:
    """What the page says; ``tail`` is brought forward in place."""
    found = Found()
    for event in page:
        found.messages += _messages(transcript, event)
        if event.kind == EventKind.COMMIT:
            words = words_of(event.payload)
            hits = hits_in(lists, transcript, event, tail, words)
            found.hits += [(hit, not is_quiet(hit.watchlist, event.at)) for hit in hits]
            tail[:] = [*tail, *words][-TAIL:]
        elif event.kind == EventKind.GAP:
            tail.clear()  # no phrase across what nobody heard
    text = messages.of_segments(transcript, page)
    found.messages += [text] if text else []
    return found


def _messages(transcript: Transcript, event: Event) -> Iterator[Message]:
    message = None
    if event.kind == EventKind.STATE:
        message = messages.of_state(transcript, event)
    elif event.kind == EventKind.REVIEW:
        message = messages.of_review(transcript, event, _review_before(event))
    elif event.kind == EventKind.COMMENT:
        message = messages.of_comment(transcript, event)
    if message is not None:
        yield message


def _review_before(event: Event) -> str:
    earlier = Event.objects.filter(transcript=event.transcript_id, kind=EventKind.REVIEW, seq__lt=event.seq)
    payload: dict[str, Any] = earlier.order_by("-seq").values_list("payload", flat=True).first() or {}
    return str(payload.get("state", ""))


def _keep(found: Found) -> list[tuple[Hit, bool]]:
    Hit.objects.bulk_create([hit for hit, _ in found.hits], ignore_conflicts=True)
    return found.hits


def _tell_pages(transcript: Transcript, hits: Sequence[Hit]) -> None:
    for hit in hits:
        text = wire.alert(hit.watchlist.name, hit.term, hit.before, hit.said, hit.after, hit.start_ms)
        transaction.on_commit(partial(async_to_sync(publish.send_alert), transcript.pk, text))


class Follower:
    """Reads on until cancelled: when the doorbell of a team that has somebody to tell is rung, and now and then anyway,
    for a doorbell may be lost and the layer away."""

    def __init__(self) -> None:
        self._database = DatabaseThread("news")
        self._hub = Hub()
        self._groups: set[str] = set()
        self._rung = asyncio.Event()
        self._looked_at = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._rung.clear()
                self._looked_at = time.monotonic()
                await self._look()
                await self._wait()
        finally:
            for group in self._groups:
                await self._hub.leave(group, self._hear)
            self._database.close()

    async def _look(self) -> None:
        try:
            await self._listen_to(await self._database(_teams))
            await self._database(read_all)
        except (OperationalError, InterfaceError) as error:
            logger.warning("news wait for the database: %s", error)
        except Exception:
            # Whatever one log holds, the next look must come; the log stays where it was.
            logger.exception("a log could not be read for webhooks and alerts")

    async def _listen_to(self, teams: Sequence[UUID]) -> None:
        """Before the look: what is written behind it rings."""
        wanted = {publish.team_group(team) for team in teams}
        for group in wanted - self._groups:
            await self._hub.join(group, self._hear)
        for group in self._groups - wanted:
            await self._hub.leave(group, self._hear)
        self._groups = wanted

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message.get("type") == publish.GROWN:
            self._rung.set()

    async def _wait(self) -> None:
        # With nobody to tell nothing can be late.
        seconds = PATIENT_S if self._hub.hears or not self._groups else LOOK_S
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
                # What comes together is told together, and a busy team costs no more than a look every so often.
                await asyncio.sleep(max(GATHER_S, self._looked_at + BETWEEN_S - time.monotonic()))


def _teams() -> list[UUID]:
    return list(_told_teams().values_list("pk", flat=True))


async def follow() -> None:
    """The reader of a worker process, until cancelled."""
    await Follower().run()
