"""Many sessions at once: claims what is due, keeps the leases, obeys the controls, and hands over when it stops.

The message on the worker channel only wakes it; the table says what there is to do, and a sweep looks anyway.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import InterfaceError, OperationalError

from sttweb.observe import transcript_context
from transcripts.jobs import accounts, backoff, budget, headroom, leases, pauses, plan, roster
from transcripts.jobs.claims import Claim, Held, Outcome
from transcripts.jobs.engine import EngineHouse
from transcripts.jobs.outcomes import without_disk
from transcripts.jobs.session import Session
from transcripts.jobs.threads import DatabaseThread
from transcripts.jobs.wake import WORKERS_GROUP
from transcripts.realtime.results import StreamEvent

logger = logging.getLogger(__name__)

#: The holder stops this long before its lease can have passed (a quarter of it, when the lease is short).
LEASE_MARGIN_SECONDS = 5.0
#: Seconds for sessions that were told to go at once: with the drain before and the engine's end within 30 s (B10).
ABORT_SECONDS = 6.0
#: A claim that is being made when the runner ends is waited for so long: a statement's time-out (`sttweb.patience`).
CLAIM_SECONDS = 11.0
#: The tables are compared with the program this often.
SCHEMA_SECONDS = 10.0
#: The layer forgets members of a group after a day; say again that we are one long before.
REJOIN_SECONDS = 600.0


@dataclass(slots=True)
class _Slot:
    """A running session, and the timer that ends it when its lease was not renewed in time."""

    session: Session
    task: asyncio.Task[Outcome | None]
    fuse: asyncio.TimerHandle


class Runner:
    """One worker's sessions. ``capacity`` is how many run at once, ``drain_seconds`` what they get to end by themselves
    when it stops."""

    def __init__(
        self,
        engine: EngineHouse | None = None,
        *,
        name: str | None = None,
        capacity: int | None = None,
        drain_seconds: float | None = None,
    ) -> None:
        self.name = name or roster.worker_name()
        self.capacity = settings.STTWEB_SESSIONS if capacity is None else capacity
        self._drain_seconds = settings.STTWEB_DRAIN_SECONDS if drain_seconds is None else drain_seconds
        self._lease = settings.STTWEB_LEASE_SECONDS
        self._engine = engine or EngineHouse()
        self._database = DatabaseThread("runner")
        self._slots: dict[UUID, _Slot] = {}
        #: Why nothing new is taken now; empty: what is due is taken.
        self.holding_back = ""
        self._schema, self._schema_at = "", float("-inf")
        self._decoder = ""
        self._wake = asyncio.Event()
        self._stopping, self._hurry = asyncio.Event(), asyncio.Event()

    # --- From outside --------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Look at the table soon."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more, let the sessions end or hand them over, then return from `run`; a second call hurries."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()
        self._wake.set()

    @property
    def running(self) -> int:
        """Sessions at work now."""
        return len(self._slots)

    async def run(self) -> None:
        """Work until `stop`. Raises what one of its own loops died of, after the sessions were handed over.

        1. The decoder's sandbox is tried: where it does not hold, nothing is claimed.
           Three loops beside each other: claiming, renewing, listening to controls.
        2. The end of any of them, asked for or not, ends the claiming.
        3. Sessions get ``drain_seconds``, then they are handed over; leases are renewed meanwhile.
        4. The worker's own row is removed, the engine stopped.
        """
        self._decoder = await headroom.decoder()
        await self._safely(self._look_for_room)
        sweep = _named(self._sweep_until_stopped(), "runner sweep")
        side = [_named(self._beat(), "runner heartbeat"), _named(self._listen(), "runner controls")]
        try:
            await asyncio.wait([sweep, *side], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await asyncio.shield(self._wind_up(sweep, side))
        for task in (sweep, *side):
            if task.done() and not task.cancelled():
                task.result()

    async def run_once(self) -> int:
        """Claim and work until nothing is due any more; return how many sessions ended (for tests and scripts)."""
        ended = 0
        beat = _named(self._beat(), "runner heartbeat")
        try:
            while True:
                await self._fill()
                if not self._slots:
                    return ended
                tasks = [slot.task for slot in self._slots.values()]
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                ended += len(done)
                await asyncio.sleep(0)
        finally:
            await self._wind_up(None, [beat])

    def adopt(
        self,
        claim: Claim,
        *,
        observe: Callable[[StreamEvent], None] | None = None,
        retry_limit: int = backoff.RETRY_LIMIT,
    ) -> asyncio.Task[Outcome | None]:
        """Start the session of a claim that was made in this runner's name; the task's result is how it ended."""
        session = Session(claim, self._engine.url, observe=observe, retry_limit=retry_limit)
        task = _named(session.run(), f"session {claim.transcript_id}")
        self._slots[claim.transcript_id] = _Slot(session, task, self._fuse(session, claim.taken_at))
        task.add_done_callback(lambda task: self._ended(claim, task))
        return task

    # --- Claiming ------------------------------------------------------------------------------------------------

    async def _sweep_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            await self._safely(self._fill)
            await self._safely(self._look)
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.STTWEB_SWEEP_SECONDS):
                    await self._wake.wait()

    async def _fill(self) -> None:
        """Claim what is due and fits. Raises what the database raises."""
        await self._look_for_room()
        if self.holding_back:
            if self._decoder:
                await self._database(pauses.pause_without_decoder)
            return
        await self._database(_care)
        while len(self._slots) < self.capacity and not self._stopping.is_set():
            claim = await self._database(leases.claim_next, self.name, self._lease, exclude=list(self._slots))
            if claim is None:
                return
            self.adopt(claim)

    async def _look_for_room(self) -> None:
        """Find out whether anything new may begin; a full disk also pauses what runs."""
        # Not on the database's thread: a network disk that hangs must not keep the leases from being renewed.
        disk, process = await asyncio.to_thread(headroom.disk), await asyncio.to_thread(headroom.process)
        if time.monotonic() - self._schema_at >= SCHEMA_SECONDS:
            self._schema = await self._database(headroom.schema)
            self._schema_at = time.monotonic()
        found = self._schema or self._decoder or disk or process
        changed, self.holding_back = found != self.holding_back, found
        if disk == "disk_full":
            for slot in self._slots.values():
                slot.session.pause(without_disk())
        if changed:
            logger.warning("worker %s: %s", self.name, f"takes nothing new: {found}" if found else "goes on")
            # People who look at the status page now need the reason now, not with the next heartbeat.
            await self._safely(self._report)

    def _ended(self, claim: Claim, task: asyncio.Task[Outcome | None]) -> None:
        slot = self._slots.pop(claim.transcript_id)
        slot.fuse.cancel()
        if not task.cancelled() and (error := task.exception()) is not None:
            with transcript_context(claim.transcript_id):
                logger.error("transcript %s: its session died", claim.transcript_id, exc_info=error)
        self._wake.set()

    async def _safely(self, step: Callable[[], Awaitable[None]]) -> None:
        """A database that is away now is asked again at the next turn."""
        try:
            await step()
        except (OperationalError, InterfaceError) as error:
            logger.warning("the database did not answer: %s", error)

    # --- Keeping the leases ----------------------------------------------------------------------------------------

    def _fuse(self, session: Session, renewed_at: float) -> asyncio.TimerHandle:
        """Ends the session by this process's monotonic clock, before the database can think that the lease passed."""
        loop = asyncio.get_running_loop()
        margin = min(LEASE_MARGIN_SECONDS, self._lease / 4)
        left = renewed_at + self._lease - margin - time.monotonic()
        return loop.call_later(left, session.lose)

    async def _beat(self) -> None:
        while True:
            await self._safely(self._renew)
            await self._safely(self._report)
            await asyncio.sleep(min(settings.STTWEB_HEARTBEAT_SECONDS, self._lease / 4))

    async def _renew(self) -> None:
        asked_at, slots = time.monotonic(), dict(self._slots)
        if not slots:
            return
        held = await self._database(leases.renew, self.name, list(slots), self._lease)
        for transcript_id, slot in slots.items():
            if self._obey(slot, held.get(transcript_id)):
                slot.fuse.cancel()
                slot.fuse = self._fuse(slot.session, asked_at)

    async def _look(self) -> None:
        """Read what people asked of the running sessions."""
        slots = dict(self._slots)
        if not slots:
            return
        held = await self._database(leases.look, self.name, list(slots))
        for transcript_id, slot in slots.items():
            self._obey(slot, held.get(transcript_id))

    def _obey(self, slot: _Slot, held: Held | None) -> bool:
        """Pass on the row's controls; False when the row is not ours (any more)."""
        if slot.task.done():
            return False
        if held is None or held.epoch != slot.session.claim.epoch:
            # While a session settles, its row is let go of before its task has ended: only a running one has lost it.
            slot.session.lose()
            return False
        slot.session.obey(held)
        return True

    async def _report(self) -> None:
        if self._schema == "schema_older":
            return  # the row that it would write does not exist yet
        running, resting = len(self._slots), plan.resting()
        await self._database(roster.report, self.name, self.capacity, running, self.holding_back, resting)

    # --- Controls ------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Every control message means: read the controls of the own rows. A layer that is away is tried again."""
        attempt = 0
        while True:
            try:
                await self._listen_once()
            except Exception as error:  # noqa: BLE001 - whatever the layer's trouble is, the sweep reads them too
                attempt += 1
                logger.warning("not listening to controls for a moment: %r", error)
                await asyncio.sleep(backoff.delay(attempt, cap=10.0))

    async def _listen_once(self) -> None:
        layer = get_channel_layer()
        assert layer is not None
        channel = await layer.new_channel()
        try:
            while True:
                await layer.group_add(WORKERS_GROUP, channel)
                with suppress(TimeoutError):
                    async with asyncio.timeout(REJOIN_SECONDS):
                        while True:
                            await layer.receive(channel)
                            await self._safely(self._look)
        finally:
            await layer.group_discard(WORKERS_GROUP, channel)

    # --- The end -------------------------------------------------------------------------------------------------

    async def _wind_up(self, sweep: asyncio.Task[None] | None, side: list[asyncio.Task[None]]) -> None:
        self._stopping.set()
        self._wake.set()
        ending = [*side] if sweep is None else [sweep, *side]
        if sweep is not None:
            # What it is claiming at this moment is ours: adopted now, or nobody's until the lease has passed.
            await asyncio.wait({sweep}, timeout=CLAIM_SECONDS)
        await self._drain()
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        with suppress(OperationalError, InterfaceError):
            await self._database(roster.say_goodbye, self.name)
        self._database.close()
        await self._engine.close()

    async def _drain(self) -> None:
        """Sessions hand over after their next commit; when the time is up, at once."""
        if not self._slots:
            return
        for slot in self._slots.values():
            slot.session.hand_over()
        hurry = _named(self._hurry.wait(), "runner hurry")
        ended = asyncio.gather(*(slot.task for slot in self._slots.values()), return_exceptions=True)
        await asyncio.wait({ended, hurry}, timeout=self._drain_seconds, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        for slot in self._slots.values():
            slot.session.hand_over(now=True)
        await asyncio.wait({ended}, timeout=ABORT_SECONDS)


def _care() -> None:
    """What became possible again: the account works, the disk has space, there is a decoder."""
    accounts.care()
    budget.care()
    pauses.release_those_without_disk()
    pauses.release_those_without_decoder()


def _named(work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)
