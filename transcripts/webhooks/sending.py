"""Sends what waits: one sender for each address at a time, several addresses beside each other.

A sender holds an address by a lease, as workers hold transcripts: what it had in hand when it died is sent again by
the next one. So a message arrives at least once, and its id says which one it is. First tries go out in the order in
which things happened; a message that failed waits for its next try and holds up nobody.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from transcripts import auditing
from transcripts.jobs import reaching
from transcripts.jobs.clean import clean_text
from transcripts.jobs.faultpoints import passing
from transcripts.jobs.source import policy
from transcripts.jobs.threads import DatabaseThread
from transcripts.media.errors import MediaError
from transcripts.media.network import Resolver, system_resolver
from transcripts.media.post import Answer, post
from transcripts.models import Act, Delivery, DeliveryState, Webhook
from transcripts.sealing import Unreadable
from transcripts.webhooks import schedule, signing

logger = logging.getLogger(__name__)

#: Addresses that one process sends to at the same time.
AT_ONCE = 4
#: A sender holds an address so long from each message on (a try takes 10 s at most), and lets go of it after so long,
#: for others wait as well.
LEASE_S, WORK_S = 25.0, 40.0
#: How often a process looks for messages that are due.
LOOK_S = 1.0
#: An address that answered nothing but failures for so long is switched off.
FAILING = timedelta(days=3)
#: Characters kept of an answer.
EXCERPT = 500


@dataclass(frozen=True, slots=True)
class Parcel:
    """One try, ready to go: the body is signed at the moment of sending."""

    url: str
    secrets: tuple[str, ...]
    event_id: str
    body: bytes


class Outcome(NamedTuple):
    """How a try ended: ``code`` is empty for a success."""

    code: str = ""
    message: str = ""
    answer: Answer | None = None
    #: Hosts in private networks that were reached, which the operator has allowed, with their addresses.
    reached: Mapping[str, str] = MappingProxyType({})


def parcel(webhook: Webhook, event_id: str, payload: object) -> Parcel:
    """What goes out now. Raises Unreadable when the secret cannot be opened."""
    own = [webhook.secret]
    if webhook.old_secret and webhook.old_until and webhook.old_until > timezone.now():
        own.append(webhook.old_secret)
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # A lone surrogate that got past every door is written as JSON's own escape: one text must not stop an address.
    return Parcel(webhook.url, tuple(own), event_id, body.encode("utf-8", "backslashreplace"))


async def try_once(parcel: Parcel, resolver: Resolver = system_resolver) -> Outcome:
    """Send it; never raises for what a receiver or the network does."""
    reached: dict[str, str] = {}
    head = signing.headers(parcel.secrets, parcel.event_id, int(time.time()), parcel.body)
    try:
        answer = await post(parcel.url, parcel.body, head, policy=policy(reaching.into(reached)), resolver=resolver)
    except MediaError as error:
        return Outcome(error.code, error.message, reached=reached)
    if 200 <= answer.status < 300:
        return Outcome(answer=answer, reached=reached)
    return Outcome("receiver_refused", f"The receiver answered with status {answer.status}.", answer, reached)


# --- Rows ------------------------------------------------------------------------------------------------------------


def claim_webhook(sender: str) -> UUID | None:
    """Take an address that has something due and that nobody sends to; None when there is none."""
    now = timezone.now()
    due = Delivery.objects.filter(webhook=OuterRef("pk"), state=DeliveryState.PENDING, next_at__lte=now)
    free = Q(sender_until=None) | Q(sender_until__lt=now)
    found = Webhook.objects.filter(free, Exists(due), is_enabled=True).values_list("pk", flat=True)
    for pk in found[:20]:
        taken = Webhook.objects.filter(free, pk=pk).update(sender=sender, sender_until=now + timedelta(seconds=LEASE_S))
        if taken:
            return pk
    return None


def release(webhook_id: UUID, sender: str) -> None:
    """Let the next sender in at once."""
    Webhook.objects.filter(pk=webhook_id, sender=sender).update(sender="", sender_until=None)


def next_due(webhook_id: UUID, sender: str) -> tuple[int, Parcel | Outcome] | None:
    """The oldest message that is due and its parcel (or why there is none), while the address is still held."""
    webhook = Webhook.objects.filter(pk=webhook_id, sender=sender, is_enabled=True)
    webhook.update(sender_until=timezone.now() + timedelta(seconds=LEASE_S))
    row = (
        Delivery.objects.filter(webhook__in=webhook.order_by().values("pk"))
        .filter(state=DeliveryState.PENDING, next_at__lte=timezone.now())
        .order_by("id")
        .first()
    )
    if row is None:
        return None
    try:
        return row.pk, parcel(webhook.get(), row.event_id, row.payload)
    except Unreadable as error:
        return row.pk, Outcome(error.code, error.message)
    except Webhook.DoesNotExist:
        return None


@transaction.atomic
def settle(delivery_id: int, outcome: Outcome) -> None:
    """Write how a try ended, and when the next one is; switch an address off that has failed for days."""
    row = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if row is None:
        return  # erased meanwhile
    note(row, outcome)
    wait = schedule.delay(row.attempts) if outcome.code else None
    row.next_at = timezone.now() + timedelta(seconds=wait) if wait is not None else None
    if outcome.code:
        row.state = DeliveryState.PENDING if wait is not None else DeliveryState.FAILED
    row.save()
    _judge_address(row.webhook_id, outcome)


def note(row: Delivery, outcome: Outcome) -> None:
    """Put the outcome of a try on the row, unsaved."""
    answer = outcome.answer
    row.attempts += 1
    row.tried_at = timezone.now()
    row.code, row.message = outcome.code, outcome.message[:300]
    row.status = answer.status if answer else None
    row.took_ms = answer.took_ms if answer else None
    row.answer = clean_text(answer.body.decode("utf-8", "replace"), EXCERPT) if answer else ""
    row.state = DeliveryState.FAILED if outcome.code else DeliveryState.DELIVERED


def _judge_address(webhook_id: UUID, outcome: Outcome) -> None:
    now = timezone.now()
    webhook = Webhook.objects.select_for_update().defer("secret", "old_secret").get(pk=webhook_id)
    reaching.record(outcome.reached, actor="sttweb", team=webhook.team_id, target=webhook)
    if not outcome.code:
        if webhook.failing_since:
            Webhook.objects.filter(pk=webhook_id).update(failing_since=None)
        return
    since = webhook.failing_since or now
    gone = outcome.answer is not None and outcome.answer.status == 410
    if webhook.is_enabled and (gone or now - since >= FAILING):
        code = "gone" if gone else "failing"
        Webhook.objects.filter(pk=webhook_id).update(is_enabled=False, disabled_code=code, failing_since=since)
        auditing.record(Act.WEBHOOK_CHANGED, actor="sttweb", team=webhook.team_id, target=webhook, switched_off=code)
        logger.warning("webhook %s is switched off: %s", webhook_id, code)
    elif webhook.failing_since is None:
        Webhook.objects.filter(pk=webhook_id).update(failing_since=now)


class Bell:
    """Wakes the sender of this process when messages were queued in it; what others queue is found by looking."""

    def __init__(self) -> None:
        self._ears: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def ring(self) -> None:
        """From any thread."""
        for loop, event in list(self._ears):
            with suppress(RuntimeError):  # a loop that has just ended
                loop.call_soon_threadsafe(event.set)

    @contextmanager
    def heard(self) -> Iterator[asyncio.Event]:
        """An event of the running loop that is set by every ring."""
        ear = (asyncio.get_running_loop(), asyncio.Event())
        self._ears.add(ear)
        try:
            yield ear[1]
        finally:
            self._ears.discard(ear)


bell = Bell()


# --- The loop --------------------------------------------------------------------------------------------------------


class Sender:
    """Sends for one process until cancelled."""

    def __init__(self, resolver: Resolver = system_resolver) -> None:
        self.name = secrets.token_hex(8)
        self._resolver = resolver
        self._database = DatabaseThread("webhooks")
        self._busy: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look for addresses with something due, every LOOK_S and when the bell rings.

        A database that is away is asked again.
        """
        try:
            with bell.heard() as rung:
                while True:
                    rung.clear()
                    await self._safely(self._start_what_is_due)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(rung.wait(), LOOK_S)
        finally:
            for task in self._busy:
                task.cancel()
            await asyncio.gather(*self._busy, return_exceptions=True)
            self._database.close()

    async def run_once(self) -> None:
        """Send what is due now, and return when that is done (for tests and commands)."""
        await self._start_what_is_due()
        await asyncio.gather(*self._busy)
        self._database.close()

    async def _start_what_is_due(self) -> None:
        while len(self._busy) < AT_ONCE:
            webhook_id = await self._database(claim_webhook, self.name)
            if webhook_id is None:
                return
            task = asyncio.create_task(self._send_all(webhook_id), name=f"webhook {webhook_id}")
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    async def _send_all(self, webhook_id: UUID) -> None:
        started = time.monotonic()
        try:
            while time.monotonic() - started < WORK_S:
                due = await self._database(next_due, webhook_id, self.name)
                if due is None:
                    break
                delivery_id, ready = due
                outcome = ready if isinstance(ready, Outcome) else await try_once(ready, self._resolver)
                passing("webhook.answered")
                await self._database(settle, delivery_id, outcome)
        except (OperationalError, InterfaceError) as error:
            logger.warning("messages to %s are left to the next sender: %s", webhook_id, error)
        finally:
            # Also when this process stops in order: the next one need not wait for the lease.
            with suppress(OperationalError, InterfaceError):
                await asyncio.shield(self._database(release, webhook_id, self.name))

    async def _safely(self, step: Callable[[], object]) -> None:
        try:
            await step()  # type: ignore[misc]
        except (OperationalError, InterfaceError) as error:
            logger.warning("webhooks wait for the database: %s", error)


async def send_all() -> None:
    """The sender of a worker process, until cancelled."""
    await Sender().run()
