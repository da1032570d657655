"""Request bodies on Daphne: limited, on disk when large, and of strangers only small ones.

Twisted reads a whole body before anybody is asked who sent it. So a body that passes ``stranger_body`` bytes is held
up, unread, until the server knows the sender (security_reliability.md S15); a stranger's costs nothing but that.
"""

from __future__ import annotations

import asyncio
import io
import logging
import shutil
import tempfile
from typing import Any

from daphne.http_protocol import WebRequest

from sttweb import ownwords
from sttweb.ownwords import _

logger = logging.getLogger(__name__)

#: Bodies up to this many bytes stay in memory.
IN_MEMORY_BODY = 100_000
BODY_CHUNK = 64 * 1024
#: While an upload is taken it is on the disk so many times: here, as Django reads it, as its file, and where it stays.
BODY_COPIES = 4
#: Seconds that somebody known who was refused gets to notice.
LINGER_SECONDS = 5.0

#: Headers of the answers that no middleware sees.
SAFE = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)
#: Status, its name, one sentence and the next step.
Refusal = tuple[int, str, str, str]
TOO_LARGE: Refusal = (
    413, "Content Too Large",
    _("This is larger than the server accepts."), _("Go back and send less at once."),
)  # fmt: skip
NO_SPACE: Refusal = (
    507, "Insufficient Storage",
    _("The disk of this server has no room for this."), _("Ask its operator for space."),
)  # fmt: skip
STRANGER: Refusal = (
    403, "Forbidden",
    _("So much is only taken from people who are known here."), _("Log in first."),
)  # fmt: skip
UNSURE: Refusal = (
    503, "Service Unavailable",
    _("The server cannot find out who you are at the moment."), _("Try again in a minute."),
)  # fmt: skip
#: What Daphne says by itself, by status.
MISREAD = {
    400: (_("The address or a header of this request makes no sense."), _("Check the link.")),
    500: (_("The server failed while it answered."), _("Try again; if it happens again, tell the operator.")),
    503: (_("The server took too long to answer."), _("Try again in a minute.")),
}


class BoundedRequest(WebRequest):  # type: ignore[misc]
    """A request whose body is limited, goes to disk when large, and is not parsed by Twisted as well."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._announced = self._received = self._limit = 0
        self._refused = False
        #: The question who sends this; None until the body is so large that it matters.
        self._asking: asyncio.Task[bool] | None = None
        self._complete = False
        super().__init__(*args, parsePOSTFormSubmission=False, **kwargs)

    def gotLength(self, length: int | None) -> None:
        """Called with the announced length of the body in bytes, or None when it comes in pieces."""
        self._limit = self.server.body_limit(getattr(self.channel, "_path", b""))
        large = length is None or length > IN_MEMORY_BODY
        self._announced = length or 0
        # Closed by the application's end, or with the request. Not buffered: nothing is left to be written then.
        self.content = tempfile.TemporaryFile(dir=self.server.body_dir, buffering=0) if large else io.BytesIO()  # noqa: SIM115
        if self._check(self._announced) and self._asking is None:
            self._require_room()

    def handleContentChunk(self, data: bytes) -> None:
        """Called with each piece of the body."""
        self._received += len(data)
        if not self._check(self._received):
            return
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self.content.write(rest) :]
        except OSError as error:
            logger.warning("a request's body could not be kept: %s", error)
            self._refuse(*NO_SPACE)

    def process(self) -> Any:
        """Called when the body is complete."""
        self._complete = True
        if self._refused:
            self._hang_up()
            return None
        waits = self._asking is not None and not self._asking.done()
        return None if waits else super().process()

    def connectionLost(self, reason: Any) -> None:
        """Called when the sender went away."""
        if self._asking is not None:
            self._asking.cancel()
        super().connectionLost(reason)

    def _check(self, size: int) -> bool:
        """Whether a body of ``size`` bytes is still taken; asks who sends it when it is the time."""
        if size > self._limit:
            self._refuse(*TOO_LARGE)
        elif size > self.server.stranger_body and self._asking is None and not self._refused:
            self.channel.transport.pauseProducing()
            headers = [(name.lower(), value) for name, values in self.requestHeaders.getAllRawHeaders()
                       for value in values]  # fmt: skip
            self._asking = asyncio.ensure_future(self.server.knows(headers))
            self._asking.add_done_callback(self._answered)
        return not self._refused

    def _answered(self, asking: asyncio.Task[bool]) -> None:
        if asking.cancelled() or self._refused:
            return
        if (error := asking.exception()) is not None:
            logger.warning("who sends a large body could not be found out: %r", error)
            self._refuse(*UNSURE)
        elif not asking.result():
            self._refuse(*STRANGER)
        else:
            self._require_room()
            self.channel.transport.resumeProducing()
            if self._complete and not self._refused:
                super().process()

    def _require_room(self) -> None:
        """Of somebody known: the answer comes before the body, and what still comes is read, or it would be lost."""
        large = self._announced > IN_MEMORY_BODY
        if large and shutil.disk_usage(self.server.body_dir).free < BODY_COPIES * self._announced:
            self._refuse(*NO_SPACE)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Called where Daphne answers by itself: our page in the place of its own."""
        sentence, step = MISREAD.get(status, MISREAD[500])
        kind, text = self._told(status, sentence, step)
        headers = [(b"Content-Type", kind.encode()), *((name.encode(), value.encode()) for name, value in SAFE)]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": text})

    def _told(self, status: int, sentence: str, step: str) -> tuple[str, bytes]:
        """Type and body of a refusal, as who asked can use it."""
        accept, languages = (
            self.requestHeaders.getRawHeaders(name, [b""])[0] for name in (b"accept", b"accept-language")
        )
        return ownwords.answer(status, sentence, step, accept.decode("latin-1"), languages.decode("latin-1"))

    def _refuse(self, status: int, reason: str, sentence: str, step: str) -> None:
        if self._refused:
            return
        self._refused = True
        kind, text = self._told(status, sentence, step)
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nConnection: close\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in SAFE)
        self.channel.transport.write(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
        if status == NO_SPACE[0]:
            asyncio.get_running_loop().call_later(LINGER_SECONDS, self._hang_up)
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self.channel is not None:
            self.channel.loseConnection()


class LazyBody:
    """Stands where Daphne keeps a queue: gives the application the body piece by piece, only when it asks."""

    def __init__(self, content: io.BufferedIOBase) -> None:
        self._content = content
        self._complete = False
        self._gone = asyncio.Event()

    def put_nowait(self, message: dict[str, Any]) -> None:
        """Daphne's messages: only the disconnect is news."""
        if message["type"] == "http.disconnect":
            self._gone.set()

    async def receive(self) -> dict[str, Any]:
        """The application's next message."""
        if self._complete:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        chunk = self._content.read(BODY_CHUNK)
        self._complete = len(chunk) < BODY_CHUNK
        return {"type": "http.request", "body": chunk, "more_body": not self._complete}

    def close(self) -> None:
        """Give the disk space back."""
        self._content.close()
