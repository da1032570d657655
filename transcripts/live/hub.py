"""The process's one ear on the channel layer: one channel, all groups that anybody here listens to. No models.

A channel of its own per browser would cost a thread hop and a queue per delivery (stack.md 5.11); here a message is
received once per process and handed to plain callables. The layer may vanish at any moment: listeners stay, the ear
comes back by itself, and the slow poll of `live.reader` covers what was not heard meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from channels.layers import BaseChannelLayer, get_channel_layer

logger = logging.getLogger(__name__)

#: Called on the event loop with each message of a group; must not block or raise.
Listener = Callable[[Mapping[str, Any]], None]

#: A layer that does not answer within this time is treated as away.
LAYER_TIMEOUT_SECONDS = 1.0
#: After this much silence the groups are joined again: layers forget members (stack.md 5.3) and never say so.
QUIET_SECONDS = 60.0
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 5.0


class Hub:
    """Belongs to one event loop. ``join`` and ``leave`` count listeners; the layer sees each group once."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        #: Our name on the layer; empty while there is no working layer.
        self._channel = ""
        self._layer: BaseChannelLayer
        self._task: asyncio.Task[None] | None = None
        #: The first attempt to reach the layer is over, well or badly.
        self._tried = asyncio.Event()

    @property
    def hears(self) -> bool:
        """Whether the layer is there, as far as we know."""
        return bool(self._channel)

    async def join(self, group: str, listener: Listener) -> None:
        """Hear ``group``. Returns once the layer knows, or after a short wait when the layer is away. Never raises."""
        listeners = self._listeners.setdefault(group, set())
        listeners.add(listener)
        first = len(listeners) == 1
        if self._task is None:
            self._tried.clear()
            self._task = asyncio.create_task(self._listen(), name="live.hub")
        await self._tried.wait()
        if first and self._channel:
            await self._quietly(self._layer.group_add(group, self._channel))

    async def leave(self, group: str, listener: Listener) -> None:
        """Stop hearing ``group``; after the last one nothing of the hub runs any more. Never raises."""
        listeners = self._listeners.get(group, set())
        listeners.discard(listener)
        if listeners:
            return
        self._listeners.pop(group, None)
        if self._channel:
            await self._quietly(self._layer.group_discard(group, self._channel))
        if not self._listeners:
            await self._stop()

    async def _stop(self) -> None:
        task, self._task, self._channel = self._task, None, ""
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _quietly(self, work: Awaitable[None]) -> None:
        """Do ``work`` on the layer; on any trouble be deaf, which makes `_listen` open the ear again."""
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_SECONDS):
                await work
        except Exception as error:  # noqa: BLE001 - whatever the layer's trouble is, the poll goes on without it
            logger.warning("channel layer is away: %r", error)
            self._channel = ""

    async def _open(self) -> None:
        layer = get_channel_layer()
        assert layer is not None
        self._layer, self._channel = layer, await layer.new_channel()
        await self._join_all()

    async def _join_all(self) -> None:
        for group in list(self._listeners):
            await self._layer.group_add(group, self._channel)

    async def _listen(self) -> None:
        await self._quietly(self._open())
        self._tried.set()
        delay = FIRST_RETRY_SECONDS
        while True:
            if not self._channel:
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY_SECONDS)
                await self._quietly(self._open())
                continue
            message = await self._receive()
            if message is not None:
                delay = FIRST_RETRY_SECONDS
                self._hand_out(message)

    async def _receive(self) -> Mapping[str, Any] | None:
        """The next message, or None after a long silence or when the layer failed."""
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                message: Mapping[str, Any] = await self._layer.receive(self._channel)
                return message
        except TimeoutError:
            await self._quietly(self._join_all())
        except Exception as error:  # noqa: BLE001 - as in `_quietly`
            logger.warning("channel layer is away: %r", error)
            self._channel = ""
        return None

    def _hand_out(self, message: Mapping[str, Any]) -> None:
        for listener in tuple(self._listeners.get(str(message.get("group", "")), ())):
            try:
                listener(message)
            except Exception:
                # Whoever sent it, perhaps another version of this program: the ear must not die of it.
                logger.exception("a message of the channel layer makes no sense")
