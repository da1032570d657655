"""The API put together: routes, errors, and the description that clients and the reference are made from."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI, Router
from ninja.operation import Operation

from transcripts.api import (
    comments,
    errors,
    events,
    files,
    flags,
    hooks,
    reviews,
    segments,
    teams,
    transcripts,
    uploads,
    watching,
    whoami,
)
from transcripts.api.auth import Bearer
from transcripts.api.schemas import ErrorOut

#: Refusals that any route may answer with. What the status of others means is in `errors`.
REFUSALS = {
    "401": "No token, or one that opens nothing.",
    "403": "The token's scopes or its person's role do not allow it.",
    "404": "Not there, or of another team.",
    "409": "Fits the schema but cannot be done as things are.",
    "413": "Too large.",
    "422": "Does not fit the schema.",
    "429": "Too much at once; Retry-After says for how long.",
    "4XX": "Any other refusal.",
    "5XX": "Our fault, or the server is busy.",
}
ABOUT = _(
    "Send `Authorization: Bearer <token>`; tokens are made in the team's settings. Times are milliseconds on the "
    "transcript's own clock. Every refusal is `{“error”: {“code”, “message”, “next_step”, “fields”?}}`."
)


class Api(NinjaAPI):
    """NinjaAPI whose description also says how it refuses."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The name of the function: short, and unique (a test holds it)."""
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> Any:
        """OpenAPI 3.1."""
        schema = super().get_openapi_schema(**options)
        components = schema["components"]
        components["schemas"].update(_models_of_errors())
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}}
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, text in REFUSALS.items():
                    operation["responses"].setdefault(status, {"description": text, "content": content})
        return schema


def _models_of_errors() -> dict[str, Any]:
    found = ErrorOut.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**found.pop("$defs"), "ErrorOut": found}


ROUTERS: list[tuple[str, Router]] = [
    ("", whoami.router),
    ("/transcripts", transcripts.router),
    ("/transcripts", segments.router),
    ("/transcripts", events.router),
    ("/transcripts", reviews.router),
    ("/transcripts", flags.router),
    ("/transcripts", comments.router),
    ("/transcripts", files.router),
    ("/uploads", uploads.router),
    ("", reviews.queue),
    ("", watching.router),
    ("", teams.router),
    ("/webhooks", hooks.router),
]


def build() -> Api:
    """The API with all its routes."""
    api = Api(
        title="sttweb",
        version="1",
        description=str(ABOUT),
        auth=Bearer(),
        docs_url=None,
        openapi_url=None,
        urls_namespace="api",
    )
    errors.install(api)
    for prefix, router in ROUTERS:
        api.add_router(prefix, router)
    return api


api = build()
