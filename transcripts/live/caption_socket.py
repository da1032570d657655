"""The socket of a public caption link: no account, no command but hello, and nothing but the text of speech."""

from __future__ import annotations

from sttweb.visiting import client_address
from transcripts import captionlocks, sharing
from transcripts.live import doorstep
from transcripts.live.captions import CaptionFeed, Link, desk
from transcripts.live.consumers import NOT_LOGGED_IN, TOO_MANY, LiveConsumer
from transcripts.live.outbox import Outbox
from transcripts.live.station import NOT_FOUND, Gone


class CaptionConsumer(LiveConsumer):
    """``/ws/c/<token>/``: the captions of one link."""

    watches = "captions"
    link: Link | None = None

    async def connect(self) -> None:
        """Turn away who knocks too often, before the database is asked."""
        remote = str((self.scope.get("client") or [""])[0])
        forwarded = next((value for name, value in self.scope["headers"] if name == b"x-forwarded-for"), b"")
        if doorstep.captions.admits(client_address(remote, forwarded.decode("latin-1")) or ""):
            await super().connect()
        else:
            await self.close(TOO_MANY)

    async def refusal(self) -> int | None:
        """No such link. Once in, the link's feed watches over it for all who read along."""
        return None if self.link is not None else await super().refusal()

    def _judge(self) -> int | None:
        found = sharing.find(self.scope["url_route"]["kwargs"]["token"])
        if found and not captionlocks.is_open(found, self.scope.get("cookies", {})):
            return NOT_LOGGED_IN
        self.link = Link(found.pk, found.transcript_id, float(found.delay_seconds)) if found else None
        return None if found else NOT_FOUND

    async def enter(self, outbox: Outbox) -> CaptionFeed:
        """Join the link's captions. Raises Gone."""
        if self.link is None:
            raise Gone
        return await desk().enter(self.link, outbox)
