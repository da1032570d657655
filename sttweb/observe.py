"""What a log line is about: the transcript that this task or thread works on, carried along by a context variable.

Tasks and the threads that asgiref starts inherit it, so one ``with`` around a session covers everything below it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from uuid import UUID

_transcript: ContextVar[str] = ContextVar("transcript", default="")


@contextmanager
def transcript_context(transcript_id: UUID | str) -> Iterator[None]:
    """Every log line written inside, also by tasks that are started inside, carries ``transcript_id``."""
    token = _transcript.set(str(transcript_id))
    try:
        yield
    finally:
        _transcript.reset(token)


def current_transcript() -> str:
    """The id of the transcript that is worked on here, or an empty text."""
    return _transcript.get()


@cache
def version() -> str:
    """The version of sttweb, from the project file beside it; ``unknown`` when it is installed without one."""
    try:
        text = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text("utf-8")
        return str(tomllib.loads(text)["project"]["version"])
    except (OSError, KeyError, ValueError):
        return "unknown"
