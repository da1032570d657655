"""Rows of text as the session page shows them: its end first, older ones in pages, and where words are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Count, F, Min, QuerySet, Sum

from transcripts.models import Event, EventKind, Segment, Transcript
from transcripts.views import looks

#: Rows of text that a page holds at first, that scrolling up brings, and that one jump brings at most.
WINDOW, PAGE, JUMP = 300, 100, 2000
#: Longer than this without a word is a row of its own, in ms; and how many colours speakers have.
SILENCE_MS, HUES = 30_000, 10
#: Most rows that one search names, and the longest search.
MAX_HITS, MAX_QUERY = 5000, 200


def number(text: str) -> int | None:
    """A number of a query string: digits and not many."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def read_lines(transcript: Transcript, query: Mapping[str, str]) -> list[dict[str, Any]]:
    """Segments with the gaps between them, in order, as the template wants them: the last WINDOW of all.

    Of ``query``: ``before`` (an index) brings the PAGE of rows before it, with ``from`` (an index) or ``at`` (ms) all
    from there on, the last JUMP of them at most.
    """
    segments = Segment.objects.filter(transcript=transcript)
    before = number(query.get("before", ""))
    if before is None:
        return _with_gaps(transcript, segments.order_by("-index")[:WINDOW], None)
    since = _first_wanted(segments, query)
    earlier = segments.filter(index__lt=before).order_by("-index")
    rows = earlier[:PAGE] if since is None else earlier.filter(index__gte=since)[:JUMP]
    return _with_gaps(transcript, rows, before)


def _first_wanted(segments: QuerySet[Segment], query: Mapping[str, str]) -> int | None:
    """The index that a jump leads to, or None when there is no jump."""
    index, at = number(query.get("from", "")), number(query.get("at", ""))
    if index is None and at is not None:
        index = segments.filter(start_ms__lte=at).order_by("-index").values_list("index", flat=True).first() or 0
    return index


def _with_gaps(transcript: Transcript, segments: QuerySet[Segment], before: int | None) -> list[dict[str, Any]]:
    rows = list(segments)
    gaps = Event.objects.filter(transcript=transcript, kind=EventKind.GAP)
    if rows and rows[-1].index:
        gaps = gaps.filter(seq__gt=rows[-1].seq)
    if before is not None:
        later = Segment.objects.filter(transcript=transcript, index=before).values_list("seq", flat=True).first()
        gaps = gaps.filter(seq__lt=later or 0)
    lines: list[dict[str, Any]] = [{"seq": row.seq, "segment": row} for row in rows]
    lines += [
        {"seq": gap.seq, "gap": gap.payload, "length": gap.payload["end_ms"] - gap.payload["start_ms"]} for gap in gaps
    ]
    lines.sort(key=lambda line: int(line["seq"]))
    return _with_silences(lines, _heard_before(transcript, rows[-1].index if rows else 0))


def _heard_before(transcript: Transcript, index: int) -> int:
    """Where the row before ``index`` ends, in ms."""
    before = Segment.objects.filter(transcript=transcript, index=index - 1) if index else Segment.objects.none()
    return before.values_list("end_ms", flat=True).first() or 0


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
    sums = rows.annotate(first=Min("index"), passages=Count("pk"), spoken=Sum(F("end_ms") - F("start_ms")))
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


def first_index(lines: list[dict[str, Any]]) -> int:
    """Index of the first segment among the lines: how many lie before it."""
    return next((line["segment"].index for line in lines if "segment" in line), 0)


def find(transcript: Transcript, query: str) -> list[int]:
    """Indexes of the segments whose text holds ``query``, in any case of any script (the databases differ there)."""
    wanted = query.strip()[:MAX_QUERY].casefold()
    if not wanted:
        return []
    texts = Segment.objects.filter(transcript=transcript).order_by("index").values_list("index", "text")
    return [index for index, text in texts.iterator() if wanted in text.casefold()][:MAX_HITS]
