"""Keeps what a session says: batches of events, each one short fenced transaction, then the doorbell.

One batch is in flight at a time and little waits behind it, so a slow database slows the reading of the provider
instead of filling memory. A batch is written at once while the writer is idle, and collected while it is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, ProgrammingError, transaction
from django.db.models import F
from django.utils import timezone

from transcripts.jobs import backoff, headroom
from transcripts.jobs.claims import Claim, LeaseLost, Outdated
from transcripts.jobs.clean import clean_text
from transcripts.jobs.edge import LiveEdge
from transcripts.jobs.faultpoints import passing
from transcripts.jobs.recording import Batch, Noted, Position, plan
from transcripts.jobs.threads import DatabaseThread
from transcripts.live import events as wire
from transcripts.live import publish
from transcripts.media.pcm import samples_to_ms
from transcripts.models import ACTIVE, Event, Segment, Transcript, count_usage
from transcripts.models.log import Fenced, append
from transcripts.realtime.results import Committed, Finished, Partial, StreamEvent

logger = logging.getLogger(__name__)

BATCH_ROWS = 20
#: Two batches never start closer together than this, so that a burst becomes one transaction.
BATCH_SECONDS = 0.05
PARTIAL_SECONDS = 0.2
#: Longest wait for the last batch when a session ends: as long as a statement may take, and some.
CLOSE_SECONDS = 15.0


class Recorder:
    """Writes the events of one claim. ``on_failure`` is called once, from the loop, when no more can be written.

    ``meter`` tells how many samples were sent to the provider so far; each batch keeps what was added.
    """

    def __init__(
        self,
        claim: Claim,
        position: Position,
        last_seq: int,
        database: DatabaseThread,
        on_failure: Callable[[Exception], None],
        meter: Callable[[], int] = lambda: 0,
    ) -> None:
        self.claim = claim
        #: What the database has, once the batch in flight is answered.
        self.position = position
        self._last_seq = last_seq
        self._database = database
        self._on_failure = on_failure
        self._meter = meter
        self._billed = 0
        self._edge = LiveEdge()
        self._waiting: list[StreamEvent | Noted] = []
        self._most_waiting = settings.STTWEB_EVENTS_WAITING
        self._changed = asyncio.Condition()
        self._closing = False
        self._partials, self._bell = _Partials(claim), _Bell(claim)
        self._writer = asyncio.create_task(self._write_all(), name=f"recorder {claim.transcript_id}")
        # Whoever waits for the writer gets its error; after a lost lease nobody does.
        self._writer.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def put(self, event: StreamEvent | Noted) -> None:
        """Take one event; waits while too much is unwritten. Raises what stopped the writer, such as LeaseLost."""
        if isinstance(event, Partial):
            self._edge.heard(samples_to_ms(event.heard))
            self._partials.put(event)
            return
        if isinstance(event, (Committed, Finished)):
            self._partials.clear()
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._waiting) < self._most_waiting or self._writer.done())
            if self._writer.done():
                await self._writer
            self._waiting.append(event)
            self._changed.notify_all()

    async def close(self) -> None:
        """Write what is left and stop. Raises what stopped the writer, or TimeoutError."""
        self._partials.stop()
        async with self._changed:
            self._closing = True
            self._changed.notify_all()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.shield(self._writer)
        finally:
            await self._bell.stop()

    def unbilled(self, total: int = 0) -> int:
        """Samples sent to the provider since this was last asked; ``total`` is all of them, 0 asks the meter."""
        total = max(total, self._meter(), self._billed)
        new, self._billed = total - self._billed, total
        return new

    def abandon(self) -> None:
        """Write nothing more: the claim is lost."""
        self._partials.stop()
        self._waiting.clear()
        self._writer.cancel()
        self._bell.silence()

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while events := await self._next_events():
                started = loop.time()
                batch = plan(events, self.position)
                batch.billed = self.unbilled(batch.billed)
                batch.delay_ms = self._edge.behind(samples_to_ms(batch.after.committed))
                await self._write(batch)
                if not self._closing:
                    await asyncio.sleep(BATCH_SECONDS - (loop.time() - started))
        except Exception as error:
            self._on_failure(error)
            raise
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _next_events(self) -> list[StreamEvent | Noted]:
        """At most BATCH_ROWS events as soon as there are any; none once closed and empty."""
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._waiting) or self._closing)
            events, self._waiting = self._waiting[:BATCH_ROWS], self._waiting[BATCH_ROWS:]
            self._changed.notify_all()
            return events

    async def _write(self, batch: Batch) -> None:
        attempt = 0
        while True:
            try:
                last = await self._database(write_batch, self.claim, batch, self._last_seq, attempt > 0)
                break
            except (OperationalError, InterfaceError) as error:
                # The database is away or locked. The session lasts as long as its lease does; the runner ends it.
                attempt += 1
                logger.warning("transcript %s: not written yet (%s)", self.claim.transcript_id, error)
                await asyncio.sleep(backoff.delay(attempt, base=0.1, cap=2.0))
        self.position, grown, self._last_seq = batch.after, last > self._last_seq, last
        if grown:
            self._bell.ring(last)


class _Bell:
    """Rings after each commit, beside the writing: a layer that stands still must not slow the log down."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._last = 0
        self._news = asyncio.Event()
        self._ringer = asyncio.create_task(self._ring_all(), name=f"bell {claim.transcript_id}")

    def ring(self, last: int) -> None:
        """The log reaches ``last``."""
        self._last = last
        self._news.set()

    def silence(self) -> None:
        """Ring no more."""
        self._ringer.cancel()

    async def stop(self) -> None:
        """Ring for the last time, if there is news, and end."""
        if self._news.is_set():
            self._news.clear()
            await publish.ring(self._claim.transcript_id, self._claim.team_id, self._last)
        self._ringer.cancel()

    async def _ring_all(self) -> None:
        while await self._news.wait():
            self._news.clear()
            await publish.ring(self._claim.transcript_id, self._claim.team_id, self._last)


class _Partials:
    """The newest guess, a few times a second, to whoever watches; never stored, may be lost."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._newest: Partial | None = None
        self._news = asyncio.Event()
        self._sender = asyncio.create_task(self._send_all(), name=f"partials {claim.transcript_id}")

    def put(self, partial: Partial) -> None:
        self._newest = partial
        self._news.set()

    def clear(self) -> None:
        """What waits belongs to a segment that is committed now."""
        self._newest = None

    def stop(self) -> None:
        self._sender.cancel()

    async def _send_all(self) -> None:
        while await self._news.wait():
            self._news.clear()
            partial, self._newest = self._newest, None
            if partial is not None:
                await publish.send_partial(self._claim.transcript_id, self._encode(partial))
                await asyncio.sleep(PARTIAL_SECONDS)

    def _encode(self, partial: Partial) -> str:
        text = clean_text(partial.text)
        return wire.partial(text, samples_to_ms(partial.start), samples_to_ms(partial.heard), self._claim.epoch)


def write_batch(claim: Claim, batch: Batch, last_seq: int, again: bool) -> int:
    """Write one batch in one transaction and return the log's last number. Raises LeaseLost when fenced, and Outdated
    when the tables were changed for another version of this program.

    ``again`` says that an earlier try ended without an answer: then what it may have written is looked for first,
    after ``last_seq``, under the claim's own epoch.
    """
    if again and (found := _written_before(claim, batch, last_seq)) is not None:
        return found
    try:
        with transaction.atomic():
            last = append(
                claim.transcript_id,
                batch.entries,
                when=_fence(claim, batch),
                changes=_changes(batch),
                epoch=claim.epoch,
            )
            _insert_segments(claim, batch, last)
            if batch.billed:
                count_usage(claim.team_id, claim.engine, batch.billed)
            passing("append.before_commit")
    except Fenced as error:
        raise LeaseLost from error
    except (IntegrityError, ProgrammingError) as error:
        if headroom.schema():
            raise Outdated from error
        raise
    passing("append.after_commit")
    return last


def _written_before(claim: Claim, batch: Batch, last_seq: int) -> int | None:
    row = Transcript.objects.filter(pk=claim.transcript_id, epoch=claim.epoch).values("last_seq", "committed_samples")
    found = row.first()
    if found is None:
        return None
    # By kind: that the session is finishing, or what it is called, is logged under the same claim beside the batches.
    kinds = {entry.kind for entry in batch.entries}
    told = Event.objects.filter(transcript_id=claim.transcript_id, epoch=claim.epoch, seq__gt=last_seq)
    ours = told.filter(kind__in=kinds)
    moved = batch.progressed and found["committed_samples"] == batch.after.committed
    return int(found["last_seq"]) if moved or ours.exists() else None


def _fence(claim: Claim, batch: Batch) -> dict[str, object]:
    committed = batch.before.committed
    return {"epoch": claim.epoch, "worker": claim.worker, "state__in": ACTIVE, "committed_samples": committed}


def _changes(batch: Batch) -> dict[str, object]:
    changes: dict[str, object] = {
        "committed_samples": batch.after.committed,
        "segment_count": batch.after.segments,
        "gap_samples": batch.after.gaps,
    }
    if batch.progressed:
        changes |= {"crash_claims": 0, "attempts": 0}
    if batch.billed:
        changes["billed_samples"] = F("billed_samples") + batch.billed
    if batch.last_text is not None:
        changes |= {"last_text": batch.last_text, "settled_at": timezone.now(), "delay_ms": batch.delay_ms}
    return changes


def _insert_segments(claim: Claim, batch: Batch, last: int) -> None:
    first = last - len(batch.entries) + 1
    Segment.objects.bulk_create(
        Segment(transcript_id=claim.transcript_id, seq=first + planned.entry, **planned.fields)
        for planned in batch.segments
    )
