"""What a browser is told: small JSON messages, numbered when they last, encoded once for all viewers.

Pure: no Django, no asyncio. Every value is JSON-safe and msgpack-safe. The contract (ui.md, "Event contract"):

``{"type": "partial" | "commit" | "revise" | "gap" | "state" | "session" | "notice" | "annotation" | "source"
| "review" | "flag" | "comment", "seq": n, "at": ISO time, "data": {…}}`` with ``seq`` on everything that is stored and
none on partials, plus the control messages ``hello`` (client: ``{"type": "hello", "after": n}``), ``caught_up``,
``card`` and ``card_gone`` (the board), ``presence`` (who watches; only to those whose hello asked), ``editing`` (who
types where), ``caption`` (all that a public caption link gets) and ``closed``.

``data`` of a stored event is the payload of its row, whose keys the pages rely on:

- commit: ``segment`` (its index) and ``start_ms, end_ms, text, words, language, unconfirmed`` and perhaps ``speaker``
  of the Segment; the provider's own extras (``raw``) stay in the log;
- gap: ``start_ms, end_ms, reason`` (``source_dropped``, ``buffer_overflow`` …);
- state: ``state`` and, where they help, ``code, message, next_step``; when finishing ``within_ms``, how soon the last
  words are there or asked for again;
- notice: ``code, message`` and free details;
- revise: ``title`` when the transcript was given another one, ``engine`` when it goes on with another, ``captions``
  (``shared``, ``unshared``) when a public link was made or taken back, the last two with ``by``, a name. Of a
  corrected segment: ``segment, version, how, by`` and its present ``start_ms, end_ms, text, words, speaker``; ``after``
  (an index) when it is new, split from that one; ``gone`` (indexes) when it swallowed others; or only ``checked``;
- review: ``state`` (``open``, ``returned``, ``approved``) and ``by``, perhaps ``reason`` and ``assignee``;
- flag: ``flags``, a list of ``id, kind, state, segment`` (or null), ``start_ms, end_ms, score, details``: new ones, or
  ones whose state changed, then with ``by``, a name;
- comment: ``what`` (``written``, ``edited``, ``resolved``, ``reopened``, ``deleted``) became of ``id`` in ``thread``,
  ``by`` (a name), its ``segment`` (or null) and ``start_ms``; never its text, which can be deleted;
- session, annotation: what the provider said; shown in the log only;
- source: ``code`` (``source_dropped``, ``source_back``, ``source_ended``, ``now_playing``), ``message``, ``at_ms`` and,
  for a title, ``title``.

An ``alert`` (a watched word was said) has no number either.
A ``source`` without ``seq`` is how a live source is doing now: see `source`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any


def _encode(message: Mapping[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def stored(kind: str, seq: int, at: datetime, data: Mapping[str, Any]) -> str:
    """A row of the log as the browser gets it."""
    data = {key: value for key, value in data.items() if key != "raw"}
    return _encode({"type": kind, "seq": seq, "at": at.isoformat(timespec="milliseconds"), "data": data})


def partial(text: str, start_ms: int, heard_ms: int, epoch: int) -> str:
    """The current guess for the open segment: no number, newest wins, never stored. Empty text clears it."""
    return _encode(
        {"type": "partial", "data": {"text": text, "start_ms": start_ms, "heard_ms": heard_ms, "epoch": epoch}}
    )


def source(state: str, seconds: float, attempt: int, attempts: int, epoch: int) -> str:
    """How a live source is doing: playing, quiet, stalled or reconnecting (``attempt`` of ``attempts``), for
    ``seconds``. No number, never stored, said again every few seconds while it is not playing."""
    tries = {"attempt": attempt, "attempts": attempts} if attempts else {}
    data = {"state": state, "seconds": round(seconds, 1), **tries, "epoch": epoch}
    return _encode({"type": "source", "data": data})


def alert(watchlist: str, term: str, before: str, said: str, after: str, start_ms: int) -> str:
    """A watched word was said at ``start_ms``. No number, never stored here: the list of hits has it."""
    data = {"watchlist": watchlist, "term": term, "before": before, "said": said, "after": after, "start_ms": start_ms}
    return _encode({"type": "alert", "data": data})


def caught_up(seq: int) -> str:
    """Sent after the rows that a viewer had missed: everything up to ``seq`` was delivered."""
    return _encode({"type": "caught_up", "seq": seq})


def editing(segment: int, person: int, by: str, seconds: float) -> str:
    """Somebody types in a segment, for ``seconds`` unless it is said again; 0: they have stopped. No number, never
    stored; whoever comes later is told what holds."""
    return _encode(
        {"type": "editing", "data": {"segment": segment, "person": person, "by": by, "seconds": round(seconds, 1)}}
    )


def card(data: Mapping[str, Any]) -> str:
    """The present look of one transcript on the board; replaces the card with the same ``data["id"]``."""
    return _encode({"type": "card", "data": data})


def watching(counts: Mapping[str, int]) -> str:
    """How many browsers look at transcripts of the team: id -> count, 0 when the last one left. Lasts as little as a
    partial."""
    return _encode({"type": "watching", "data": dict(counts)})


def card_gone(transcript_id: str) -> str:
    """A transcript is no longer on the board (it was deleted)."""
    return _encode({"type": "card_gone", "data": {"id": transcript_id}})


def caption(settled: str, open_text: str, language: str, *, ended: bool) -> str:
    """The whole present picture of a public caption: newest wins. The only message that such a link ever gets."""
    data = {"settled": settled, "open": open_text, "language": language, "ended": ended}
    return _encode({"type": "caption", "data": data})


def presence(people: Sequence[str], count: int) -> str:
    """Who watches now: some of their names and how many they are. No number, newest wins, never stored."""
    return _encode({"type": "presence", "data": {"people": list(people), "count": count}})


def closed(reason: str) -> str:
    """The last message before the server closes a socket on purpose."""
    return _encode({"type": "closed", "data": {"reason": reason}})
