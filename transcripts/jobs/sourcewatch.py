"""Tells how a live source is doing: what belongs to its history goes into the log, what passes goes to whoever looks.

In the log: that it dropped, came back, ended, and what it says it plays. Only to the viewers, and lost without harm:
quiet, stalled, reconnecting n of m; said again every few seconds while it lasts, for pages that were opened since.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from transcripts.jobs.claims import Claim
from transcripts.jobs.clean import clean_text
from transcripts.jobs.recording import Noted
from transcripts.live import events as wire
from transcripts.live import publish
from transcripts.media.pcm import samples_to_ms
from transcripts.media.status import Notice, NowPlaying, SourceState, SourceStatus
from transcripts.models import EventKind
from transcripts.models.log import Entry

logger = logging.getLogger(__name__)

#: A state that lasts is said again so often, in seconds.
REPEAT_SECONDS = 5.0
#: Titles come into the log at most so often: a station may send a new one every second. The newest wins.
TITLE_SECONDS = 10.0
#: Longest title in the log, in characters.
TITLE_CHARS = 300
#: What is still to be told gets so long when the session ends.
CLOSE_SECONDS = 2.0


class SourceWatch:
    """One session's ear for its source. ``note`` puts an entry into the log; ``position`` is the last sample heard,
    kept up to date by whoever passes the sound on."""

    def __init__(self, claim: Claim, note: Callable[[Noted], Awaitable[None]], position: int = 0) -> None:
        self.position = position
        self._claim = claim
        self._note = note
        self._status = SourceStatus(SourceState.PLAYING)
        self._since = self._dropped_at = time.monotonic()
        self._is_dropped = False
        self._lasting: deque[Noted] = deque()
        self._title = self._told_title = ""
        self._told_title_at = float("-inf")
        self._changed = False
        self._news = asyncio.Event()
        self._teller = asyncio.create_task(self._tell_all(), name=f"source {claim.transcript_id}")

    def hear(self, notice: Notice) -> None:
        """What the source's reader noticed. Never waits and never raises."""
        if isinstance(notice, NowPlaying):
            self._title = clean_text(notice.title, TITLE_CHARS)
        else:
            self._change(notice)
        self._news.set()

    def ended(self) -> None:
        """A live source came to its end by itself."""
        self._log("source_ended", "The source ended.")

    async def close(self) -> None:
        """Tell what is left of lasting news, and stop."""
        self._teller.cancel()
        # A recorder whose claim was lost answers with a cancellation.
        with suppress(Exception, asyncio.CancelledError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._tell_lasting(final=True)

    def _change(self, status: SourceStatus) -> None:
        self._status, self._since, self._changed = status, time.monotonic() - status.seconds, True
        if status.state is SourceState.RECONNECTING and not self._is_dropped:
            self._is_dropped, self._dropped_at = True, time.monotonic()
            self._log("source_dropped", "The source dropped out; the connection is made again.")
        elif status.state is not SourceState.RECONNECTING and self._is_dropped:
            self._is_dropped = False
            away = time.monotonic() - self._dropped_at
            self._log("source_back", f"The source is back after {away:.0f} s.", away_ms=round(away * 1000))

    def _log(self, code: str, message: str, **details: int | str) -> None:
        at = {"at_ms": samples_to_ms(self.position)}
        self._lasting.append(Noted(Entry(EventKind.SOURCE, {"code": code, "message": message, **at, **details})))
        self._news.set()

    async def _tell_all(self) -> None:
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._news.wait()
                self._news.clear()
                await self._tell_lasting()
                if self._changed or self._status.state is not SourceState.PLAYING:
                    self._changed = False
                    await publish.send_source(self._claim.transcript_id, self._encode(), passing=self._passes())
        except Exception as error:  # noqa: BLE001 - whatever stopped the recorder ends the session by itself
            logger.debug("transcript %s: nothing more is told of its source: %r", self._claim.transcript_id, error)

    def _pause(self) -> float | None:
        waits = [REPEAT_SECONDS] if self._passes() else []
        if self._title != self._told_title:
            waits.append(max(0.0, self._told_title_at + TITLE_SECONDS - time.monotonic()))
        return min(waits, default=None)

    def _passes(self) -> bool:
        return self._status.state is not SourceState.PLAYING

    async def _tell_lasting(self, *, final: bool = False) -> None:
        if self._title != self._told_title and (final or time.monotonic() - self._told_title_at >= TITLE_SECONDS):
            self._told_title, self._told_title_at = self._title, time.monotonic()
            if self._title:
                self._log("now_playing", f"Now playing: {self._title}", title=self._title)
        while self._lasting:
            await self._note(self._lasting[0])
            self._lasting.popleft()

    def _encode(self) -> str:
        status = self._status
        seconds = time.monotonic() - self._since if self._passes() else 0.0
        return wire.source(status.state.value, seconds, status.attempt, status.attempts, self._claim.epoch)
