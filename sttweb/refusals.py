"""What people see when the server itself is in trouble. Needs no person, no session and no database."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

#: When to ask again, in seconds.
AGAIN_SECONDS = 10


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when it was the database that did not answer: that passes, and proxies and browsers may try again."""
    if not isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return defaults.server_error(request)
    response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(AGAIN_SECONDS)
    return response
