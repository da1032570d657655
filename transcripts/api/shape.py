"""What every answer under /api has: a request id, no place in caches, and errors in one shape, whoever made them."""

from __future__ import annotations

import re
import secrets
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _

from transcripts.api.errors import answer, not_found

ROOT = "/api/"
#: Pages for people under the same root.
PAGES = ("/api/docs",)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@sync_and_async_middleware
def shaped(get_response: Any) -> Any:
    """Middleware: see above. Everything outside of /api passes untouched."""

    async def later(request: HttpRequest) -> HttpResponseBase:
        return _shape(request, await get_response(request))

    def now(request: HttpRequest) -> HttpResponseBase:
        return _shape(request, get_response(request))

    return later if iscoroutinefunction(get_response) else now


def _shape(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not request.path_info.startswith(ROOT) or request.path_info.startswith(PAGES):
        return response
    if response.status_code >= 400 and not _is_ours(response):
        response = _translated(request, response)
    given = request.headers.get("X-Request-Id", "")
    response["X-Request-Id"] = given if _ID.fullmatch(given) else secrets.token_hex(8)
    response["Cache-Control"] = "no-store"
    return response


def _is_ours(response: HttpResponseBase) -> bool:
    return response.get("Content-Type", "").startswith("application/json")


def _translated(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    """What Django itself said, in our shape."""
    if response.status_code == 404:
        return not_found()
    if response.status_code == 405:
        allowed = response.get("Allow", "")
        step = _("Allowed here: %(methods)s.") % {"methods": allowed}
        shaped = answer(405, "method_not_allowed", _("This method is not possible here."), step)
        shaped["Allow"] = allowed
        return shaped
    if response.status_code >= 500:
        return answer(
            response.status_code, "internal_error", _("Something went wrong on this server."), _("Try again.")
        )
    return answer(
        response.status_code, "bad_request", _("The request cannot be taken."), _("Compare it with /api/docs.")
    )
