"""Log lines: as text for people or as JSON for machines, each with its transcript, without secrets."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sttweb.masking import mask, one_line
from sttweb.observe import current_transcript


def secret_parts(*values: str) -> list[str]:
    """What must never be logged of these secrets: each as a whole, and the passwords of those that are URLs."""
    passwords = [urlsplit(value).password for value in values if "://" in value]
    return [value for value in (*values, *passwords) if value]


class TranscriptFilter(logging.Filter):
    """Puts the transcript that the line is about on the record, where the line was written; never drops one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Called for each record in the thread or task that logs."""
        if not hasattr(record, "transcript"):
            record.transcript = current_transcript()
        return True


class _Masking(logging.Formatter):
    """``secrets`` are exact values that are taken out besides what looks like a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def _clean(self, text: str) -> str:
        return one_line(mask(text, self._secrets))

    def _said(self, record: logging.LogRecord) -> str:
        try:
            return self._clean(record.getMessage())
        except (TypeError, ValueError) as error:
            # A log call with wrong arguments must not cost the line that it meant to write.
            return self._clean(f"{record.msg!r} with {len(record.args or ())} arguments ({error})")

    def _trace(self, record: logging.LogRecord) -> list[str]:
        """The lines of the exception and of the stack, if there are any."""
        text = self.formatException(record.exc_info) if record.exc_info else ""
        text = "\n".join(filter(None, [text, record.stack_info or ""]))
        return [self._clean(line) for line in mask(text, self._secrets).split("\n")] if text else []


class TextFormatter(_Masking):
    """``2026-01-31T10:11:12.345Z WARNING transcripts.jobs.runner [id]: message``; traces follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        transcript = getattr(record, "transcript", "")
        about = f" [{transcript}]" if transcript else ""
        head = f"{_when(record)} {record.levelname} {record.name}{about}: {self._said(record)}"
        return "\n    ".join([head, *self._trace(record)])


class JsonFormatter(_Masking):
    """One JSON object a line: ``at, level, logger, message, process``, and perhaps ``transcript`` and ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line = {
            "at": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._said(record),
            "process": os.getpid(),
            "transcript": getattr(record, "transcript", ""),
            "error": "\n".join(self._trace(record)),
        }
        return json.dumps({key: value for key, value in line.items() if value != ""}, ensure_ascii=False)


def _when(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
