"""Telling the workers to look at the table: there is new work, or a person asked something of a running session.

Messages only save time: a lost one costs at most one sweep. No models here.
"""

from __future__ import annotations

import asyncio
import logging

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

logger = logging.getLogger(__name__)

#: The one channel that background consumers listen to (`runworker transcribe`).
WORK_CHANNEL = "transcribe"
#: Group of every running worker's own channel: controls must reach the one that holds the session.
WORKERS_GROUP = "workers"
WAKE_TIMEOUT_SECONDS = 1.0


async def _wake() -> None:
    layer = get_channel_layer()
    assert layer is not None
    try:
        async with asyncio.timeout(WAKE_TIMEOUT_SECONDS):
            await layer.send(WORK_CHANNEL, {"type": "transcribe.wake"})
    except Exception as error:  # noqa: BLE001 - a full or absent layer only means that the sweep finds the row
        logger.warning("could not wake a worker: %r", error)


async def _nudge() -> None:
    layer = get_channel_layer()
    assert layer is not None
    try:
        async with asyncio.timeout(WAKE_TIMEOUT_SECONDS):
            await layer.group_send(WORKERS_GROUP, {"type": "control.changed"})
    except Exception as error:  # noqa: BLE001 - as above
        logger.warning("could not nudge the workers: %r", error)


def wake_on_commit() -> None:
    """After the surrounding transaction: tell one worker that there is new work. Never raises."""
    transaction.on_commit(async_to_sync(_wake))


def nudge_on_commit() -> None:
    """After the surrounding transaction: tell all workers to read the controls of their rows. Never raises."""
    transaction.on_commit(async_to_sync(_nudge))
