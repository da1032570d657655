"""Searching a transcript for flags as it grows: from where the last search ended, a bounded part at a time.

Called by the workers beside their sessions (`jobs.scanner`), and when a review page opens. Two searches at once are
harmless: each part is compared and set, and a kind flags a moment once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from transcripts.jobs.kept import kept_files
from transcripts.models import EventKind, Flag, FlagKind, Scan, Segment, Transcript
from transcripts.models.log import hold
from transcripts.models.segment import FIRST_SPLIT
from transcripts.reviewing import detectors, flags
from transcripts.reviewing.detectors import Finding, Heard, Loudness

#: Passages searched in one transaction, and passages read again before them for what spans both.
PART, BEFORE = 400, 60
#: Text whose sound is not kept yet is left for the next search while its session runs, unless the sound is this late.
SOUND_LATE_MS = 60_000
#: What a later search brings up to date, for a loop may still grow.
_FACTS = ["segment", "end_ms", "score", "details"]


@dataclass(frozen=True, slots=True)
class _Part:
    """What one transaction writes: the row as it was, as it becomes, and what was found."""

    seen: Scan
    seq: int
    segments: int
    confidences: list[int] = field(default_factory=list)
    words: int = 0
    low_words: int = 0
    findings: list[Finding] = field(default_factory=list)


def scan(transcript: Transcript) -> int:
    """Search what came since the last time; return how many flags are new. Cheap when nothing came."""
    found = 0
    sound = kept_files(transcript.pk).peaks if transcript.is_kept else None
    transcript.refresh_from_db(fields=["state", "last_seq", "segment_count"])
    while (part := _next(transcript, sound)) is not None:
        new = _write(transcript, part)
        if new is None:
            return found  # another search is at it
        found += new
    return found


def _next(transcript: Transcript, sound: Path | None) -> _Part | None:
    """The next part that is worth a transaction, or None."""
    seen, _made = Scan.objects.get_or_create(transcript=transcript)
    loudness = _loudness(sound) if seen.segments < transcript.segment_count else None
    passages = _ready(transcript, _fresh(transcript, seen), loudness)
    reached = passages[-1].index + 1 if passages else seen.segments
    gaps = _gaps(transcript, seen)
    if not passages and not gaps and seen.is_settled == transcript.is_final:
        return None
    confidences = detectors.counted(seen.confidences, passages)
    typical = detectors.typical_of(confidences)
    before = _before(transcript, seen)
    findings = gaps + (detectors.find(passages, before=before, typical=typical, loudness=loudness) if passages else [])
    words = [word for passage in passages for word in detectors.sure_words(passage)]
    low = sum(detectors.is_low(word, typical) for word in words)
    return _Part(
        seen, transcript.last_seq, reached, confidences, seen.words + len(words), seen.low_words + low, findings
    )


def _loudness(sound: Path | None) -> Loudness | None:
    try:
        return Loudness(sound.read_bytes()) if sound is not None else None
    except OSError:
        return None


def _fresh(transcript: Transcript, seen: Scan) -> list[Heard]:
    rows = transcript.segments.filter(index__gte=seen.segments, index__lt=FIRST_SPLIT).order_by("index")
    return [_heard(row) for row in rows.only(*_READ)[:PART]]


_READ = ["index", "start_ms", "end_ms", "text", "words", "unconfirmed"]


def _heard(row: Segment) -> Heard:
    return Heard(row.index, row.start_ms, row.end_ms, row.text, row.words, row.unconfirmed)


def _ready(transcript: Transcript, passages: Sequence[Heard], loudness: Loudness | None) -> Sequence[Heard]:
    """Those whose sound is kept, or will hardly be any more."""
    if loudness is None or transcript.is_final or not passages:
        return passages
    if passages[-1].end_ms - loudness.end_ms > SOUND_LATE_MS:
        return passages
    return [passage for passage in passages if passage.end_ms <= loudness.end_ms]


def _gaps(transcript: Transcript, seen: Scan) -> list[Finding]:
    events = transcript.events.filter(seq__gt=seen.seq, seq__lte=transcript.last_seq, kind=EventKind.GAP)
    payloads = events.order_by("seq").values_list("payload", flat=True)
    # What a person paused is missing because somebody wanted it to be.
    lost = [gap for gap in payloads if gap.get("reason") != "paused"]
    return [detectors.gap(gap["start_ms"], gap["end_ms"], gap.get("reason", "")) for gap in lost]


def _before(transcript: Transcript, seen: Scan) -> list[Heard]:
    """The passages before the new ones, from the beginning of a loop that may still go on; without their words."""
    first = max(0, seen.segments - BEFORE)
    loop = Flag.objects.filter(transcript=transcript, kind=FlagKind.LOOP).order_by("-start_ms").first()
    rows = transcript.segments.filter(index__gte=first, index__lt=seen.segments).only(*_READ[:4]).order_by("index")
    before = [Heard(row.index, row.start_ms, row.end_ms, row.text) for row in rows]
    if loop is not None and before and loop.start_ms < before[0].start_ms <= loop.end_ms:
        rows = transcript.segments.filter(start_ms__gte=loop.start_ms, index__lt=seen.segments).only(*_READ[:4])
        before = [Heard(row.index, row.start_ms, row.end_ms, row.text) for row in rows.order_by("index")]
    return before


@transaction.atomic
def _write(transcript: Transcript, part: _Part) -> int | None:
    """Store a part; how many flags are new, or None when another search was first."""
    hold(transcript.pk)
    now = {"seq": part.seq, "segments": part.segments, "is_settled": transcript.is_final, "at": timezone.now()}
    now |= {"confidences": part.confidences, "words": part.words, "low_words": part.low_words}
    seen = Scan.objects.filter(pk=part.seen.pk, seq=part.seen.seq, segments=part.seen.segments)
    if seen.update(**now) != 1:
        return None
    if not part.findings:
        return 0
    new = _store(transcript, part.findings)
    flags.tally(transcript)
    flags.announce(transcript, new)
    return len(new)


def _store(transcript: Transcript, findings: Sequence[Finding]) -> list[Flag]:
    """Insert what is new and bring the extent of what is known up to date; its answers stay. Return the new ones."""
    unique = {(finding.kind, finding.start_ms): finding for finding in findings}
    starts = {start for _, start in unique}
    rows = Flag.objects.filter(transcript=transcript, start_ms__gte=min(starts), start_ms__lte=max(starts))
    known = set(rows.values_list("kind", "start_ms"))
    Flag.objects.bulk_create(
        (_flag(transcript, finding) for finding in unique.values()),
        update_conflicts=True,
        unique_fields=["transcript", "kind", "start_ms"],
        update_fields=_FACTS,
    )
    return [flag for flag in rows.in_order() if (flag.kind, flag.start_ms) in unique.keys() - known]


def _flag(transcript: Transcript, finding: Finding) -> Flag:
    return Flag(
        transcript=transcript,
        kind=finding.kind,
        segment=finding.segment,
        start_ms=finding.start_ms,
        end_ms=finding.end_ms,
        score=finding.score,
        details=dict(finding.details),
    )
