"""One shape for every refusal, whoever makes it; nothing of the inside in it."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from tests.api.conftest import code_of
from transcripts import access, tokens


@pytest.mark.parametrize("path", ["/nothing", "/transcripts/17", "/transcripts/x/events"])
def test_unknown_addresses(alices, path):
    response = alices.get(path)
    assert response.status_code == 404
    assert code_of(response) == "not_found"


def test_unknown_roots_of_the_api(client, db):
    for path in ("/api/", "/api/v2/whoami", "/api/v1"):
        response = client.post(path)
        assert response.status_code == 404
        assert code_of(response) == "not_found"


def test_a_method_that_is_not_possible_names_those_that_are(alices):
    response = alices.ask("put", "/whoami", {})
    assert response.status_code == 405
    assert code_of(response) == "method_not_allowed"
    assert response["Allow"] == "GET"


def test_every_answer_has_a_request_id_and_stays_out_of_caches(alices):
    response = alices.ask("get", "/whoami", **{"X-Request-Id": "job-17"})
    assert response["X-Request-Id"] == "job-17"
    assert response["Cache-Control"] == "no-store"
    assert len(alices.ask("get", "/whoami", **{"X-Request-Id": "two words"})["X-Request-Id"]) == 16


def test_a_fault_of_ours_says_nothing_of_the_inside(alices, monkeypatch, caplog):
    def fail(*_args):
        raise RuntimeError("the secret inside")

    monkeypatch.setattr(access, "require", fail)
    response = alices.get("/presets")
    assert response.status_code == 500
    assert code_of(response) == "internal_error"
    assert b"inside" not in response.content
    assert "the secret inside" in caplog.text


def test_a_busy_database_asks_to_come_back(alices, monkeypatch):
    def fail(*_args):
        raise OperationalError("database is locked")

    monkeypatch.setattr(tokens, "note_use", fail)
    response = alices.get("/whoami")
    assert response.status_code == 503
    assert response["Retry-After"] == "3"
    assert code_of(response) == "database_busy"


def test_pages_keep_their_own_errors(client, alice):
    client.force_login(alice)
    response = client.get("/nothing-here")
    assert response.status_code == 404
    assert "X-Request-Id" not in response


def test_the_description_and_the_reference_are_there_for_all(db):
    client = Client()
    schema = client.get("/api/v1/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert "Bearer" in schema["components"]["securitySchemes"]
    page = client.get("/api/docs")
    assert page.status_code == 200
    for path in schema["paths"]:
        assert path in page.content.decode()
    assert b"<script>" not in page.content
