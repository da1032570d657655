"""``/ws/audio/``: sound comes in, the transcript's events go out, on one socket.

Binary messages are sound; text messages are orders (`commands`). What is received is safe before it is acknowledged,
so a client that keeps what was not acknowledged loses nothing, whoever dies.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import Error as DatabaseError
from django.http import Http404

from transcripts import services
from transcripts.incoming import commands, options
from transcripts.incoming.beginning import Refused, begin
from transcripts.incoming.commands import Misunderstood
from transcripts.incoming.knocking import NOT_ALLOWED, Knocking, knocking
from transcripts.incoming.sender import Sender
from transcripts.live.consumers import BAD_MESSAGE, TOO_LARGE, TOO_MANY, LiveConsumer
from transcripts.live.outbox import BROKEN, Outbox
from transcripts.live.station import NOT_FOUND, Feed, Gone, station
from transcripts.live.threads import in_thread
from transcripts.models import FINAL, Transcript

logger = logging.getLogger(__name__)

#: Close codes beside those of all sockets: idle, another connection sends, nothing more is taken, not what was
#: announced, try again later, not before somebody raises the limit.
IDLE, BUSY, ENDED, WRONG_FORMAT, LATER, LIMIT = 4408, 4409, 4410, 4415, 4503, 4402
CODES = {
    "stream_busy": BUSY, "stream_taken": BUSY, "stream_ended": ENDED, "bad_audio": WRONG_FORMAT, "too_fast": TOO_MANY,
    "stream_full": TOO_LARGE, "disk_full": LATER, "disk_low": LATER, "too_many_unfinished": TOO_MANY,
    "media_missing": ENDED, "no_such_team": NOT_FOUND, "limit_reached": LIMIT,
}  # fmt: skip
#: Largest message of sound in bytes.
MAX_AUDIO = 256 * 1024
#: Seconds between two acknowledgements, and between two looks at the row and the person's rights.
ACK_SECONDS, BEAT_SECONDS = 1.0, 3.0
#: Seconds without a message after which a client that has not paused is taken for gone.
IDLE_SECONDS = 600.0


class AudioConsumer(LiveConsumer):
    """``/ws/audio/`` makes a transcript with its first message, ``/ws/audio/<id>/`` goes on with one."""

    watches = "audio"
    sender: Sender | None = None
    transcript_id: UUID | None = None
    _ticking: asyncio.Task[None] | None = None
    _stopped = _paused = _slow = False
    _acked = -1

    async def connect(self) -> None:
        """As for watchers; what comes is taken one message after the other."""
        self.transcript_id = self.scope["url_route"]["kwargs"].get("transcript_id")
        self._busy = asyncio.Lock()
        self._heard_at = time.monotonic()
        await super().connect()

    def _judge(self) -> int | None:
        return knocking(self.scope).refusal(self.transcript_id)

    async def enter(self, outbox: Outbox) -> Feed:
        """The transcript's feed. Raises Gone."""
        if self.transcript_id is None:
            raise Gone
        return await station().watch_transcript(self.transcript_id, outbox)

    # --- What comes in -------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Sound, or an order."""
        if self.outbox is None or self.outbox.is_shut:
            return
        self._heard_at = time.monotonic()
        try:
            async with self._busy:
                if bytes_data is not None:
                    await self._take(bytes_data)
                else:
                    await self._hear(text_data or "")
        except (Misunderstood, Refused) as refused:
            await self._refuse(refused.code, refused.message, refused.next_step)
        except (Http404, PermissionDenied) as refused:
            self._end(NOT_FOUND if isinstance(refused, Http404) else NOT_ALLOWED)
        except DatabaseError as error:
            logger.warning("sound could not be taken, the client will come back: %r", error)
            self._end(BROKEN)

    async def _take(self, data: bytes) -> None:
        if len(data) > MAX_AUDIO:
            raise Refused("too_large", "One message may have 256 KiB of sound.", "Send smaller pieces.")
        if self.sender is None:
            raise Misunderstood("bad_message", "Sound came before start or resume.")
        if self._stopped or not data:
            return
        await asyncio.to_thread(self.sender.write, data)
        slow = self.sender.credit.left() < self.sender.credit.most / 4
        if slow and not self._slow:
            self._say("slow", may_send=self._may_send())
        self._slow = slow

    async def _hear(self, text: str) -> None:
        if len(text.encode()) > MAX_AUDIO // 4:
            raise Refused("too_large", "That message is too long.", "Send smaller ones.")
        if not self.bucket.take():
            raise Refused("too_fast", "These are too many orders.", "Send fewer.")
        if self.sender is not None:
            await self._obey(commands.parse_order(text))
        elif self.transcript_id is None:
            await self._start(commands.parse_start(text))
        else:
            await self._attach(commands.parse_attach(text))

    async def _start(self, start: commands.Start) -> None:
        transcript = await in_thread(self._begin, start)
        self.transcript_id = transcript.pk
        await self._open(transcript, 0, take_over=False)

    def _begin(self, start: commands.Start) -> Transcript:
        who = knocking(self.scope)
        team = who.team(start.team, self.scope["session"].get("team"))
        if team is None or not who.person.is_authenticated:
            raise Refused("no_such_team", "There is no such team in which you may start something.", "Name another.")
        return begin(team, who.person, options.wanted(start, team))

    async def _attach(self, attach: commands.Attach) -> None:
        assert self.transcript_id is not None
        who: Knocking = await in_thread(knocking, self.scope)
        transcript = await in_thread(who.transcript, self.transcript_id)
        await self._open(transcript, attach.after, take_over=attach.take_over)

    async def _open(self, transcript: Transcript, after: int, *, take_over: bool) -> None:
        sender = await in_thread(Sender, transcript)
        if take_over:
            await in_thread(sender.claim)
        opening = asyncio.ensure_future(asyncio.to_thread(sender.open, take_over=take_over))
        try:
            received = await asyncio.shield(opening)
            await in_thread(sender.claim)
        except BaseException:
            # A thread is not broken off: the file that it may hold by now must not stay held.
            await asyncio.wait([opening])
            await in_thread(sender.leave)
            raise
        self.sender, self._acked = sender, received
        seconds = received / sender.sound.bytes_per_second if sender.sound.is_raw else None
        self._say(
            "ready",
            transcript=str(transcript.pk),
            page=f"/s/{transcript.pk}",
            resume_from=received,
            seconds=seconds,
            may_send=self._may_send(),
            format=sender.sound.encoding.value,
            sample_rate=sender.sound.rate,
            channels=sender.sound.channels,
        )
        self._following = asyncio.create_task(self._follow(after), name="live.follow")
        self._ticking = asyncio.create_task(self._tick(), name="incoming.tick")

    async def _obey(self, order: str) -> None:
        assert self.sender is not None
        if order == "stop" and not self._stopped:
            await in_thread(self.sender.finish)
            self._stopped = True
            safe = self.sender.flush()
            self._acknowledge(safe)
            self._say("stopped", received=safe)
        elif order == "commit":
            await in_thread(self._commit)
        elif order in ("pause", "resume"):
            self._paused = order == "pause"

    def _commit(self) -> None:
        assert self.sender is not None
        services.commit_now(Transcript.objects.get(pk=self.sender.transcript_id))

    # --- What goes out -------------------------------------------------------------------------------------------

    def _say(self, kind: str, **facts: Any) -> None:
        if self.outbox is not None:
            self.outbox.push(json.dumps({"type": kind, **facts}, ensure_ascii=False, separators=(",", ":")))

    def _may_send(self) -> int:
        """The byte up to which the client may send now."""
        assert self.sender is not None
        return self.sender.received + max(0, int(self.sender.credit.left()))

    def _acknowledge(self, safe: int) -> None:
        if safe != self._acked:
            self._acked = safe
            self._say("ack", received=safe, may_send=self._may_send())

    async def _refuse(self, code: str, message: str, next_step: str) -> None:
        """Say why, then close: what waits before it would come too late."""
        assert self.outbox is not None
        facts = {"type": "error", "code": code, "message": message, "next_step": next_step}
        with_code = CODES.get(code, TOO_LARGE if code == "too_large" else BAD_MESSAGE)
        self.outbox.push(json.dumps(facts, ensure_ascii=False))
        await self._drained()
        self._end(with_code)

    async def _drained(self) -> None:
        """Until all was sent, but not long."""
        assert self.outbox is not None
        for _ in range(40):
            if self.outbox.is_empty or self.outbox.is_shut:
                return
            await asyncio.sleep(0.05)

    # --- Time passes ---------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        beat_at = time.monotonic()
        while self.outbox is not None and not self.outbox.is_shut:
            await asyncio.sleep(ACK_SECONDS)
            try:
                if not self._stopped and self.sender is not None:
                    async with self._busy:
                        self._acknowledge(await asyncio.to_thread(self.sender.flush))
                if time.monotonic() - beat_at >= BEAT_SECONDS:
                    beat_at = time.monotonic()
                    await self._beat()
            except DatabaseError as error:
                logger.warning("a stream's row could not be read, asking again: %r", error)
            except OSError as error:
                logger.warning("what came could not be put on the disk: %r", error)
                self._end(LATER)

    async def _beat(self) -> None:
        if self._end_if(await self.refusal()):
            return
        if not self._stopped:
            await self._say_that_we_are_there()
        if self._stopped and await in_thread(self._is_over):
            await self._say_ended()

    async def _say_that_we_are_there(self) -> None:
        assert self.sender is not None
        if time.monotonic() - self._heard_at > IDLE_SECONDS and not self._paused:
            self._end(IDLE)
            return
        gone = await in_thread(self.sender.beat)
        if gone == "stream_taken":
            await self._refuse(gone, "Another connection sends to this transcript now.", "")
        elif gone:
            self._stopped = True
            self._say("stopped", received=await asyncio.to_thread(self.sender.flush))

    def _is_over(self) -> bool:
        assert self.sender is not None
        return Transcript.objects.filter(pk=self.sender.transcript_id, state__in=FINAL).exists()

    async def _say_ended(self) -> None:
        """All is written down: let the last events leave, then close in order."""
        await asyncio.sleep(ACK_SECONDS)
        self._say("ended")
        await self._drained()
        self._end(1000)

    async def _gone(self) -> None:
        """The client is gone: keep what it sent, and let it come back."""
        try:
            await self._let_go()
        except (DatabaseError, OSError) as error:
            logger.warning("a stream was left without a word: %r", error)
        finally:
            await super()._gone()

    async def _let_go(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        sender, self.sender = self.sender, None
        if sender is not None:
            await in_thread(sender.leave)
