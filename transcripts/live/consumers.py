"""The browser's socket: lets in who may see, takes one command, and leaves the sending to the feeds.

Messages reach a browser by a plain call from its feed, not over a channel of its own: no queue, no thread hop and no
database on the way out (stack.md 5.11).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.db import Error as DatabaseError
from django.http import HttpRequest

from transcripts import access
from transcripts.live import counts
from transcripts.live.buckets import Bucket
from transcripts.live.captions import CaptionFeed, desk
from transcripts.live.outbox import BROKEN, Closed, Outbox
from transcripts.live.station import NOT_FOUND, Feed, Gone, station
from transcripts.live.threads import in_thread

logger = logging.getLogger(__name__)

#: Close codes: not logged in, a message that makes no sense, too large, too many.
NOT_LOGGED_IN, BAD_MESSAGE, TOO_LARGE, TOO_MANY = 4401, 4400, 4413, 4429
#: Largest client message in bytes.
MAX_MESSAGE = 64 * 1024
#: Seconds between two looks at whether the person may still see this.
RIGHTS_SECONDS = 30.0
#: Seconds a browser has to say hello.
HELLO_SECONDS = 10.0
MAX_NUMBER = 2**53


def parse_hello(text: str) -> int:
    """The number after which to go on, from ``{"type": "hello", "after": n}``. Raises ValueError for anything else."""
    message = json.loads(text)
    if not isinstance(message, dict) or message.get("type") != "hello":
        raise ValueError("unknown command")
    after = message.get("after", 0)
    if type(after) is not int or not 0 <= after <= MAX_NUMBER:
        raise ValueError("bad number")
    return after


def asks_presence(text: str) -> bool:
    """Whether a hello that `parse_hello` took also asks who watches, and shows its own person to others."""
    return json.loads(text).get("presence") is True


def current_person(session: SessionBase) -> User | AnonymousUser:
    """Who a session belongs to now: logged out, deactivated or with another password is nobody. Blocks on the database.

    Channels keeps the session that it saw at connect (django/channels #1324), so it is read anew.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
    person = get_user(request)
    assert isinstance(person, User | AnonymousUser)
    return person


class LiveConsumer(AsyncWebsocketConsumer):
    """What both sockets have in common. Subclasses say what is watched and who may."""

    # No layer of its own: the process has one ear (live.hub), and a layer that dies cannot end this socket.
    channel_layer_alias = ""
    outbox: Outbox | None = None
    feed: Feed | CaptionFeed | None = None
    #: Who watches, by id and name; 0 is nobody in particular, who has a public link.
    person: tuple[int, str] = (0, "")
    #: The label under which it is counted.
    watches = ""
    _left = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket. An error of ours, or a server that ends it, brings no disconnect: left is left anyway."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._gone()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Channels would hop to a thread before every message to close database connections; none is opened here."""
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def connect(self) -> None:
        """Refuse strangers before accepting: nothing of ours is said to them."""
        refusal = await self.refusal()
        if refusal is not None:
            await self.close(refusal)
            return
        await self.accept()
        counts.viewers.add(self.watches)
        self.bucket = Bucket()
        self._look_again = asyncio.Event()
        self.outbox = Outbox(self._send_text, self._leave_and_close)
        self._following: asyncio.Task[None] | None = None
        self._guarding = asyncio.create_task(self._guard(), name="live.rights")

    def _hear_of_rights(self, message: Mapping[str, Any]) -> None:
        if message.get("person") == self.person[0]:
            self._look_again.set()

    async def _send_text(self, text: str) -> None:
        message: Any = {"type": "websocket.send", "text": text}
        await self.base_send(message)

    async def refusal(self) -> int | None:
        """The close code for this person, or None when they may watch."""
        return await in_thread(self._judge)

    def _judge(self) -> int | None:
        person = current_person(self.scope["session"])
        if not person.is_authenticated:
            return NOT_LOGGED_IN
        self.person = (person.pk, person.get_full_name() or person.get_username())
        return None if self.may_watch(person) else NOT_FOUND

    def may_watch(self, person: access.Person) -> bool:
        """Whether the person may watch; called in a thread."""
        raise TypeError("a subclass says who may watch")

    async def enter(self, outbox: Outbox) -> Feed | CaptionFeed:
        """Join the feed. Raises Gone."""
        raise TypeError("a subclass says what is watched")

    async def _guard(self) -> None:
        """Close the socket of a silent stranger, and of a person whose right was taken away."""
        hello = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._require_hello)
        try:
            if self.person[0]:
                await station().heed_rights(self._hear_of_rights)
            while True:
                await self._wait_for_a_look()
                await self._look()
        finally:
            hello.cancel()
            await station().ignore_rights(self._hear_of_rights)

    async def _look(self) -> None:
        try:
            self._end_if(await self.refusal())
        except DatabaseError as error:
            logger.warning("rights could not be read, asking again: %r", error)

    def _require_hello(self) -> None:
        if self._following is None:
            self._end(BAD_MESSAGE)

    async def _wait_for_a_look(self) -> None:
        """Until somebody says that this person's rights may have changed, at the latest RIGHTS_SECONDS."""
        try:
            async with asyncio.timeout(RIGHTS_SECONDS):
                await self._look_again.wait()
        except TimeoutError:
            return
        self._look_again.clear()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The one command, ``hello``; anything else ends the socket."""
        if self.outbox is None or self.outbox.is_shut:
            return
        text = text_data or ""
        if len(text.encode()) > MAX_MESSAGE or len(bytes_data or b"") > MAX_MESSAGE:
            self._end(TOO_LARGE)
        elif not self.bucket.take():
            self._end(TOO_MANY)
        else:
            await self._hello(text)

    async def _hello(self, text: str) -> None:
        try:
            after = parse_hello(text)
        except (ValueError, RecursionError):
            self._end(BAD_MESSAGE)
            return
        try:
            refusal = await self.refusal()
        except DatabaseError as error:
            logger.warning("rights could not be read, the browser will come back: %r", error)
            refusal = BROKEN
        if self._end_if(refusal):
            return
        self.with_presence = asks_presence(text)
        await self._stop_following()
        self._following = asyncio.create_task(self._follow(after), name="live.follow")

    async def _follow(self, after: int) -> None:
        assert self.outbox is not None
        try:
            if self.feed is None:
                self.feed = await self.enter(self.outbox)
            await self.feed.follow(self.outbox, after)
        except (Closed, Gone):
            self._end(NOT_FOUND)
        except Exception:
            logger.exception("a browser could not be served, it will come back")
            self._end(BROKEN)

    async def _stop_following(self) -> None:
        task, self._following = self._following, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self.feed is not None and self.outbox is not None:
            self.feed.pause(self.outbox)

    def _end(self, code: int) -> None:
        assert self.outbox is not None
        self.outbox.shut(code)

    def _end_if(self, refusal: int | None) -> bool:
        if refusal is not None:
            self._end(refusal)
        return refusal is not None

    async def _leave_and_close(self, code: int) -> None:
        # Leave first: a socket that takes nothing may not take the close either.
        await self._leave()
        await self.close(code)

    async def _leave(self) -> None:
        if self.feed is None or self.outbox is None:
            return
        if isinstance(self.feed, CaptionFeed):
            await desk().leave(self.feed, self.outbox)
        else:
            await station().leave(self.feed, self.outbox)

    async def disconnect(self, code: int) -> None:
        """The browser is gone."""
        await self._gone()

    async def _gone(self) -> None:
        """Leave everything that was joined. Harmless the second time."""
        if self.outbox is None or self._left:
            return
        self._left = True
        counts.viewers.add(self.watches, -1)
        self._guarding.cancel()
        await asyncio.gather(self._guarding, return_exceptions=True)
        await self._stop_following()
        await self.outbox.stop()
        await self._leave()


class TranscriptConsumer(LiveConsumer):
    """``/ws/t/<id>/``: one transcript, exactly once and in order."""

    watches = "transcript"

    @property
    def transcript_id(self) -> UUID:
        """From the route, which takes UUIDs only."""
        found: UUID = self.scope["url_route"]["kwargs"]["transcript_id"]
        return found

    def may_watch(self, person: access.Person) -> bool:
        """Members of the owning team."""
        return access.transcripts_of(person).filter(pk=self.transcript_id).exists()

    async def enter(self, outbox: Outbox) -> Feed:
        """Join the transcript's feed. Raises Gone."""
        feed = await station().watch_transcript(self.transcript_id, outbox)
        if self.with_presence:
            feed.presence.enter(outbox, *self.person)
        return feed


class BoardConsumer(LiveConsumer):
    """``/ws/board/<team>/``: the cards of a team."""

    watches = "board"

    @property
    def team_id(self) -> UUID:
        """From the route, which takes UUIDs only."""
        found: UUID = self.scope["url_route"]["kwargs"]["team_id"]
        return found

    def may_watch(self, person: access.Person) -> bool:
        """Members of the team."""
        return access.membership(person, self.team_id) is not None

    async def enter(self, outbox: Outbox) -> Feed:
        """Join the team's board."""
        return await station().watch_board(self.team_id, outbox)
