"""Streams of tape as a client sends them, in every form, and the workers that follow them."""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from tests.jobs.conftest import _reader as _reader  # the exact recogniser, short waits, folders of this test
from transcripts.incoming.beginning import Wanted, begin
from transcripts.jobs.source import media_store
from transcripts.media.appending import Appender
from transcripts.media.ffmpeg import find_program
from transcripts.media.formats import SoundFormat
from transcripts.models import Team, Transcript

BeginStream = Callable[..., Awaitable[Transcript]]
#: Bytes of one numbered block of 100 ms.
BLOCK_BYTES = 3200


def file_of(transcript: Transcript) -> Path:
    return media_store().path_of(transcript.media_key)


def converted(pcm: bytes, *options: str) -> bytes:
    """Our PCM as a client would send it, through the decoder's program used as an encoder."""
    command = [find_program(), "-loglevel", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0"]
    return subprocess.run([*command, *options, "pipe:1"], input=pcm, capture_output=True, check=True).stdout


def append(transcript: Transcript, data: bytes) -> None:
    appender = Appender(file_of(transcript))
    appender.append(data)
    appender.close()


aappend = sync_to_async(append)


@pytest.fixture
def begin_stream(team: Team, bob: User) -> BeginStream:
    """``await begin_stream(sound=SoundFormat(), **options)``: a queued transcript that waits for its sound."""

    def make(sound: SoundFormat | None = None, **options: Any) -> Transcript:
        return begin(team, bob, Wanted(title="tape", options=options, sound=sound or SoundFormat()))

    return sync_to_async(make)
