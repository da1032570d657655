"""An error with a secret in its hands tells nobody: neither on the page nor in the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from sttweb.logs import JsonFormatter, TextFormatter
from transcripts.views import library

KEY = "s" + "k_" + "0123456789abcdef" * 2


def failing(*_: object, **__: object) -> Any:
    headers = {"xi-api-key": KEY, "Authorization": f"Bearer {KEY}"}
    answer = f'{{"detail": {{"status": "invalid_api_key", "message": "Invalid API key: {KEY}"}}}}'
    raise RuntimeError(f"401 for {headers}: {answer}")


def test_an_error_page_and_its_log_hold_no_part_of_a_key(
    bob: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(library, "render", failing)
    client = Client(raise_request_exception=False)
    client.force_login(bob)
    with caplog.at_level(logging.DEBUG):
        answer = client.get("/library")
    assert answer.status_code == 500
    page = answer.content.decode()
    lines = [shape.format(record) for record in caplog.records for shape in (JsonFormatter(), TextFormatter())]
    assert any("RuntimeError" in line for line in lines)
    for told in (page, *lines):
        assert KEY not in told
        assert KEY[5:25] not in told
        assert "headers =" not in told
