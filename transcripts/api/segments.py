"""The text: passages in pages, and every way to correct them. A correction names the version that was seen; when
somebody else was first, the answer is 409 with the passage as it is now."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from transcripts import access
from transcripts.access import Right
from transcripts.api import shown
from transcripts.api.auth import HolderRequest
from transcripts.api.textschemas import (
    ChangedOut,
    ConflictOut,
    HistoryOut,
    MergeIn,
    ReplaceIn,
    RestoreIn,
    SegmentOut,
    SegmentPatch,
    SegmentsOut,
    SpeakerIn,
    SplitIn,
)
from transcripts.jobs.clean import clean_text
from transcripts.models import Segment, Transcript
from transcripts.reviewing import editing
from transcripts.reviewing.errors import Conflict
from transcripts.views.segments import versions_of

router = Router(tags=["segments"])
PLACE = "/{uuid:transcript_id}/segments"
ANSWERS = {200: SegmentOut, 409: ConflictOut}
MOST = 2**31 - 1


class SegmentQuery(Schema):
    """Which passages."""

    cursor: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,12}~[0-9]{1,10})?$", max_length=24)] = Field(
        "", description="“next” of the page before"
    )
    from_ms: int = Field(0, ge=0, le=2**53, description="only what ends later than this")
    words: bool = Field(True, description="with the times of each word")
    limit: int = Field(200, ge=1, le=1000)


@router.get(PLACE, response=SegmentsOut)
def list_segments(request: HolderRequest, transcript_id: UUID, query: Query[SegmentQuery]) -> dict[str, Any]:
    """The text so far, as spoken. Scope `read`."""
    row = access.transcript_held(request.auth, transcript_id)
    rows = row.segments.in_order()
    if query.from_ms:
        rows = rows.filter(end_ms__gt=query.from_ms)
    if query.cursor:
        start, _, index = query.cursor.partition("~")
        rows = rows.behind(Segment(start_ms=int(start), index=min(int(index), MOST)))
    found = list(rows[: query.limit + 1])
    page = found[: query.limit]
    following = f"{page[-1].start_ms}~{page[-1].index}" if len(found) > len(page) else ""
    return {"items": [shown.segment(one, words=query.words) for one in page], "next": following}


Place = Annotated[int, Field(ge=0, le=MOST)]


def _editable(request: HolderRequest, transcript_id: UUID, index: int) -> Transcript:
    """The transcript, which may be edited and has that passage, or had it. Raises as `access.transcript_held`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    if index > MOST or not (row.segments.filter(index=index).exists() or row.revisions.filter(segment=index).exists()):
        raise Http404("No such segment.")
    return row


@router.get(PLACE + "/{int:index}", response=SegmentOut)
def read_segment(request: HolderRequest, transcript_id: UUID, index: int) -> dict[str, Any]:
    """One passage. Scope `read`."""
    row = access.transcript_held(request.auth, transcript_id)
    found = row.segments.filter(index=index).first() if index <= MOST else None
    if found is None:
        raise Http404("No such segment.")
    return shown.segment(found)


@router.patch(PLACE + "/{int:index}", response=ANSWERS)
def edit_segment(request: HolderRequest, transcript_id: UUID, index: int, data: SegmentPatch) -> dict[str, Any]:
    """Correct the text, say who speaks, or say that it is right. Scope `edit`."""
    row, person = _editable(request, transcript_id, index), request.auth.person
    with transaction.atomic():
        version = data.version
        if data.text is not None:
            version = editing.edit(row, person, index, version, clean_text(data.text)).version
        if data.speaker is not None:
            version = editing.set_speaker(row, person, index, version, clean_text(data.speaker)).version
        if data.is_checked is not None:
            editing.check(row, person, index, version, checked=data.is_checked)
        found = row.segments.filter(index=index, version=version).first()
    if found is None:
        raise Conflict(row.segments.filter(index=index).first())
    return shown.segment(found)


@router.post(PLACE + "/{int:index}/split", response={200: SegmentsOut, 409: ConflictOut})
def split_segment(request: HolderRequest, transcript_id: UUID, index: int, data: SplitIn) -> dict[str, Any]:
    """Cut a passage in two. Scope `edit`."""
    row = _editable(request, transcript_id, index)
    both = editing.split(row, request.auth.person, index, data.version, data.at)
    return {"items": [shown.segment(one) for one in both], "next": ""}


@router.post(PLACE + "/{int:index}/merge", response=ANSWERS)
def merge_segment(request: HolderRequest, transcript_id: UUID, index: int, data: MergeIn) -> dict[str, Any]:
    """Join a passage with the one behind it. Scope `edit`."""
    row = _editable(request, transcript_id, index)
    return shown.segment(editing.merge(row, request.auth.person, index, data.version, data.next_version))


@router.post(PLACE + "/{int:index}/restore", response=ANSWERS)
def restore_segment(request: HolderRequest, transcript_id: UUID, index: int, data: RestoreIn) -> dict[str, Any]:
    """Bring an earlier version of a passage back. Scope `edit`."""
    row = _editable(request, transcript_id, index)
    return shown.segment(editing.restore(row, request.auth.person, index, data.version, data.wanted))


@router.get(PLACE + "/{int:index}/history", response=HistoryOut)
def list_versions(request: HolderRequest, transcript_id: UUID, index: int) -> dict[str, Any]:
    """Every version of a passage, by whom and when: what can be restored. Scope `edit`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    found = row.segments.filter(index=index).first() if index <= MOST else None
    if found is None:
        raise Http404("No such segment.")
    return {"items": [_version(one) for one in versions_of(row, found)]}


def _version(one: dict[str, Any]) -> dict[str, Any]:
    values = {name: one[name] for name in ("text", "speaker", "at")} | {"by": one.get("by", ""), "how": str(one["how"])}
    return values | {"version": one["number"], "is_current": one["current"]}


@router.post("/{uuid:transcript_id}/speakers", response=ChangedOut)
def rename_speaker(request: HolderRequest, transcript_id: UUID, data: SpeakerIn) -> dict[str, int]:
    """Give a speaker another name everywhere, perhaps that of another one. Scope `edit`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    changed = editing.rename_speaker(row, request.auth.person, clean_text(data.old), clean_text(data.new))
    return {"changed": changed}


@router.post("/{uuid:transcript_id}/replace", response=ChangedOut)
def replace_text(request: HolderRequest, transcript_id: UUID, data: ReplaceIn) -> dict[str, int]:
    """Replace a text everywhere. Scope `edit`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    new = clean_text(data.replacement)
    changed = editing.replace_all(row, request.auth.person, data.find, new, case=data.case, whole=data.whole)
    return {"changed": changed}
