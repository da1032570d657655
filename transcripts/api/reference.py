"""``/api/docs``: the reference, rendered from the description. No script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from transcripts.api.app import REFUSALS, api


@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """All operations by noun, then the models."""
    schema = api.get_openapi_schema(path_prefix="/api/v1/")
    groups: dict[str, list[dict[str, Any]]] = {}
    for operation in _operations(schema):
        groups.setdefault(operation["tag"], []).append(operation)
    models = [_model(name, one) for name, one in sorted(schema["components"]["schemas"].items())]
    context = {"groups": groups.items(), "models": models, "about": schema["info"]["description"], "refusals": REFUSALS}
    return render(request, "transcripts/api_reference.html", context)


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in schema["paths"].items():
        for method, one in methods.items():
            yield {
                "id": one["operationId"],
                "tag": one.get("tags", ["other"])[0],
                "method": method.upper(),
                "path": path,
                "summary": one.get("summary", ""),
                "about": one.get("description", ""),
                "parameters": [_parameter(given) for given in one.get("parameters", [])],
                "body": [
                    _with_example(_said(content.get("schema", {}), kind), schema["components"]["schemas"])
                    for kind, content in _content(one.get("requestBody"))
                ],
                "answers": list(_answers(one["responses"])),
            }


def _content(holder: dict[str, Any] | None) -> list[tuple[str, dict[str, Any]]]:
    return list((holder or {}).get("content", {}).items())


def _answers(responses: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    """What succeeds; refusals are the same everywhere and stand above."""
    for status, response in responses.items():
        if str(status) not in REFUSALS:
            kinds = [_said(content.get("schema", {}), kind) for kind, content in _content(response)]
            yield {"status": status, "kinds": kinds}


def _parameter(given: dict[str, Any]) -> dict[str, Any]:
    schema = given.get("schema", {})
    return {
        "name": given["name"],
        "where": given["in"],
        "required": given.get("required", False),
        "type": _type(schema),
        "default": schema.get("default", ""),
        "about": given.get("description") or schema.get("description", ""),
    }


def _said(schema: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"kind": kind, "type": _type(schema), "model": schema.get("$ref", "").rpartition("/")[2]}


def _with_example(said: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    """A body with the example that its model carries, as JSON."""
    examples = models.get(said["model"], {}).get("examples", [])
    return said | {"example": json.dumps(examples[0], ensure_ascii=False) if examples else ""}


def _type(schema: dict[str, Any]) -> str:
    """A type in a few words: ``integer``, ``list of SegmentOut``, ``read | submit``."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(value) or '""' for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return " ".join(
        filter(None, [str(schema.get("type", "any")), f"({schema['format']})" if "format" in schema else ""])
    )


def _model(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    required = set(schema.get("required", []))
    fields = [
        {"name": key, "type": _type(one), "required": key in required, "about": one.get("description", "")}
        for key, one in schema.get("properties", {}).items()
    ]
    return {"name": name, "about": schema.get("description", ""), "fields": fields}
