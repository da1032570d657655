"""Schemathesis, which knows nothing but the description, against the real application behind a real server: all of its
checks, on requests that fit the description and on those that do not. With STTWEB_SCHEMATHESIS=1 it
tries every bound of every parameter as well, and prints its whole report."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application

from tests.conftest import async_db
from tests.jobs.test_server import free_port
from transcripts import tokens
from transcripts.access import Scope
from transcripts.api import events
from transcripts.models import Comment, Delivery, Flag, Tag, Team, TeamPreset, Transcript, Watchlist, Webhook
from transcripts.webhooks.signing import new_secret

#: Seconds after which it counts as stuck.
PATIENCE = 170.0
#: What the suite has time for, and what docs/api.md reports.
QUICK = ("--phases=fuzzing", "--max-examples=1")
FULL = ("--phases=coverage,fuzzing", "--max-examples=2")
#: Rows that are there: all operations on a transcript reach the same one, and only deleting another.
CONFIG = """
[parameters]
"path.transcript_id" = "{one}"
"path.index" = 0
"path.webhook_id" = "{webhook_id}"
"path.delivery_id" = {delivery_id}
"path.watchlist_id" = "{watchlist_id}"
"path.flag_id" = {flag_id}
"path.preset_id" = {preset_id}
"path.tag_id" = {tag_id}
"path.comment_id" = {comment_id}

[[operations]]
include-name = "DELETE /api/v1/transcripts/{{transcript_id}}"
parameters = {{ "path.transcript_id" = "{doomed}" }}

[[operations]]
include-name = "DELETE /api/v1/webhooks/{{webhook_id}}"
parameters = {{ "path.webhook_id" = "{doomed_webhook}" }}

[[operations]]
include-name = "DELETE /api/v1/watchlists/{{watchlist_id}}"
parameters = {{ "path.watchlist_id" = "{doomed_watchlist}" }}

[[operations]]
include-name = "DELETE /api/v1/transcripts/{{transcript_id}}/comments/{{comment_id}}"
parameters = {{ "path.comment_id" = {doomed_comment} }}
"""


@pytest.fixture
async def origin(transactional_db, settings, tmp_path) -> AsyncIterator[str]:
    port = free_port()
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.STTWEB_API_PER_MINUTE = settings.STTWEB_API_ADDRESS_PER_MINUTE = 0
    settings.STTWEB_USER_UNFINISHED = 0
    settings.STTWEB_UPLOADS_AT_ONCE = 100_000
    settings.STTWEB_MEDIA_DIR, settings.STTWEB_SPOOL_DIR = tmp_path / "media", tmp_path / "spool"
    config = uvicorn.Config(get_asgi_application(), host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment, method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def run(origin: str, token: str, folder: Path, *options: str) -> tuple[int, str]:
    """Exit code and report of ``schemathesis run``."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{origin}/api/v1/openapi.json", "--no-color",
        "--header", f"Authorization: Bearer {token}", "--generation-deterministic",
        "--request-timeout=30", *options,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode()


def make_things(team: Team, transcript: Transcript) -> dict[str, Any]:
    """The ids of one of each of what a team has beside transcripts. Nothing listens at the webhook's address, and the
    guard refuses it."""
    hooks = [
        Webhook.objects.create(team=team, url="http://127.0.0.1:9/", events=["alert.hit"], secret=new_secret())
        for _ in range(2)
    ]
    lists = [Watchlist.objects.create(team=team, name=name, terms=["mayor"]) for name in ("City", "Doomed")]
    notes = [Comment.objects.create(transcript=transcript, text=text) for text in ("Is it?", "Doomed")]
    return {
        "webhook_id": hooks[0].pk,
        "doomed_webhook": hooks[1].pk,
        "delivery_id": Delivery.objects.create(webhook=hooks[0], event_id="msg_1", kind="alert.hit").pk,
        "watchlist_id": lists[0].pk,
        "doomed_watchlist": lists[1].pk,
        "flag_id": Flag.objects.create(transcript=transcript, segment=0, kind="person", start_ms=0, end_ms=900).pk,
        "preset_id": TeamPreset.objects.create(team=team, name="News").pk,
        "comment_id": notes[0].pk,
        "doomed_comment": notes[1].pk,
        "tag_id": Tag.objects.create(team=team, name="harbour").pk,
    }


@async_db
async def test_schemathesis_finds_nothing(origin, team, alice, make_transcript, tmp_path, monkeypatch):
    transcript = await sync_to_async(make_transcript)(state="completed")
    await transcript.segments.acreate(index=0, seq=2, start_ms=0, end_ms=900, text="one two")
    doomed = await sync_to_async(make_transcript)()
    things = await sync_to_async(make_things)(team, transcript)
    (tmp_path / "schemathesis.toml").write_text(CONFIG.format(one=transcript.pk, doomed=doomed.pk, **things))
    # A stream that stays would outlast the patience of the client.
    monkeypatch.setattr(events, "STREAM_SECONDS", 0.3)
    _token, text = await sync_to_async(tokens.make)(team, alice, "schemathesis", list(Scope), 1)
    code, report = await run(origin, text, tmp_path, *(FULL if os.environ.get("STTWEB_SCHEMATHESIS") else QUICK))
    if os.environ.get("STTWEB_SCHEMATHESIS"):
        print(report)  # noqa: T201
    assert code == 0, report[-6000:]
    assert re.search(r"(\d+) generated, \1 passed", report)
