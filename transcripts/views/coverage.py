"""How much of a source was heard: stretches of speech and gaps, few enough to draw. Pure but for the query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from transcripts.media.pcm import samples_to_ms
from transcripts.models import Event, EventKind, Segment, Transcript

#: Stretches that a bar of this many steps can tell apart.
STEPS = 600
#: Pauses shorter than this belong to speech, in ms.
PAUSE_MS = 1000

Span = tuple[int, int]


def merged(spans: Iterable[Span], within: int) -> list[Span]:
    """Sorted spans, those closer together than ``within`` as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] < within:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def coverage(transcript: Transcript) -> dict[str, Any]:
    """``spoken`` and ``gaps`` as ``[start_ms, end_ms]``, and how far text is settled and how long the source is, in ms.

    What is settled and neither spoken nor a gap is silence.
    """
    settled = samples_to_ms(transcript.committed_samples)
    duration = samples_to_ms(transcript.duration_samples)
    segments = Segment.objects.filter(transcript=transcript).values_list("start_ms", "end_ms")
    gaps = Event.objects.filter(transcript=transcript, kind=EventKind.GAP).values_list("payload", flat=True)
    step = max(settled, duration) // STEPS
    return {
        "spoken": merged(segments.iterator(), max(PAUSE_MS, step)),
        "gaps": merged(((gap["start_ms"], gap["end_ms"]) for gap in gaps), step),
        "settled_ms": settled,
        "duration_ms": duration,
    }
