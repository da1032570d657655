"""Rows of text as the session page shows them: its end first, older ones in pages, and where words are found.

Rows have a place (start, then index), not a number: parts of a split segment stand between their neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, F, Min, Q, Sum
from django.http import QueryDict

from transcripts.models import Event, EventKind, Segment, Transcript
from transcripts.models.segment import SegmentQuerySet
from transcripts.views import looks

#: Rows of text that a page holds at first, that scrolling up brings, and that one jump brings at most.
WINDOW, PAGE, JUMP = 300, 100, 2000
#: Longer than this without a word is a row of its own, in ms; and how many colours speakers have.
SILENCE_MS, HUES = 30_000, 10
#: Most rows that one search names, and the longest search.
MAX_HITS, MAX_QUERY = 5000, 200
#: What a page that is open asks rows by.
ASKED = frozenset({"before", "after", "t", "seg", "end"})
#: A time as links write it.
MOMENT = re.compile(r"(?:[0-9]{1,4}:){0,2}[0-9]{1,7}(?:\.[0-9]{0,3})?")


def number(text: str) -> int | None:
    """A number of a query string: digits and not many."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def read_lines(transcript: Transcript, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Segments with the gaps between them, in order, as the template wants them: the last WINDOW of all.

    Of ``query``: ``t`` (a time) or ``seg`` (an index) brings PAGE rows on both sides of that place, ``before`` and
    ``after`` (a place as `place_of` writes it, or an index) the PAGE of rows on that side of it; ``before`` with
    ``from`` (an index) or ``at`` (ms) all from there on, the last JUMP of them at most.
    """
    segments = transcript.segments.all()
    before, after = (_place(segments, query.get(name, "")) for name in ("before", "after"))
    if before is not None:
        return _with_gaps(transcript, _up_to(segments, before, query))
    if after is not None:
        return _with_gaps(transcript, list(segments.behind(after).in_order()[:PAGE]))
    wanted = _wanted(segments, query)
    rows = _around(segments, wanted) if wanted else []
    return _with_gaps(transcript, rows or _reversed(segments.newest_first()[:WINDOW]), whole=True)


def _reversed(newest_first: Iterable[Segment]) -> list[Segment]:
    return list(newest_first)[::-1]


def _up_to(segments: SegmentQuerySet, before: Segment, query: Mapping[str, str]) -> list[Segment]:
    since = _first_wanted(segments, query)
    earlier = segments.ahead_of(before).newest_first()
    return _reversed(earlier[:PAGE] if since is None else earlier.exclude(_is_ahead_of(since))[:JUMP])


def _around(segments: SegmentQuerySet, wanted: Segment) -> list[Segment]:
    """The rows on both sides of ``wanted``; none when the last WINDOW holds it and as many behind it anyway."""
    behind = list(segments.behind(wanted).in_order()[:PAGE])
    if len(behind) < PAGE:
        return []
    return [*_reversed(segments.ahead_of(wanted).newest_first()[:PAGE]), wanted, *behind]


def _wanted(segments: SegmentQuerySet, query: Mapping[str, str]) -> Segment | None:
    """The segment that the address leads to."""
    index, at = number(query.get("seg", "")), moment(query.get("t", ""))
    if index is not None:
        return segments.filter(index=index).first()
    return None if at is None else segments.filter(start_ms__lte=at).newest_first().first() or segments.first()


def landing(transcript: Transcript, path: str, query: QueryDict) -> str:
    """Where a link to a moment leads: the address that names its row twice, for the server and for the browser, which
    then paints the row in its place. Empty when it does, or leads nowhere."""
    if {"t", "seg"} <= set(query):
        return ""
    wanted = _wanted(transcript.segments.all(), query)
    if wanted is None:
        return ""
    full = query.copy()
    full["seg"] = str(wanted.index)
    full.setdefault("t", f"{wanted.start_ms / 1000:g}")
    return f"{path}?{full.urlencode(safe=':')}#seg-{wanted.index}"


def moment(text: str) -> int | None:
    """``83.5``, ``1:23`` or ``1:02:03`` of a query string in ms."""
    if not MOMENT.fullmatch(text):
        return None
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return round(seconds * 1000)


def place_of(segment: Segment) -> str:
    """Where a segment stands, for links: still a place when the segment is gone."""
    return f"{segment.index}.{segment.start_ms}"


def _place(segments: SegmentQuerySet, text: str) -> Segment | None:
    index, start = (number(part) for part in (text.partition(".")[0], text.partition(".")[2]))
    if index is None:
        return None
    if start is not None:
        return Segment(index=index, start_ms=start)
    return segments.filter(index=index).first()


def _is_ahead_of(segment: Segment) -> Q:
    return Q(start_ms__lt=segment.start_ms) | Q(start_ms=segment.start_ms, index__lt=segment.index)


def _first_wanted(segments: SegmentQuerySet, query: Mapping[str, str]) -> Segment | None:
    """The segment that a jump leads to, or None when there is no jump."""
    index, at = number(query.get("from", "")), number(query.get("at", ""))
    if index is not None:
        return segments.filter(index=index).first()
    if at is None:
        return None
    return segments.filter(start_ms__lte=at).newest_first().first() or Segment(index=0, start_ms=0)


def _with_gaps(transcript: Transcript, rows: list[Segment], *, whole: bool = False) -> list[dict[str, Any]]:
    """The rows, and with each the gaps behind it; ``whole`` says that gaps are all there is when there are no rows."""
    if not rows and not whole:
        return []
    gaps = Event.objects.filter(transcript=transcript, kind=EventKind.GAP)
    if rows and transcript.segments.ahead_of(rows[0]).exists():
        gaps = gaps.filter(seq__gt=rows[0].seq)
    following = transcript.segments.behind(rows[-1]).in_order().values_list("seq", flat=True).first() if rows else None
    if following is not None:
        gaps = gaps.filter(seq__lt=following)
    lines: list[dict[str, Any]] = [{"seq": row.seq, "segment": row} for row in rows]
    lines += [
        {"seq": gap.seq, "gap": gap.payload, "length": gap.payload["end_ms"] - gap.payload["start_ms"]} for gap in gaps
    ]
    # Stable: parts of one segment have its number and are in order already.
    lines.sort(key=lambda line: int(line["seq"]))
    return _with_silences(lines, _heard_before(transcript, rows[0]) if rows else 0)


def _heard_before(transcript: Transcript, segment: Segment) -> int:
    """Where the row before ``segment`` ends, in ms."""
    ahead = transcript.segments.ahead_of(segment).newest_first()
    return ahead.values_list("end_ms", flat=True).first() or 0


def _with_silences(lines: list[dict[str, Any]], heard: int) -> list[dict[str, Any]]:
    """The lines with a row for each stretch of more than SILENCE_MS in which nobody spoke and nothing was lost."""
    found = []
    for line in lines:
        part = line.get("gap") or {"start_ms": line["segment"].start_ms, "end_ms": line["segment"].end_ms}
        if part["start_ms"] - heard > SILENCE_MS:
            found.append({"seq": line["seq"], "silence": part["start_ms"] - heard})
        found.append(line)
        heard = max(heard, part["end_ms"])
    return found


def speakers(transcript: Transcript) -> list[dict[str, Any]]:
    """Who speaks, in the order of appearance: ``label``, ``name``, ``initials``, ``hue``, number of
    ``passages`` and ``share`` of the spoken time in %."""
    rows = Segment.objects.filter(transcript=transcript).exclude(speaker="").values("speaker")
    sums = rows.annotate(first=Min("start_ms"), passages=Count("pk"), spoken=Sum(F("end_ms") - F("start_ms")))
    found = list(sums.order_by("first"))
    total = sum(row["spoken"] for row in found) or 1
    named = [looks.speaker_name(row["speaker"]) for row in found]
    return [
        {
            "label": row["speaker"],
            "name": name,
            "initials": looks.initials(name),
            "hue": place % HUES,
            "passages": row["passages"],
            "share": round(100 * row["spoken"] / total),
        }
        for place, (row, name) in enumerate(zip(found, named, strict=True))
    ]


def name_speakers(lines: list[dict[str, Any]], known: list[dict[str, Any]]) -> None:
    """Give each line that begins another voice its ``chip``: an entry of ``known``."""
    chips = {speaker["label"]: speaker for speaker in known}
    before = ""
    for line in lines:
        label = line["segment"].speaker if "segment" in line else before
        if label != before and label in chips:
            line["chip"] = chips[label]
        before = label


def beyond(lines: list[dict[str, Any]], query: Mapping[str, str], *, page: bool) -> dict[str, Any]:
    """How many segments lie before the lines and behind them (``earlier``, ``later``), and the places to ask from
    (``first_place``, ``last_place``); rows that are put beside others, no ``page``, tell of their far side only."""
    shown: list[Segment] = [line["segment"] for line in lines if "segment" in line]
    found: dict[str, Any] = {"earlier": 0, "later": 0}
    if not shown:
        return found
    every = Segment.objects.filter(transcript=shown[0].transcript_id)
    if page or "after" not in query:
        found |= {"earlier": every.ahead_of(shown[0]).count(), "first_place": place_of(shown[0])}
    if ASKED & set(query) and (page or "before" not in query):
        found |= {"later": every.behind(shown[-1]).count(), "last_place": place_of(shown[-1])}
    return found


def find(transcript: Transcript, query: str) -> list[tuple[int, int]]:
    """Index and start (ms) of the segments whose text holds ``query``, as spoken, in any case of any script (the
    databases differ there)."""
    wanted = query.strip()[:MAX_QUERY].casefold()
    if not wanted:
        return []
    rows = transcript.segments.in_order().values_list("index", "start_ms", "text")
    return [(index, start) for index, start, text in rows.iterator() if wanted in text.casefold()][:MAX_HITS]
