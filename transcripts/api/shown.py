"""Rows as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, prefetch_related_objects
from django.urls import reverse

from transcripts.media.parts import PART_BYTES
from transcripts.media.pcm import samples_to_ms
from transcripts.models import Review, Segment, Tag, Transcript, Upload
from transcripts.reviewing.editing import name_of
from transcripts.search import Found

SAME = (
    "title", "state", "is_final", "is_live", "source_url", "engine", "language", "code", "message", "next_step",
    "last_seq", "created_at", "started_at", "finished_at",
)  # fmt: skip


def transcript(row: Transcript, tags: Sequence[str]) -> dict[str, Any]:
    """`TranscriptOut`; touches no column that lists leave out."""
    return {name: getattr(row, name) for name in SAME} | {
        "id": row.pk,
        "kind": row.source_kind,
        "segments": row.segment_count,
        "heard_ms": samples_to_ms(row.committed_samples),
        "gap_ms": samples_to_ms(row.gap_samples),
        "duration_ms": samples_to_ms(row.duration_samples),
        "tags": list(tags),
    }


def detail(row: Transcript) -> dict[str, Any]:
    """`TranscriptDetail`."""
    state = Review.objects.filter(transcript=row).values_list("state", flat=True).first()
    tags = Tag.objects.filter(transcripts=row).order_by("key").values_list("name", flat=True)
    return transcript(row, list(tags)) | {
        "created_by": name_of(row.created_by),
        "options": row.options,
        "review": state or "",
        "media_sha256": row.media_sha256,
        "page": reverse("session", args=[row.pk]),
    }


def found(page: Sequence[Found]) -> list[dict[str, Any]]:
    """`FoundOut` for each row of a search, the tags in one query."""
    rows = [one.transcript for one in page]
    prefetch_related_objects(rows, Prefetch("tags", Tag.objects.order_by("key"), to_attr="shown_tags"))
    return [
        transcript(row, [tag.name for tag in row.shown_tags])  # type: ignore[attr-defined]
        | {"hits": [{"segment": hit.index, "start_ms": hit.start_ms, "text": hit.snippet.text} for hit in one.hits]}
        for one, row in zip(page, rows, strict=True)
    ]


def segment(row: Segment, *, words: bool = True) -> dict[str, Any]:
    """`SegmentOut`."""
    names = (
        "index", "version", "start_ms", "end_ms", "text", "speaker", "language", "confidence", "unconfirmed",
        "is_checked",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"words": row.words if words else []}


def upload(row: Upload) -> dict[str, Any]:
    """`UploadOut`."""
    return {
        "id": row.pk,
        "name": row.name,
        "size": row.size,
        "offset": row.received,
        "part_bytes": PART_BYTES,
        "expires_at": row.expires_at,
    }


def review(row: Transcript, found: Review | None) -> dict[str, Any]:
    """`ReviewOut`."""
    return {
        "transcript": row.pk,
        "state": found.state if found else "",
        "assignee": name_of(found.assignee) if found else "",
        "due_on": found.due_on if found else None,
        "decided_by": found.decided_name if found else "",
        "decided_at": found.decided_at if found else None,
        "reason": found.reason if found else "",
    }
