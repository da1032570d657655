"""The Channels background consumer: a message on the worker channel means "look at the table", and nothing else.

A handler that worked here itself would hold up its channel, and an error in it would drop every message behind it
(stack.md 5.1); so it wakes the runner and returns.
"""

from __future__ import annotations

from typing import Any

from channels.consumer import AsyncConsumer

from transcripts.jobs.current import get_runner


class TranscribeConsumer(AsyncConsumer):
    """Listens to `wake.WORK_CHANNEL`, in `manage.py up`, `manage.py worker` and Channels' own `runworker`."""

    async def transcribe_wake(self, message: dict[str, Any]) -> None:
        """There is new work."""
        get_runner().wake()
