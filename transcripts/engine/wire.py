"""The wire as this server reads it: client messages in, server messages out. Pure.

It shares no code with the client's reading of the protocol on purpose: two independent readings find each other's
mistakes.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transcripts.engine.alignment import HeardWord

Message = dict[str, Any]

SAMPLE_RATE = 16_000

#: Live texts, and ours where no live text is known.
TEXTS = {
    "auth_error": "You must be authenticated to use this endpoint.",
    "quota_exceeded": "You have exceeded your quota.",
    "transcriber_error": "The audio could not be transcribed.",
    "unaccepted_terms": "Accept the product terms in the dashboard before using this feature.",
    "rate_limited": "Too many sessions at once. Try again in a moment.",
    "queue_overflow": "Audio arrives faster than it can be transcribed. Send it more slowly.",
    "resource_exhausted": "Server capacity reached. Try again later.",
    "session_time_limit_exceeded": "Maximum session time reached. Start a new session.",
    "chunk_size_exceeded": "Audio chunk is too large.",
    "insufficient_audio_activity": "Not enough audio to keep the session open.",
    "error": "Unexpected server error.",
}

NOT_A_MESSAGE = "Message must be a valid protocol message"
LATE_CONTEXT = "previous_text can only be set on the first audio chunk"
NOT_LOGGED = "Zero retention could not be enabled for this workspace; the session is being logged."


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A readable ``input_audio_chunk``. ``audio`` is as the client encoded it, perhaps empty."""

    audio: bytes
    commit: bool
    previous_text: str | None


@dataclass(frozen=True, slots=True)
class BadInput:
    """Something else; ``error`` is the text of the ``input_error`` to answer."""

    error: str


def decode(frame: str | bytes) -> AudioChunk | BadInput:
    """Reads a client frame. ``commit`` and ``sample_rate`` may be missing; anything of a wrong type is refused."""
    if isinstance(frame, bytes):
        return BadInput(NOT_A_MESSAGE)
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        return BadInput(NOT_A_MESSAGE)
    if not isinstance(message, dict) or not isinstance(kind := message.get("message_type"), str):
        return BadInput(NOT_A_MESSAGE)
    if kind != "input_audio_chunk":
        # Half a surrogate pair can be read from JSON, and written to no socket.
        shown = kind[:80].encode("utf-8", "replace").decode()
        return BadInput(f"Unexpected message type: {shown}")
    return _chunk(message)


def _chunk(message: Message) -> AudioChunk | BadInput:
    encoded, commit = message.get("audio_base_64"), message.get("commit", False)
    rate, context = message.get("sample_rate", 0), message.get("previous_text")
    whole = isinstance(rate, int) and not isinstance(rate, bool)
    text = context is None or isinstance(context, str)
    if not (isinstance(encoded, str) and isinstance(commit, bool) and whole and text):
        return BadInput(NOT_A_MESSAGE)
    try:
        audio = binascii.a2b_base64(encoded, strict_mode=True) if encoded else b""
    except ValueError:
        return BadInput(NOT_A_MESSAGE)
    return AudioChunk(audio, commit, context)


def encode(message: Message) -> str:
    """One text frame."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def error(kind: str, text: str | None = None) -> Message:
    """An error frame; without ``text`` the usual one of its kind."""
    return {"message_type": kind, "error": text if text is not None else TEXTS[kind]}


def closing(kind: str) -> tuple[int, str]:
    """Close code and reason that follow an error frame of that kind (known for three, likely for the rest)."""
    if kind == "auth_error":
        return 1000, ""
    return (1008 if kind == "invalid_request" else 1000), kind


def throttled(seconds: float, shortest: float) -> str:
    """The live sentence about a commit that is too short."""
    return (
        f"Commit request ignored: only {seconds:.2f}s of uncommitted audio. "
        f"You need at least {shortest:g}s of uncommitted audio before committing."
    )


def partial(text: str) -> Message:
    """A partial transcript."""
    return {"message_type": "partial_transcript", "text": text}


def committed(text: str) -> Message:
    """The plain answer to a commit."""
    return {"message_type": "committed_transcript", "text": text}


def timed(text: str, language: str | None, words: Sequence[HeardWord] | None) -> Message:
    """The timed twin; ``words`` None when only language detection was asked for."""
    tokens = None if words is None else word_objects(words)
    kind = "committed_transcript_with_timestamps"
    return {"message_type": kind, "text": text, "language_code": language, "words": tokens}


def word_objects(words: Sequence[HeardWord]) -> list[Message]:
    """Word and spacing objects whose texts join exactly to the transcript's text."""
    found: list[Message] = []
    for index, word in enumerate(words):
        if index:
            found.append(_token(" ", "spacing", words[index - 1].end, word.start, 0.0))
        found.append(_token(word.text, "word", word.start, word.end, word.logprob))
    return found


def _token(text: str, kind: str, start: int, end: int, logprob: float) -> Message:
    count = len(text)
    edges = [_seconds(start + (end - start) * index / count) for index in range(count + 1)]
    characters = [{"text": c, "start": edges[i], "end": edges[i + 1]} for i, c in enumerate(text)]
    return {
        "text": text,
        "start": edges[0],
        "end": edges[-1],
        "type": kind,
        "speaker_id": None,
        "logprob": round(logprob, 4),
        "characters": characters,
        "channel_index": None,
    }


def _seconds(samples: float) -> float:
    return round(samples / SAMPLE_RATE, 6)
