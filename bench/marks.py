"""What people and detectors leave in an archive: reviews, flags, searches for flags, one transcript of ten hours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

#: Segments and events of the long one, five seconds each.
LONG = 7_200
LONG_TITLE = "Ten hours of council"


def leave() -> None:
    """Once: every transcript was searched for flags, one in ten has some open, one in twenty was sent to review; a
    superuser ``operator``."""
    from django.contrib.auth.models import User
    from django.db import connection

    from transcripts.models import Flag, Review, Scan, Transcript

    if Scan.objects.exists():
        return
    User.objects.create_superuser("operator")
    chance = random.Random(5)
    keys = list(Transcript.objects.order_by("created_at").values_list("pk", flat=True))
    Scan.objects.bulk_create((_scan(key, chance) for key in keys), batch_size=5_000)
    Flag.objects.bulk_create((flag for key in keys[::10] for flag in _flags(key, 3, chance)), batch_size=5_000)
    states = random.Random(6).choices(["open", "approved", "returned"], [30, 69, 1], k=len(keys))
    reviews = (Review(transcript_id=key, state=state) for key, state in zip(keys[::20], states, strict=False))
    Review.objects.bulk_create(reviews, batch_size=5_000)
    _long(chance)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _scan(key: Any, chance: random.Random) -> Any:
    from transcripts.models import Scan

    return Scan(transcript_id=key, words=600, low_words=int(chance.paretovariate(1.5) * 6), flags_left=3)


def _flags(key: Any, count: int, chance: random.Random) -> Iterator[Any]:
    """Mostly of low confidence, one in a hundred of another kind."""
    from transcripts.models import Flag

    for place in range(count):
        kind = "loop" if chance.random() < 0.01 else "confidence"
        yield Flag(transcript_id=key, segment=place, kind=kind, start_ms=place * 5_000, end_ms=place * 5_000 + 900)


def _long(chance: random.Random) -> None:
    from django.utils import timezone

    from transcripts.models import Event, EventKind, Flag, Scan, Segment, Team, Transcript

    team = Team.objects.get(name="Bench")
    # `archive.fill` took the field's own time away.
    facts: dict[str, Any] = {"created_at": timezone.now()}
    facts |= {"state": "completed", "segment_count": LONG, "last_seq": LONG, "committed_samples": LONG * 5 * 16_000}
    row = Transcript.objects.create(team=team, title=LONG_TITLE, source_kind="url", **facts)
    text = "the council meets at six to decide whether the school opens tomorrow or on the day after"
    parts = [(index, index * 5_000) for index in range(LONG)]
    words = [[[word, start + 250 * place, start + 250 * place + 240, 0.9] for place, word in enumerate(text.split())]
             for _, start in parts]  # fmt: skip
    Segment.objects.bulk_create(
        (
            Segment(
                transcript=row, index=index, seq=index + 1, start_ms=start, end_ms=start + 5_000, text=text, words=said
            )
            for (index, start), said in zip(parts, words, strict=True)
        ),
        batch_size=2_000,
    )
    events = (
        Event(
            transcript=row, seq=index + 1, kind=EventKind.COMMIT, payload={"index": index, "text": text, "words": said}
        )
        for (index, _), said in zip(parts, words, strict=True)
    )
    Event.objects.bulk_create(events, batch_size=2_000)
    Flag.objects.bulk_create(_flags(row.pk, 300, chance))
    Scan.objects.create(transcript=row, words=LONG * 16, low_words=900, flags_left=300)
