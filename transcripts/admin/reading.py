"""The text, the flags and the event log of one transcript, a page at a time, for reading inside the admin."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict

from transcripts.exports.clock import brief
from transcripts.models import Event, Flag, Segment, Transcript

#: Rows of text and of the event log on one page, and characters shown of one event.
TEXT_ROWS = 100
EVENT_ROWS = 50
FLAG_ROWS = 25
EVENT_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Part:
    """A page of rows, each with a label; which page it is; and the links that turn it, if there is somewhere to go."""

    rows: list[tuple[str, Any]]
    number: int
    pages: int
    before: str
    after: str


def parts(transcript: Transcript, query: QueryDict) -> dict[str, Part]:
    """The asked pages (``?text=2&log=3&flags=2``) by these names; wrong numbers give the nearest page."""
    segments = transcript.segments.in_order().defer("words")
    # The newest events are what one looks for; the text is read from its beginning.
    events = transcript.events.order_by("-seq")
    flags = transcript.flags.order_by("state", "start_ms", "id")
    return {
        "flags": _part(Paginator(flags, FLAG_ROWS).get_page(query.get("flags")), times, "flags", query),
        "text": _part(Paginator(segments, TEXT_ROWS).get_page(query.get("text")), times, "text", query),
        "log": _part(Paginator(events, EVENT_ROWS).get_page(query.get("log")), payload, "log", query),
    }


def _part(page: Page[Any], label: Callable[[Any], str], name: str, query: QueryDict) -> Part:
    rows = [(label(row), row) for row in page]
    before = _link(query, name, page.number - 1) if page.has_previous() else ""
    after = _link(query, name, page.number + 1) if page.has_next() else ""
    return Part(rows, page.number, page.paginator.num_pages, before, after)


def _link(query: QueryDict, name: str, number: int) -> str:
    turned = query.copy()
    turned[name] = str(number)
    return f"?{turned.urlencode()}#{name}"


def times(row: Segment | Flag) -> str:
    """Begin and end of a segment or a flag, to the second."""
    return f"{brief(row.start_ms)}–{brief(row.end_ms)}"


def payload(event: Event) -> str:
    """What an event says, as JSON, cut where it gets long."""
    text = json.dumps(event.payload, ensure_ascii=False)
    return text if len(text) <= EVENT_CHARACTERS else f"{text[:EVENT_CHARACTERS]}…"
