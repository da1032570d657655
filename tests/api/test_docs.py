"""docs/api.md: every command on that page is taken as it stands, and what it asks for is answered."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from tests.api.test_uploads import recording
from tests.conftest import async_db
from transcripts import tokens
from transcripts.access import Scope
from transcripts.api.app import api
from transcripts.models import Transcript

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(curl .*?)\n```", PAGE, re.DOTALL)
#: Operations that the page shows no command for, but names.
STATUS = {
    "POST /webhooks": 201,
    "POST /transcripts/{id}/comments": 201,
    "POST /watchlists": 201,
    "POST /transcripts": 201,
    "POST /uploads/direct": 201,
    "POST /uploads": 201,
    "DELETE": 204,
}


class Curl:
    """The few options of curl that the page uses."""

    def __init__(self, command: str) -> None:
        words = shlex.split(command.replace("\\\n", " "))[1:]
        self.method, self.headers, self.body, self.address = "", {}, b"", ""
        while words:
            word = words.pop(0)
            if word == "-H":
                name, _, value = words.pop(0).partition(": ")
                self.headers[name] = value
            elif word == "-X":
                self.method = words.pop(0)
            elif word == "-d":
                self.body = words.pop(0).encode()
            elif word == "--data-binary":
                assert words.pop(0) == "@talk.wav"
                self.body = recording()
            elif word not in {"-s", "-N"}:
                self.address = word
        self.method = self.method or ("POST" if self.body else "GET")

    async def send(self) -> Any:
        kind = self.headers.get("Content-Type", "application/octet-stream")
        client = AsyncClient(raise_request_exception=False)
        return await client.generic(self.method, self.address, self.body, kind, headers=self.headers)


@async_db
async def test_every_command_does_what_the_page_says(team, alice, make_transcript, settings, tmp_path, monkeypatch):
    settings.STTWEB_MEDIA_DIR, settings.STTWEB_SPOOL_DIR = tmp_path / "media", tmp_path / "spool"
    transcript = await sync_to_async(make_transcript)(state="completed")
    await transcript.segments.acreate(index=0, seq=2, start_ms=61_000, end_ms=62_000, text="the harbour")
    live = await sync_to_async(make_transcript)()
    _token, text = await sync_to_async(tokens.make)(team, alice, "docs", list(Scope), 1)
    assert len(COMMANDS) >= 12
    for command in COMMANDS:
        for name, value in {"TOKEN": text, "API": "/api/v1", "ID": transcript.pk, "LIVE": live.pk}.items():
            command = command.replace(f"${name}", str(value))
        curl = Curl(command)
        response = await curl.send()
        place = curl.address[7:].partition("?")[0].replace(str(transcript.pk), "{id}")
        wanted = STATUS.get(f"{curl.method} {place}", STATUS.get(curl.method, 200))
        body = b"".join([part async for part in response]) if response.streaming else response.content
        assert response.status_code == wanted, (command, body)
    assert await Transcript.objects.acount() == 4


def test_the_page_names_every_scope_and_every_code_of_a_refused_token():
    for scope in Scope:
        assert f"| `{scope}` |" in PAGE
    for code in ("no_token", "bad_token", "token_expired", "token_revoked", "token_without_member"):
        assert f"`{code}`" in PAGE


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(?:GET|POST|PUT)\s(/[^`?]*)", PAGE))))
def test_the_addresses_on_the_page_exist(path):
    known = {one.replace("{transcript_id}", "{id}").replace("{upload_id}", "{id}") for one in api.get_openapi_schema(
        path_prefix="/api/v1/")["paths"]}  # fmt: skip
    assert f"/api/v1{path}" in known
