"""Playing a recording: one byte range at a time, never as anything but sound.

Django's FileResponse answers no ranges, without which browsers cannot seek (stack.md 5.12). Uploaded bytes are
somebody's: the type comes from what they are, never from what they were called (security_reliability.md A6).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe

from transcripts import access, auditing
from transcripts.media.errors import NotMedia
from transcripts.media.pcm import samples_to_ms
from transcripts.media.peaks import PAIR_BYTES, PEAK_SAMPLES, pool
from transcripts.media.sniff import SNIFF_BYTES, judge_content
from transcripts.models import Act, Transcript
from transcripts.views import recordings
from transcripts.views.shell import PersonRequest

CHUNK = 256 * 1024
#: Seconds for which one entry of the record stands for all listening of one operator to one transcript.
STAFF_SECONDS = 3600
#: Most pairs of a waveform that one answer has.
MOST_POINTS = 2000
#: Containers that browsers play, and the only types that are ever declared.
TYPES = {
    "wav": "audio/wav", "mov": "video/mp4", "flac": "audio/flac", "ogg": "audio/ogg", "matroska": "video/webm",
    "mp3": "audio/mpeg", "aac": "audio/aac",
}  # fmt: skip
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Unsatisfiable(Exception):
    """The range lies outside the file."""


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """``[start, end)`` of a single byte range (RFC 9110, 14.1.2), or None to send everything. Raises Unsatisfiable."""
    found = _RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
    if start >= end:
        if found[1] and found[2] and int(found[2]) < start:
            return None
        raise Unsatisfiable
    return start, end


def content_type(path: Path) -> str:
    """What the bytes are, from the short list of what is played; anything else is a mere stream of bytes."""
    with path.open("rb") as file:
        head = file.read(SNIFF_BYTES)
    try:
        return TYPES.get(judge_content(head), "application/octet-stream")
    except NotMedia:
        return "application/octet-stream"


async def _read(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    file: BinaryIO = await sync_to_async(_open_at, thread_sensitive=False)(path, start)
    read = sync_to_async(file.read, thread_sensitive=False)
    try:
        while start < end and (block := await read(min(CHUNK, end - start))):
            start += len(block)
            yield block
    finally:
        file.close()


def _open_at(path: Path, position: int) -> BinaryIO:
    file = path.open("rb")
    file.seek(position)
    return file


@require_safe
@login_required
def audio(request: PersonRequest, transcript_id: UUID) -> HttpResponseBase:
    """``/s/<id>/audio``: the recording, whole or the one range asked for."""
    return send(request, access.get_transcript(request.user, transcript_id))


@require_safe
@login_required
def staff_audio(request: PersonRequest, transcript_id: UUID) -> HttpResponseBase:
    """``/admin/listen/<id>``: the same for staff who are not in the team; on record, once an hour."""
    transcript = access.transcript_for_staff(request.user, transcript_id)
    # One listening is many requests for ranges.
    if access.membership(request.user, transcript.team_id) is None and cache.add(
        f"heard-by-staff:{request.user.pk}:{transcript.pk}", True, STAFF_SECONDS
    ):
        auditing.record(Act.HEARD_BY_STAFF, actor=request.user, team=transcript.team_id, target=transcript)
    return send(request, transcript)


def send(request: HttpRequest, transcript: Transcript) -> HttpResponseBase:
    """The recording of a transcript for somebody who may hear it. Raises Http404 when none is kept."""
    path = recordings.path_of(transcript)
    if path is None:
        raise Http404("No recording is kept.")
    response = respond(request, path)
    response["Accept-Ranges"] = "bytes"
    # What is still being heard is another file a moment later.
    response["Cache-Control"] = "private, max-age=3600" if transcript.is_final else "private, no-cache"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if response["Content-Type"] == "application/octet-stream":
        response["Content-Disposition"] = "attachment"
    return response


@require_safe
@login_required
def waveform(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/waveform?points=<n>``: ``{"ms": length of what is kept, "pairs": [[lowest, highest], …]}``, values of
    -128 to 127 over even stretches of it, at most as many as asked for (and 2,000)."""
    path = recordings.peaks_of(access.get_transcript(request.user, transcript_id))
    try:
        data = path.read_bytes() if path else b""
    except FileNotFoundError:
        data = b""
    asked = request.GET.get("points", "")
    points = min(int(asked), MOST_POINTS) if asked.isascii() and asked.isdigit() and len(asked) < 6 else MOST_POINTS
    pairs = len(data) // PAIR_BYTES
    answer = {"ms": samples_to_ms(pairs * PEAK_SAMPLES), "pairs": pool(data, 0, pairs, points)}
    return JsonResponse(answer, headers={"Cache-Control": "private, no-cache"})


def respond(request: HttpRequest, path: Path) -> HttpResponseBase:
    """The file, or the one byte range of it that the request asks for. Raises Http404 for one that has just gone."""
    try:
        size, kind = path.stat().st_size, content_type(path)
    except FileNotFoundError as error:
        raise Http404("No recording is kept.") from error
    # Without validators of ours an If-Range can only be somebody else's: then the whole file is the right answer.
    header = "" if "If-Range" in request.headers else request.headers.get("Range", "")
    try:
        wanted = parse_range(header, size)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    start, end = wanted or (0, size)
    headers = {"Content-Length": str(end - start)}
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    if request.method == "HEAD":
        return HttpResponse(status=206 if wanted else 200, content_type=kind, headers=headers)
    body = _read(path, start, end)
    return StreamingHttpResponse(body, status=206 if wanted else 200, content_type=kind, headers=headers)
