"""From events of a log to messages for receivers: which, with which id, holding what. No database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from transcripts.models import Event, EventKind, Hit, ReviewState, State, Transcript, WebhookEvent

#: Namespace of message ids.
_IDS = UUID("6f0e3c1e-58a4-4a0f-9a63-0b7c5ad0e7a1")
_STATES = {
    State.RUNNING: WebhookEvent.STARTED,
    State.COMPLETED: WebhookEvent.COMPLETED,
    State.COMPLETED_WITH_GAPS: WebhookEvent.COMPLETED,
    State.FAILED: WebhookEvent.FAILED,
    State.PAUSED: WebhookEvent.PAUSED,
    State.CANCELLED: WebhookEvent.CANCELLED,
}
#: The review's state before and now -> what happened. What is not here, such as another assignee, is not told.
_REVIEWS = {
    (ReviewState.OPEN, ReviewState.APPROVED): WebhookEvent.APPROVED,
    (ReviewState.RETURNED, ReviewState.APPROVED): WebhookEvent.APPROVED,
    ("", ReviewState.APPROVED): WebhookEvent.APPROVED,
    (ReviewState.OPEN, ReviewState.RETURNED): WebhookEvent.RETURNED,
    (ReviewState.APPROVED, ReviewState.OPEN): WebhookEvent.REOPENED,
}
_COMMENTS = {"written": WebhookEvent.COMMENTED, "resolved": WebhookEvent.RESOLVED}
#: What of an event's payload belongs to each kind.
_STATE_FACTS = ("state", "code", "message", "next_step")
_REVIEW_FACTS = ("state", "by", "reason")
_COMMENT_FACTS = ("thread", "segment", "start_ms", "by")
_SEGMENT_FACTS = ("segment", "start_ms", "end_ms", "text", "language", "speaker", "unconfirmed")


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver gets: ``id`` is the same however often it is sent; ``at`` is when it happened."""

    id: str
    kind: WebhookEvent
    at: datetime
    data: Mapping[str, Any]

    @property
    def payload(self) -> dict[str, Any]:
        """The JSON body."""
        return {"type": str(self.kind), "timestamp": self.at.isoformat(timespec="milliseconds"), "data": self.data}


def message_id(transcript_id: UUID, *parts: object) -> str:
    """The id of a message about a transcript; the same parts give the same id."""
    return f"msg_{uuid5(_IDS, ':'.join(map(str, (transcript_id, *parts)))).hex}"


def of_state(transcript: Transcript, event: Event) -> Message | None:
    """The message of a state event, if people may be told of that state."""
    state = State(event.payload["state"])
    kind = WebhookEvent.CREATED if state == State.QUEUED and event.seq == 1 else _STATES.get(state)
    return _message(transcript, event, kind, _STATE_FACTS) if kind else None


def of_review(transcript: Transcript, event: Event, before: str) -> Message | None:
    """The message of a review event; ``before`` is the state that the review event before it named, or nothing."""
    kind = _REVIEWS.get((before, event.payload.get("state", "")))
    return _message(transcript, event, kind, _REVIEW_FACTS) if kind else None


def of_comment(transcript: Transcript, event: Event) -> Message | None:
    """The message of a comment event, without the words: those can be changed and deleted, a message cannot."""
    kind = _COMMENTS.get(event.payload.get("what", ""))
    if kind is None:
        return None
    facts = _chosen(event.payload, _COMMENT_FACTS) | {"comment": event.payload["id"]}
    facts["path"] = f"/s/{transcript.pk}?panel=comments#comment-{event.payload['thread']}"
    data = {"transcript": about(transcript), "seq": event.seq, **facts}
    return Message(message_id(transcript.pk, event.seq, kind), kind, event.at, data)


def of_segments(transcript: Transcript, events: Iterable[Event]) -> Message | None:
    """One message for all the text that was committed in these events."""
    spoken = [event for event in events if event.kind == EventKind.COMMIT and event.payload.get("text")]
    if not spoken:
        return None
    segments = [_chosen(event.payload, _SEGMENT_FACTS) | {"seq": event.seq} for event in spoken]
    data = {"transcript": about(transcript), "segments": segments}
    key = message_id(transcript.pk, spoken[0].seq, spoken[-1].seq, WebhookEvent.SEGMENT)
    return Message(key, WebhookEvent.SEGMENT, spoken[-1].at, data)


def of_hit(transcript: Transcript, hit: Hit) -> Message:
    """The message of an alert."""
    facts = ("term", "before", "said", "after", "segment", "start_ms")
    data = {"transcript": about(transcript), "watchlist": {"id": str(hit.watchlist_id), "name": hit.watchlist.name}}
    data |= {name: getattr(hit, name) for name in facts}
    key = message_id(transcript.pk, hit.segment, hit.watchlist_id, hit.term, WebhookEvent.ALERT)
    return Message(key, WebhookEvent.ALERT, hit.at, data)


def about(transcript: Transcript) -> dict[str, Any]:
    """What every message says of the transcript."""
    return {
        "id": str(transcript.pk),
        "team": str(transcript.team_id),
        "title": transcript.title,
        "source_url": transcript.source_url,
        "live": transcript.is_live,
        "language": transcript.language,
        "path": f"/s/{transcript.pk}",
    }


def _message(transcript: Transcript, event: Event, kind: WebhookEvent, facts: Iterable[str]) -> Message:
    data = {"transcript": about(transcript), "seq": event.seq, **_chosen(event.payload, facts)}
    return Message(message_id(transcript.pk, event.seq, kind), kind, event.at, data)


def _chosen(payload: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: payload[name] for name in names if payload.get(name) not in (None, "")}
