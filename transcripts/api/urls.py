"""Addresses of the API, of its description, and of the reference for people."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from transcripts.api import errors, reference
from transcripts.api.app import api


@require_safe
def openapi(request: HttpRequest) -> JsonResponse:
    """``/api/v1/openapi.json``: open to everybody; it says nothing that the source does not say."""
    return JsonResponse(api.get_openapi_schema(path_prefix="/api/v1/"))


urlpatterns = [
    path("v1/openapi.json", openapi, name="openapi"),
    path("docs", reference.reference, name="api-docs"),
    path("v1/", api.urls),
    re_path("", csrf_exempt(errors.not_found), name="api-nothing"),
]
