"""The description that clients are made from: every body shows an example, and the example is right."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from transcripts.api import comments, hookschemas, schemas, teamschemas, textschemas, watchschemas
from transcripts.api.app import api

SCHEMA = api.get_openapi_schema(path_prefix="/api/v1/")
MODELS = {
    name: one
    for module in (comments, schemas, textschemas, hookschemas, watchschemas, teamschemas)
    for name, one in vars(module).items()
    if isinstance(one, type) and issubclass(one, BaseModel)
}
OPERATIONS = {
    operation["operationId"]: operation for methods in SCHEMA["paths"].values() for operation in methods.values()
}
BODIES = sorted(
    content["schema"]["$ref"].rpartition("/")[2]
    for operation in OPERATIONS.values()
    for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    if kind == "application/json"
)


@pytest.mark.parametrize("name", sorted(set(BODIES)))
def test_every_body_shows_an_example_that_fits(name):
    examples = SCHEMA["components"]["schemas"][name]["examples"]
    assert examples
    for one in examples:
        MODELS[name].model_validate(one)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_says_what_it_does_and_the_scope_that_it_needs(name):
    operation = OPERATIONS[name]
    assert operation["description"].strip()
    assert name == "whoami" or "cope `" in operation["description"] or "(scope `" in operation["description"]


def test_the_reference_shows_the_examples(client, db):
    page = client.get("/api/docs").content.decode()
    assert "https://hooks.example.org/sttweb" in page
    assert page.count("<h3><code><b>") == len(OPERATIONS)
