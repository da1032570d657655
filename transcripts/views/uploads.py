"""Uploads in parts, for scripts: JSON in and out, raw bytes in between (docs/media.md has the exchange).

    POST   /uploads                  {"name", "size", "options"}       -> 201 {"id", "url", "offset", "part_bytes", …}
    GET    /uploads                                                    -> 200 {"uploads": […]}: your own, on their way
    PUT    /uploads/<id>?offset=N    bytes, X-Part-SHA256              -> 200 {"offset"}
    GET, HEAD, DELETE /uploads/<id>                                    -> 200, 204
    POST   /uploads/<id>/complete    {"sha256"} or {"blocks_sha256"}   -> 200 {"transcript", "location"}

Refusals carry ``code``, ``message``, ``next_step`` and, where it helps, the true ``offset``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import access, uploading
from transcripts.access import Right
from transcripts.forms import SubmitForm, first_errors
from transcripts.media.parts import PART_BYTES, Proof
from transcripts.models import Engine, Team, Upload
from transcripts.uploading import Gone, Refused
from transcripts.views.refusing import ask_an_owner
from transcripts.views.shell import PersonRequest, current_membership

P = ParamSpec("P")
#: HTTP status of a refusal; everything else is 422.
STATUS = {
    "upload_too_large": 413, "part_too_large": 413, "upload_beyond": 413, "upload_quota": 413,
    "upload_empty": 400, "bad_request": 400, "part_empty": 400, "no_team": 403,
    "upload_offset": 409, "upload_differs": 409, "upload_busy": 409, "upload_incomplete": 409,
    "too_many_uploads": 429, "too_many_unfinished": 429, "disk_low": 507, "disk_full": 507,
}  # fmt: skip
#: Most bytes of a JSON body.
JSON_BYTES = 256 * 1024
READ_BYTES = 256 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9]{1,15}")

View = Callable[Concatenate[PersonRequest, P], HttpResponse]


class OptionsForm(SubmitForm):
    """How an upload that is sent beside the form is to be transcribed."""

    NEEDS_SOURCE = False


def _for_scripts(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Decorator: somebody is logged in, and every refusal is JSON."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _refusal(401, "logged_out", _("You are logged out."), _("Log in in another tab, then try again."))
        try:
            response = view(cast("PersonRequest", request), *args, **kwargs)
        except Refused as refused:
            found = None if refused.received is None else {"offset": refused.received}
            status = STATUS.get(refused.code, 422)
            response = _refusal(status, refused.code, refused.message, refused.next_step, found)
        except (Gone, Http404):
            step = _("Choose the file again to send it from its beginning.")
            response = _refusal(404, "upload_gone", _("This upload is not there any more."), step)
        except PermissionDenied as error:
            message = _("Your role in this team does not allow that.")
            response = _refusal(403, "forbidden", message, ask_an_owner(getattr(error, "team", None)))
        response["Cache-Control"] = "no-store"
        return response

    return inner


def _refusal(status: int, code: str, message: str, step: str, more: Mapping[str, Any] | None = None) -> JsonResponse:
    return JsonResponse({"code": code, "message": message, "next_step": step, **(more or {})}, status=status)


def _bad(message: str) -> Refused:
    return Refused("bad_request", message, _("This is a fault of the program that sent it; reload the page."))


def _json(request: HttpRequest) -> dict[str, Any]:
    raw = request.read(JSON_BYTES + 1)
    try:
        data = json.loads(raw.decode("utf-8")) if len(raw) <= JSON_BYTES else None
    except (ValueError, RecursionError) as error:
        raise _bad(_("The request is not the JSON that is expected.")) from error
    if not isinstance(data, dict):
        raise _bad(_("The request is not the JSON that is expected."))
    return data


def _about(upload: Upload) -> dict[str, Any]:
    return {
        "id": str(upload.pk),
        "url": reverse("upload", args=[upload.pk]),
        "name": upload.name,
        "size": upload.size,
        "offset": upload.received,
        "part_bytes": PART_BYTES,
        "expires": upload.expires_at.isoformat(),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@_for_scripts
def uploads(request: PersonRequest) -> HttpResponse:
    """``/uploads``: announce a file, or list what you left unfinished in this team."""
    member = current_membership(request)
    if member is None:
        raise Refused("no_team", _("You are in no team."), _("Ask somebody to add you to theirs."))
    if not access.allows(member, Right.SUBMIT):
        raise access.NotAllowed(member.team)
    if request.method == "POST":
        return _begin(request, member.team, partial(uploading.begin, member.team, request.user))
    mine = uploading.on_their_way().filter(team=member.team, created_by=request.user)
    return JsonResponse({"uploads": [_about(upload) for upload in mine]})


def _begin(request: PersonRequest, team: Team, begin: Callable[[uploading.Announced], Upload]) -> HttpResponse:
    data = _json(request)
    name, size = data.get("name"), data.get("size")
    if not isinstance(name, str) or not isinstance(size, int) or isinstance(size, bool):
        raise _bad(_("Name and size of the file are missing."))
    form = _options(data.get("options", {}), team)
    if not form.is_valid():
        return JsonResponse({"code": "bad_options", "errors": first_errors(form)}, status=422)
    engine, language = Engine(form.cleaned_data["engine"]), form.cleaned_data["language"]
    made = begin(uploading.Announced(name, size, engine, language, form.options()))
    return JsonResponse(_about(made), status=201, headers={"Location": reverse("upload", args=[made.pk])})


def _options(given: Any, team: Team) -> OptionsForm:
    """The fields of the form as a script sends them: texts, or lists of texts."""
    fields = QueryDict(mutable=True)
    for field, value in given.items() if isinstance(given, dict) else ():
        if field not in ("links", "uploads"):
            fields.setlist(field, [_text(one) for one in value] if isinstance(value, list) else [_text(value)])
    return OptionsForm(fields, team=team)


def _text(value: Any) -> str:
    """Without the half characters that JSON can spell and no database takes."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


@require_http_methods(["GET", "HEAD", "PUT", "DELETE"])
@_for_scripts
def upload(request: PersonRequest, upload_id: UUID) -> HttpResponse:
    """``/uploads/<id>``: where it stands, its next part, or its end."""
    found = access.get_upload(request.user, upload_id)
    if request.method == "PUT":
        return JsonResponse({"offset": uploading.take(found, _part(request))})
    if request.method == "DELETE":
        uploading.give_up(found)
        return HttpResponse(status=204)
    headers = {"Upload-Offset": str(found.received), "Upload-Length": str(found.size)}
    return JsonResponse(_about(found), headers=headers)


def _part(request: HttpRequest) -> uploading.Part:
    offset, sha256 = request.GET.get("offset", ""), request.headers.get("X-Part-SHA256", "").lower()
    if not _NUMBER.fullmatch(offset):
        raise _bad(_("The place of the part is missing."))
    if not _SHA256.fullmatch(sha256):
        raise _bad(_("The hash of the part is missing."))
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise _bad(_("Parts are sent as they are."))
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > PART_BYTES:
        raise Refused("part_too_large", _("A part may have %(count)s bytes.") % {"count": PART_BYTES})
    return uploading.Part(int(offset), sha256, _pieces(request))


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(READ_BYTES):
        yield piece


@require_POST
@_for_scripts
def complete(request: PersonRequest, upload_id: UUID) -> HttpResponse:
    """``/uploads/<id>/complete``: everything is here; prove it and make the transcript."""
    found = access.get_upload(request.user, upload_id)
    data = _json(request)
    proofs = {name: str(data[name]).lower() for name in ("sha256", "blocks_sha256") if name in data}
    if not proofs or not all(_SHA256.fullmatch(proof) for proof in proofs.values()):
        raise _bad(_("The hash of the file is missing."))
    transcript = uploading.finish(found, Proof(**proofs))
    location = reverse("session", args=[transcript.pk])
    return JsonResponse({"transcript": str(transcript.pk), "location": location, "sha256": transcript.media_sha256})
