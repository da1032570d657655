"""Ringing the doorbell: tell every process that a transcript's log has grown, or what the current partial is.

The table is the truth; these messages carry wake-ups and partials only, may be lost, doubled or late, and nothing is
wrong then, only slower. No models here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from transcripts.live import counts

logger = logging.getLogger(__name__)

#: A layer that does not take a message within this time is treated as away; viewers find the row by their slow poll.
PUBLISH_TIMEOUT_SECONDS = 1.0


def transcript_group(transcript_id: UUID | str) -> str:
    """Group of all processes with viewers of one transcript."""
    return f"transcript.{transcript_id}"


def team_group(team_id: UUID | str) -> str:
    """Group of all processes with viewers of a team's board."""
    return f"team.{team_id}"


#: Type of the doorbell.
GROWN = "log.grown"

#: Group of all processes with sockets: whose rights may have changed.
RIGHTS_GROUP = "rights"


async def _send(group: str, message: dict[str, object]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
            # The group travels along: one ear per process (live.hub) hears many groups on one channel.
            await layer.group_send(group, {**message, "group": group})
    except Exception as error:  # noqa: BLE001 - whatever the layer's trouble is, the log already has the event
        counts.publish_failures.add()
        logger.warning("channel layer did not take a message for %s: %r", group, error)


async def ring(transcript_id: UUID, team_id: UUID, last_seq: int) -> None:
    """Say that the log of a transcript now reaches ``last_seq``. Call after the commit. Never raises."""
    message: dict[str, object] = {"type": GROWN, "transcript": str(transcript_id), "seq": last_seq}
    await _send(transcript_group(transcript_id), message)
    await _send(team_group(team_id), message)


async def send_watching(team_id: UUID, process: str, counts: Mapping[str, int]) -> None:
    """Tell a team's boards how many browsers this process serves with each of its transcripts. Never raises."""
    message: dict[str, object] = {"type": "watching", "process": process, "counts": dict(counts)}
    await _send(team_group(team_id), message)


async def send_look_again(user_id: int) -> None:
    """Make every socket of a person look whether it may stay. Never raises."""
    await _send(RIGHTS_GROUP, {"type": "rights.changed", "person": user_id})


async def send_partial(transcript_id: UUID, encoded: str) -> None:
    """Pass a partial (already encoded by `live.events.partial`) to the viewers of a transcript. Never raises."""
    message: dict[str, object] = {"type": "partial", "transcript": str(transcript_id), "text": encoded}
    await _send(transcript_group(transcript_id), message)


async def send_source(transcript_id: UUID, encoded: str, *, passing: bool) -> None:
    """Pass on how a live source is doing (encoded by `live.events.source`). ``passing`` says that it will be said
    again while it lasts, so that it is worth telling those who come later. Never raises."""
    message: dict[str, object] = {"type": "source", "transcript": str(transcript_id), "text": encoded}
    await _send(transcript_group(transcript_id), {**message, "passing": passing})


async def send_presence(transcript_id: UUID, announcement: Mapping[str, object]) -> None:
    """Tell the other processes who watches a transcript here (`live.presence`). Never raises."""
    await _send(transcript_group(transcript_id), {"type": "presence", **announcement})


async def send_alert(transcript_id: UUID, encoded: str) -> None:
    """Pass a hit of a watchlist (encoded by `live.events.alert`) to who looks at the transcript. Never raises."""
    message: dict[str, object] = {"type": "alert", "transcript": str(transcript_id), "text": encoded}
    await _send(transcript_group(transcript_id), message)


async def send_editing(transcript_id: UUID, encoded: str, segment: int, seconds: float) -> None:
    """Tell the viewers of a transcript who types in a segment (encoded by `live.events.editing`). Never raises."""
    message: dict[str, object] = {"type": "editing", "transcript": str(transcript_id), "text": encoded}
    await _send(transcript_group(transcript_id), {**message, "segment": segment, "seconds": seconds})


def ring_on_commit(transcript_id: UUID, team_id: UUID, last_seq: int) -> None:
    """The same as `ring`, for synchronous code inside a transaction."""
    transaction.on_commit(lambda: async_to_sync(ring)(transcript_id, team_id, last_seq))
