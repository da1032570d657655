"""What happens to the sound on its way from the source to the provider: kept for listening, watched, and accounted for.

Nothing here may end a transcription: what cannot be kept becomes a notice in its log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from django.conf import settings

from transcripts.jobs.claims import Claim
from transcripts.jobs.kept import forget_kept, take_over
from transcripts.jobs.recording import Noted
from transcripts.jobs.source import forget_spooled
from transcripts.jobs.sourcewatch import SourceWatch
from transcripts.media.errors import MediaError, StorageError
from transcripts.media.keep import Keeper
from transcripts.media.open import Audio
from transcripts.media.pcm import Chunk
from transcripts.models import Event, EventKind, Transcript
from transcripts.models.log import Entry
from transcripts.realtime.results import Gap

logger = logging.getLogger(__name__)

#: Reason of a gap behind the last sound: the source had announced more than it gave.
ENDED_EARLY = "source_ended_early"

UNENCRYPTED = "The link led on to a connection without encryption: the recording may have been changed on its way."
UNENCRYPTED_STEP = "Ask whoever offers it for an address that stays https."

Note = Callable[[Noted], Awaitable[None]]


class Hearing:
    """Belongs to one session. ``watch`` hears the source from before it is open; ``note`` puts entries into the log."""

    def __init__(self, claim: Claim, note: Note, position: int = 0) -> None:
        self.watch = SourceWatch(claim, note, position)
        self._claim = claim
        self._note = note
        self._keeper: Keeper | None = None
        self._told_failure = False
        self._heard_all = False

    async def chunks(self, audio: Audio, start: int, *, with_sound: bool) -> AsyncGenerator[Chunk]:
        """The sound of ``audio``, which begins at sample ``start``; its waveform, and ``with_sound`` itself, are kept
        as it passes."""
        self.watch.position = start
        await self._begin_keeping(start, with_sound=with_sound)
        async with aclosing(audio.chunks()) as chunks:
            async for chunk in chunks:
                self.watch.position = chunk.end
                await self._keep(chunk)
                yield chunk
        self._heard_all = True
        if audio.live:
            self.watch.ended()

    def missing_at_end(self, audio: Audio) -> Gap | None:
        """What the source announced behind its last sound and did not give; None unless it was heard to its end."""
        if not self._heard_all or not audio.missing_at_end:
            return None
        return Gap(self.watch.position, self.watch.position + audio.missing_at_end, ENDED_EARLY)

    async def aclose(self) -> None:
        """Finish the kept files and tell what is left to tell."""
        try:
            keeper, self._keeper = self._keeper, None
            if keeper is not None:
                await self._tell_failure((await keeper.close()).failure)
        finally:
            await self.watch.close()

    async def _begin_keeping(self, start: int, *, with_sound: bool) -> None:
        try:
            files = await asyncio.to_thread(take_over, self._claim.transcript_id, self._claim.epoch)
        except OSError as error:
            logger.warning("transcript %s: nothing is kept for listening: %s", self._claim.transcript_id, error)
            await self._tell_failure(StorageError("keep_failed", "What is heard cannot be kept for listening."))
            return
        assert files.peaks is not None
        sound = files.sound if with_sound else None
        self._keeper = Keeper(sound, files.peaks, start=start, ffmpeg=settings.STTWEB_FFMPEG or None)

    async def _keep(self, chunk: Chunk) -> None:
        if self._keeper is not None:
            await self._keeper.feed(chunk)
            await self._tell_failure(self._keeper.failure)

    async def _tell_failure(self, failure: MediaError | None) -> None:
        if failure is None or self._told_failure:
            return
        self._told_failure = True
        notice = {"code": failure.code, "message": failure.message, "next_step": failure.next_step}
        await self._note(Noted(Entry(EventKind.NOTICE, {key: text for key, text in notice.items() if text})))


def unencrypted(asked: str, source_url: str | None) -> Noted | None:
    """What the log is told of a link of https that led to a connection which anybody on the way could read and change;
    None when it did not."""
    if not (asked.lower().startswith("https:") and (source_url or "").lower().startswith("http:")):
        return None
    notice = {"code": "source_unencrypted", "message": UNENCRYPTED, "next_step": UNENCRYPTED_STEP}
    return Noted(Entry(EventKind.NOTICE, notice))


def was_told(transcript_id: UUID) -> bool:
    """Whether the log has the gap at the source's end, from a claim that broke off right after it."""
    gaps = Event.objects.filter(transcript_id=transcript_id, kind=EventKind.GAP).order_by("-seq")[:1]
    return any(gap.payload.get("reason") == ENDED_EARLY for gap in gaps)


def forget_if_gone(transcript_id: UUID) -> None:
    """A transcript that was deleted while its session ran leaves nothing that the session wrote afterwards."""
    if not Transcript.objects.filter(pk=transcript_id).exists():
        forget_kept(transcript_id)
        forget_spooled(transcript_id)
