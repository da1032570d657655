"""Places that a person should look at: found by detectors, raised by people, answered by people."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Q
from django.http import Http404
from ninja import Query, Router, Schema, Status
from pydantic import Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from transcripts import access
from transcripts.access import Right
from transcripts.api.auth import HolderRequest
from transcripts.api.paging import MOST_ID
from transcripts.api.textschemas import FlagIn, FlagOut, FlagPatch, FlagsOut
from transcripts.jobs.clean import clean_text
from transcripts.models import Flag
from transcripts.reviewing import flags
from transcripts.reviewing.errors import Conflict
from transcripts.reviewing.scanning import scan

router = Router(tags=["review"])
PLACE = "/{uuid:transcript_id}/flags"
ANSWERS = {"open": flags.reopen, "resolved": flags.resolve, "dismissed": flags.dismiss}


class FlagsQuery(Schema):
    """Which flags."""

    state: Literal["open", "resolved", "dismissed"] | SkipJsonSchema[None] = None
    cursor: Annotated[str, StringConstraints(pattern=r"^([0-9]{1,18}~[0-9]{1,18})?$", max_length=40)] = Field(
        "", description="“next” of the page before"
    )
    limit: int = Field(100, ge=1, le=500)


def _shown(flag: Flag) -> dict[str, Any]:
    return flags.told([flag])[0] | {"by": flag.by_name, "at": flag.at}


@router.get(PLACE, response=FlagsOut)
def list_flags(request: HolderRequest, transcript_id: UUID, query: Query[FlagsQuery]) -> dict[str, Any]:
    """What a person should look at, as spoken. Scope `read`."""
    row = access.transcript_held(request.auth, transcript_id)
    scan(row)
    rows = Flag.objects.filter(transcript=row).in_order()
    if query.state:
        rows = rows.filter(state=query.state)
    if query.cursor:
        start, number = map(int, query.cursor.split("~"))
        rows = rows.filter(Q(start_ms__gt=start) | Q(start_ms=start, pk__gt=number))
    found = list(rows[: query.limit + 1])
    page = found[: query.limit]
    following = f"{page[-1].start_ms}~{page[-1].pk}" if len(found) > len(page) else ""
    return {"items": [_shown(flag) for flag in page], "next": following}


@router.post(PLACE, response={201: FlagOut})
def raise_flag(request: HolderRequest, transcript_id: UUID, data: FlagIn) -> Status[dict[str, Any]]:
    """Ask others to look at a passage. Scope `edit`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    try:
        flag = flags.raise_flag(row, request.auth.person, data.segment, clean_text(data.note))
    except Conflict as error:
        raise Http404("No such segment.") from error
    return Status(201, _shown(flag))


@router.patch(PLACE + "/{int:flag_id}", response=FlagOut)
def answer_flag(request: HolderRequest, transcript_id: UUID, flag_id: int, data: FlagPatch) -> dict[str, Any]:
    """Settle a flag, or take the answer back. Scope `edit`."""
    row = access.transcript_held(request.auth, transcript_id, Right.EDIT)
    try:
        return _shown(ANSWERS[data.state](row, request.auth.person, min(flag_id, MOST_ID)))
    except Flag.DoesNotExist as error:
        raise Http404("No such flag.") from error
