"""Recordings that say where they are: position-coded tape, stored as uploads, through the engine's exact reader."""

from __future__ import annotations

import io
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from transcripts import services
from transcripts.engine.tape import block_name, make_tape
from transcripts.jobs.source import media_store
from transcripts.models import SourceKind, Team, Transcript

SubmitTape = Callable[..., Awaitable[Transcript]]


def tape_wav(blocks: int, pause_every: int = 0) -> bytes:
    """A WAV file of ``blocks`` numbered blocks of 100 ms, with 0.8 s of silence after every ``pause_every``."""
    step = pause_every or blocks
    pause = bytes(2 * 12_800) if pause_every else b""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        for first in range(0, blocks, step):
            out.writeframes(make_tape(first, min(step, blocks - first)) + pause)
    return file.getvalue()


def names(blocks: int) -> list[str]:
    """What a transcript of so many blocks must say: nothing missing, doubled or out of order."""
    return [block_name(number) for number in range(blocks)]


async def words_of(transcript: Transcript) -> list[str]:
    """All words of a transcript in their order."""
    return [word async for segment in transcript.segments.order_by("index") for word in segment.text.split()]


async def states_of(transcript: Transcript) -> list[str]:
    """The states its log tells, in their order."""
    return [event.payload["state"] async for event in transcript.events.filter(kind="state").order_by("seq")]


@pytest.fixture(autouse=True)
def _reader(settings: Settings, tmp_path: Path) -> None:
    """The exact recogniser, short waits, folders of this test."""
    settings.STTWEB_ENGINE_RECOGNIZER = "reader"
    settings.STTWEB_SWEEP_SECONDS = 0.1
    settings.STTWEB_HEARTBEAT_SECONDS = 0.2
    settings.STTWEB_DRAIN_SECONDS = 5.0
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    settings.STTWEB_SPOOL_DIR = tmp_path / "spool"


@pytest.fixture
def submit_tape(team: Team) -> SubmitTape:
    """Queue an upload of tape: ``await submit_tape(blocks, pause_every=…, pace=…, preset=…)``."""

    def submit(blocks: int, pause_every: int = 0, **options: Any) -> Transcript:
        stored = media_store().store([tape_wav(blocks, pause_every)])
        submission = services.Submission(
            title="tape",
            kind=SourceKind.UPLOAD,
            media_key=stored.key,
            media_bytes=stored.size,
            media_sha256=stored.sha256,
            options=options,
        )
        return services.submit(team, None, submission, wake=False)

    return sync_to_async(submit)
