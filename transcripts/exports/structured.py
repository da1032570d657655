"""JSON: everything that is known of a transcript, for other programs. Pure."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from typing import Any

from transcripts.exports.document import Document
from transcripts.exports.tokens import clean, join

#: Name and version of the form; the version rises when a reader of the old one could be misled.
SCHEMA = "sttweb.transcript/1"


def render(document: Document) -> str:
    """The document as one JSON object.

    ``schema``, what the document's own fields say (times in milliseconds, confidences 0..1 or null), ``text`` as
    running text for readers who want no more, and ``events``: the whole log as it was written, or null. ``comments``
    are there when they were asked for.
    """
    text = join([clean(line.text) for line in document.segments])
    told = _fields(document)
    if document.comments is None:
        del told["comments"]
    # Piece by piece, each word's object made when it is its turn: a long transcript has some hundred thousand of them.
    written = io.StringIO()
    encoder = json.JSONEncoder(ensure_ascii=False, indent=1, default=_fields)
    written.writelines(encoder.iterencode({"schema": SCHEMA, **told, "text": text}))
    return written.getvalue() + "\n"


def _fields(told: Any) -> dict[str, Any]:
    """One object's own fields. Raises TypeError for what is none of the document's."""
    return {field.name: getattr(told, field.name) for field in fields(told)}
