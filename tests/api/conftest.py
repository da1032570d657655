"""Programs that ask the API: each has a token of somebody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from transcripts import throttling, tokens
from transcripts.access import Scope
from transcripts.models import Team

ROOT = "/api/v1"
EVERYTHING = list(Scope)


class Program:
    """Sends JSON with a token and gives back status and JSON."""

    def __init__(self, token: str) -> None:
        self.token = token
        self._client = Client(raise_request_exception=False)

    def ask(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        """The response to a request for a path below /api/v1."""
        names = {"Authorization": f"Bearer {self.token}", **headers} if self.token else headers
        body: dict[str, Any] = {} if data is None else {"data": json.dumps(data), "content_type": "application/json"}
        return self._client.generic(method.upper(), f"{ROOT}{path}", **body, headers=names)

    def get(self, path: str) -> Any:
        return self.ask("get", path)

    def post(self, path: str, data: Any = None) -> Any:
        return self.ask("post", path, {} if data is None else data)

    def patch(self, path: str, data: Any) -> Any:
        return self.ask("patch", path, data)

    def delete(self, path: str) -> Any:
        return self.ask("delete", path)


MakeProgram = Callable[..., Program]


@pytest.fixture(autouse=True)
def _no_turns_left_over() -> None:
    throttling.turns.clear()


@pytest.fixture
def program(team: Team) -> MakeProgram:
    """``program(person, *scopes)``: a program with a token of theirs; without scopes, with all of them."""

    def make(person: User, *scopes: Scope, within: Team | None = None, days: int | None = 1) -> Program:
        return Program(tokens.make(within or team, person, "test", scopes or EVERYTHING, days)[1])

    return make


@pytest.fixture
def alices(program: MakeProgram, alice: User) -> Program:
    """A program that may do all that the owner may."""
    return program(alice)


def code_of(response: Any) -> str:
    """The code of a refusal, which has the one shape."""
    error = response.json()["error"]
    assert error["message"].strip()
    assert isinstance(error["next_step"], str)
    return str(error["code"])
