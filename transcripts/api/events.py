"""The log: rows after a number, at once or as soon as there are any; as answers or as server-sent events."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from ninja import Header, Query, Router, Schema
from pydantic import Field, StringConstraints

from transcripts import access, tokens
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.textschemas import EventsOut
from transcripts.live.ear import Ear, listening
from transcripts.live.outbox import Closed
from transcripts.live.reader import Row, read_rows
from transcripts.live.station import Gone, read_heads
from transcripts.live.threads import in_thread
from transcripts.models import FINAL, ApiToken

router = Router(tags=["events"])
#: Longest wait for an event in seconds, and most rows of one answer.
LONGEST_WAIT, MOST_ROWS = 30, 1000
#: A stream says something at least so often, is asked for its rights so often, and ends after so many seconds.
BEAT_SECONDS, RIGHTS_SECONDS, STREAM_SECONDS = 15.0, 5.0, 3600.0
#: Streams and waits that a token may have at once in this process.
MOST_STREAMS = 20
_open: Counter[UUID] = Counter()

_FIELDS = {name: {"type": "string"} for name in ("id", "event", "data")}
_STREAM = {
    "responses": {
        200: {
            "description": "Server-sent events: the event's type, its number as id, the event as data.",
            "content": {"text/event-stream": {"schema": {"type": "object", "properties": _FIELDS}}},
        }
    }
}


class EventsQuery(Schema):
    """Which events."""

    after: int = Field(0, ge=0, le=2**53, description="number of the last event that you have")
    wait: int = Field(0, ge=0, le=LONGEST_WAIT, description="seconds to wait for one while it has not ended")
    limit: int = Field(200, ge=1, le=MOST_ROWS)


@router.get("/{uuid:transcript_id}/events", response=EventsOut)
async def list_events(request: HolderRequest, transcript_id: UUID, query: Query[EventsQuery]) -> HttpResponse:
    """Events after a number, in order, without holes; with `wait` as soon as there is one. Scope `read`."""
    held = request.auth
    await in_thread(access.transcript_held, held, transcript_id)
    rows = await in_thread(read_rows, transcript_id, query.after, query.limit)
    if not rows and query.wait and not await _has_ended(transcript_id, query.after):
        await _wait(held.token, transcript_id, query.after, query.wait)
        await in_thread(_still_allowed, held.token, transcript_id)
        rows = await in_thread(read_rows, transcript_id, query.after, query.limit)
    return await _answer(transcript_id, rows, query.after)


async def _answer(transcript_id: UUID, rows: list[Row], after: int) -> HttpResponse:
    """The rows as they are encoded already. Raises Http404 for a transcript that was deleted meanwhile."""
    head = (await in_thread(read_heads, [transcript_id])).get(transcript_id)
    if head is None:
        raise Http404("No such transcript.")
    last = rows[-1].seq if rows else after
    ended = json.dumps(head.ended and last >= head.last_seq)
    text = f'{{"items":[{",".join(row.text for row in rows)}],"after":{last},"ended":{ended}}}'
    return HttpResponse(text, content_type="application/json")


async def _has_ended(transcript_id: UUID, after: int) -> bool:
    """Nothing more comes after that number by itself."""
    head = (await in_thread(read_heads, [transcript_id])).get(transcript_id)
    return head is None or (head.ended and after >= head.last_seq)


async def _wait(token: ApiToken, transcript_id: UUID, after: int, seconds: float) -> None:
    """Until an event comes after a number, the transcript is gone, or the time is over. Raises Refusal."""
    until = time.monotonic() + seconds
    _enter(token)
    try:
        async with listening(transcript_id, after) as ear:
            while (left := until - time.monotonic()) > 0:
                text = await ear.hear(left)
                if text is not None and _number(json.loads(text)) > after:
                    return
    except (Closed, Gone):
        return
    finally:
        _leave(token)


def _number(message: dict[str, Any]) -> int:
    """The number of a row; 0 for what is not kept."""
    return 0 if message["type"] == "caught_up" else int(message.get("seq", 0))


def _enter(token: ApiToken) -> None:
    if _open[token.pk] >= MOST_STREAMS:
        message = _("This token has %(count)s streams open, the most at once.") % {"count": MOST_STREAMS}
        raise Refusal("too_many_streams", message, _("Close some of them."), status=429)
    _open[token.pk] += 1


def _leave(token: ApiToken) -> None:
    _open[token.pk] -= 1
    if not _open[token.pk]:
        del _open[token.pk]


def _still_allowed(token: ApiToken, transcript_id: UUID) -> None:
    """Raises TokenRefused, PermissionDenied or Http404 when it is not any more."""
    access.transcript_held(tokens.again(token), transcript_id)


LastEventId = Annotated[str, StringConstraints(pattern=r"^[0-9]{0,15}$", max_length=15)]


@router.get("/{uuid:transcript_id}/events/stream", openapi_extra=_STREAM)
async def stream_events(
    request: HolderRequest,
    transcript_id: UUID,
    after: Annotated[int, Query(ge=0, le=2**53, description="number of the last event that you have")] = 0,
    stay: Annotated[bool, Query(description="go on when the transcript has ended, for corrections")] = False,
    last_event_id: Annotated[LastEventId, Header("", alias="Last-Event-ID", description="as browsers send it")] = "",
) -> StreamingHttpResponse:
    """Events as they happen, partial ones too. Ends with `closed`: `ended`, `right_lost` or `time`. Scope `read`."""
    await in_thread(access.transcript_held, request.auth, transcript_id)
    token = request.auth.token
    if _open[token.pk] >= MOST_STREAMS:
        _enter(token)
    texts = _stream(token, transcript_id, max(after, int(last_event_id or 0)), stay)
    return StreamingHttpResponse(texts, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _stream(token: ApiToken, transcript_id: UUID, after: int, stay: bool) -> AsyncIterator[str]:
    _enter(token)
    try:
        async with listening(transcript_id, after) as ear:
            async for text in _told(ear, token, transcript_id, stay):
                yield text
    except (Closed, Gone):
        yield _closed("gone")
    finally:
        _leave(token)


async def _told(ear: Ear, token: ApiToken, transcript_id: UUID, stay: bool) -> AsyncIterator[str]:
    """What is heard, as server-sent events, until there is a reason to end. Raises Closed."""
    end, rights_at = time.monotonic() + STREAM_SECONDS, time.monotonic() + RIGHTS_SECONDS
    beat_at = time.monotonic() + BEAT_SECONDS
    yield "retry: 2000\n\n"
    while (now := time.monotonic()) < end:
        if now >= rights_at:
            rights_at = now + RIGHTS_SECONDS
            if not await _may(token, transcript_id):
                yield _closed("right_lost")
                return
        text = await ear.hear(min(rights_at, beat_at, end) - now)
        if text is not None:
            message = json.loads(text)
            yield _event(message, text)
            beat_at = time.monotonic() + BEAT_SECONDS
            if not stay and await _is_over(message, transcript_id):
                yield _closed("ended")
                return
        elif time.monotonic() >= beat_at:
            beat_at = time.monotonic() + BEAT_SECONDS
            yield ": beat\n\n"
    yield _closed("time")


async def _is_over(message: dict[str, Any], transcript_id: UUID) -> bool:
    """The transcript has ended and this was its last event."""
    caught_up = message["type"] == "caught_up"
    if not caught_up and not (message["type"] == "state" and message["data"]["state"] in FINAL):
        return False
    head = (await in_thread(read_heads, [transcript_id])).get(transcript_id)
    return head is None or (head.ended and int(message["seq"]) >= head.last_seq)


async def _may(token: ApiToken, transcript_id: UUID) -> bool:
    try:
        await in_thread(_still_allowed, token, transcript_id)
    except (tokens.TokenRefused, PermissionDenied, Http404):
        return False
    return True


def _event(message: dict[str, Any], text: str) -> str:
    number = _number(message)
    name = f"id: {number}\n" if number else ""
    return f"{name}event: {message['type']}\ndata: {text}\n\n"


def _closed(reason: str) -> str:
    return f"event: closed\ndata: {json.dumps({'type': 'closed', 'data': {'reason': reason}})}\n\n"
