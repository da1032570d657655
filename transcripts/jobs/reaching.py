"""What was reached in a private network that the operator has opened (FETCH_ALLOW_NETWORKS), on record: once a day for
each host and what it was reached for, not once a segment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DatabaseError
from django.db.models import Model
from django.utils import timezone

from transcripts import auditing
from transcripts.jobs.source import Ask
from transcripts.media.guard import Address, OnAllowed
from transcripts.models import Act, AuditEntry, Transcript

logger = logging.getLogger(__name__)

#: The same host for the same thing is on record again after so long.
AGAIN = timedelta(days=1)

#: Entries on their way; the event loop itself holds tasks weakly.
_telling: set[asyncio.Task[None]] = set()


def into(reached: dict[str, str]) -> OnAllowed:
    """Hears hosts and their addresses into a dictionary, for `record`."""

    def hear(host: str, address: Address) -> None:
        reached[host] = str(address)

    return hear


def record(reached: Mapping[str, str], *, actor: User | str | None, team: UUID, target: Model | str) -> None:
    """Hosts with their addresses, on record unless they are it since AGAIN. Blocks on the database."""
    since = timezone.now() - AGAIN
    about: dict[str, Any] = {"target_id": str(target.pk)} if isinstance(target, Model) else {"target": target}
    for host, address in reached.items():
        known = AuditEntry.objects.filter(act=Act.NETWORK_REACHED, team_id=team, at__gt=since, details__host=host)
        if not known.filter(**about).exists():
            auditing.record(
                Act.NETWORK_REACHED, actor=actor, team=team, target=target, host=host[:253], reached=address
            )


def telling(row: Transcript, ask: Ask) -> OnAllowed:
    """Hears for a transcript's source, in the event loop, and puts each host on record by ``ask``."""
    told: set[str] = set()

    def hear(host: str, address: Address) -> None:
        if host not in told:
            told.add(host)
            task = asyncio.get_running_loop().create_task(_tell(row, ask, {host: str(address)}), name="reached")
            _telling.add(task)
            task.add_done_callback(_telling.discard)

    return hear


async def _tell(row: Transcript, ask: Ask, reached: Mapping[str, str]) -> None:
    def put(_: UUID) -> bool:
        # The row may be gone: only its ids and its title are needed, and the person.
        person = User.objects.filter(pk=row.created_by_id or 0).first()
        record(reached, actor=person, team=row.team_id, target=row)
        return True

    try:
        await ask(put, row.pk)
    except (DatabaseError, RuntimeError) as error:
        logger.warning("transcript %s: %s is not on record as reached: %r", row.pk, ", ".join(reached), error)
