"""One shape for every refusal: ``{"error": {"code", "message", "next_step", "fields"?}}``.

422: the request does not fit the schema. 409: it does, but cannot be done as things are; ``code`` says why.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from transcripts.api import shown
from transcripts.exports import UnknownFormat
from transcripts.limits import LimitReached
from transcripts.models import IllegalTransition
from transcripts.presetting import PresetRefused
from transcripts.reviewing.errors import CommentChanged, Conflict, ReviewError
from transcripts.services import Approved, TooMany
from transcripts.submitting import KeyRefused
from transcripts.tagging import TagRefused
from transcripts.tokens import TokenRefused
from transcripts.uploading import Gone, Refused

logger = logging.getLogger(__name__)

#: Errors that bring their own code and sentences.
Told = TooMany | Approved | LimitReached | KeyRefused | PresetRefused | TagRefused | ReviewError

#: HTTP status of a refusal by its code, where it is not 409.
STATUS = {
    "part_too_large": 413, "body_too_large": 413,
    "too_many_uploads": 429, "too_many_unfinished": 429, "upload_quota": 429,
    "disk_low": 507, "disk_full": 507,
}  # fmt: skip


class Refusal(Exception):
    """What was asked is not done. ``more`` goes beside the error: what a program needs to go on."""

    def __init__(
        self,
        code: str,
        message: str,
        next_step: str = "",
        *,
        status: int = 409,
        fields: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.next_step, self.status = code, message, next_step, status
        self.fields, self.more = fields, more


class Throttled(Exception):
    """Too much was asked for; ``wait`` seconds until there is room."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"wait {wait:.1f} s")
        self.wait = max(1, math.ceil(wait))


def body(
    code: str, message: str, next_step: str = "", fields: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """The JSON of a refusal."""
    error: dict[str, Any] = {"code": code, "message": message, "next_step": next_step}
    return {"error": error | ({"fields": dict(fields)} if fields else {}), **more}


def answer(status: int, code: str, message: str, next_step: str = "", **more: Any) -> JsonResponse:
    """A refusal as a response."""
    return JsonResponse(body(code, message, next_step, **more), status=status)


def not_found(*_anything: object) -> HttpResponse:
    """Nothing there, or nothing for this token."""
    step = _("Check the address; what belongs to another team does not exist for this token.")
    return answer(404, "not_found", _("There is no such thing."), step)


def _not_logged_in(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    step = _("Send the header “Authorization: Bearer …” with a token made in the team's settings.")
    return _unauthorized("no_token", _("A token is needed."), step)


def _bad_token(_request: HttpRequest, error: TokenRefused) -> HttpResponse:
    return _unauthorized(error.code, error.message, error.next_step)


def _unauthorized(code: str, message: str, step: str) -> HttpResponse:
    response = answer(401, code, message, step)
    response["WWW-Authenticate"] = 'Bearer realm="sttweb"'
    return response


def _forbidden(_request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    step = _("Make a token with that scope, or ask an owner of the team for another role.")
    return answer(403, "forbidden", str(error), step)


def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    """``fields``: the place of each mistake, such as ``body.version``, and what is wrong there."""
    fields: dict[str, list[str]] = {}
    for one in error.errors:
        place = ".".join(str(part) for part in one["loc"] if part != "data")
        fields.setdefault(place, []).append(str(one["msg"]))
    step = _("Compare the request with the reference under /api/docs.")
    return answer(422, "invalid_request", _("The request does not have the expected form."), step, fields=fields)


def _http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja's own: a body that is no JSON."""
    step = _("Send one JSON object in UTF-8.")
    return answer(error.status_code, "bad_json", _("The body of the request cannot be read."), step)


def _too_big(_request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    return answer(413, "body_too_large", _("The body of the request is too large."), _("Send less at once."))


def _suspicious(_request: HttpRequest, _error: SuspiciousOperation) -> HttpResponse:
    return answer(400, "bad_request", _("The request cannot be read."), _("Compare it with the reference."))


def _throttled(_request: HttpRequest, error: Throttled) -> HttpResponse:
    step = _("Wait %(seconds)s s, as the header Retry-After says.") % {"seconds": error.wait}
    response = answer(429, "too_many_requests", _("Too many requests."), step)
    response["Retry-After"] = str(error.wait)
    return response


def _refusal(_request: HttpRequest, error: Refusal) -> HttpResponse:
    more = dict(error.more or {})
    return answer(error.status, error.code, error.message, error.next_step, fields=error.fields, **more)


def _upload_refused(_request: HttpRequest, error: Refused) -> HttpResponse:
    more = {} if error.received is None else {"offset": error.received}
    return answer(STATUS.get(error.code, 409), error.code, error.message, error.next_step, **more)


def _told(_request: HttpRequest, error: Told) -> HttpResponse:
    return answer(STATUS.get(error.code, 409), error.code, str(error.message), str(error.next_step))


def _conflict(_request: HttpRequest, error: Conflict) -> HttpResponse:
    current = shown.segment(error.current) if error.current is not None else None
    return answer(409, error.code, str(error.message), str(error.next_step), current=current)


def _comment_changed(_request: HttpRequest, error: CommentChanged) -> HttpResponse:
    current = {"text": error.current.text, "version": error.current.version}
    return answer(409, error.code, str(error.message), str(error.next_step), current=current)


def _moved_on(_request: HttpRequest, error: IllegalTransition) -> HttpResponse:
    message = _("That is not possible in the state “%(state)s”.") % {"state": error.before.value}
    return answer(409, "wrong_state", message, _("Read the transcript again to see where it stands."))


def _busy(_request: HttpRequest, error: OperationalError) -> HttpResponse:
    logger.warning("the database did not answer a request of the API: %s", error)
    response = answer(503, "database_busy", _("The database is busy."), _("Ask again in a few seconds."))
    response["Retry-After"] = "3"
    return response


def broken(_request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours: the log has it, under the id that the answer carries."""
    logger.error("a request of the API failed", exc_info=error)
    step = _("Try again; if it stays so, give the operator the X-Request-Id of this answer.")
    return answer(500, "internal_error", _("Something went wrong on this server."), step)


HANDLERS: dict[type[Exception], Any] = {
    AuthenticationError: _not_logged_in,
    TokenRefused: _bad_token,
    PermissionDenied: _forbidden,
    Http404: not_found,
    Gone: not_found,
    UnknownFormat: not_found,
    ValidationError: _invalid,
    HttpError: _http_error,
    RequestDataTooBig: _too_big,
    SuspiciousOperation: _suspicious,
    Throttled: _throttled,
    Refusal: _refusal,
    Refused: _upload_refused,
    TooMany: _told,
    LimitReached: _told,
    KeyRefused: _told,
    PresetRefused: _told,
    TagRefused: _told,
    ReviewError: _told,
    Conflict: _conflict,
    CommentChanged: _comment_changed,
    IllegalTransition: _moved_on,
    Approved: _told,
    OperationalError: _busy,
    Exception: broken,
}


def install(api: NinjaAPI) -> None:
    """Answer every exception of a route in the one shape."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
