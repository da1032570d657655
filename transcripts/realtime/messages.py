"""Wire messages of the Scribe realtime protocol, typed, in both directions.

Pure. Decoding is lenient: the contract gains fields about every two weeks (protocol.md section 17), so unknown types
and fields are kept, never refused, and no input makes ``decode`` raise. Encoding builds the frame by concatenation:
base64 needs no JSON escaping, and a frame of audio is mostly base64.
"""

from __future__ import annotations

import json
import math
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from transcripts.realtime.errors import is_error

Bytes = bytes | bytearray | memoryview

_FINALS = {
    "committed_transcript": False,
    "final_transcript": False,
    "committed_transcript_with_timestamps": True,
    "final_transcript_with_timestamps": True,
}
_FINAL_FIELDS = frozenset({"message_type", "text", "language_code", "words"})


@dataclass(frozen=True, slots=True)
class SessionStarted:
    """The session is ready. ``config`` is the provider's echo of the parameters, read by nobody (its keys vary)."""

    session_id: str
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The current guess for the open segment; replaces the previous one."""

    text: str


@dataclass(frozen=True, slots=True)
class WireWord:
    """A token of a timed final. ``start`` and ``end`` are seconds from the connection's first sample."""

    text: str
    start: float
    end: float
    kind: str = "word"
    logprob: float | None = None
    speaker: str | None = None
    #: The characters as they came: ``[{text, start, end}]``, or anything else.
    characters: Any = None


@dataclass(frozen=True, slots=True)
class Final:
    """A committed transcript, plain or timed. ``words`` is None when the message carries no usable times."""

    text: str
    timed: bool = False
    words: tuple[WireWord, ...] | None = None
    language: str | None = None
    #: Fields that have no place above.
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ErrorFrame:
    """An error. ``kind`` is its ``message_type`` as spelled on the wire, ``text`` the provider's words."""

    kind: str
    text: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Other:
    """Entities, redacted, edited or diarized text, merged speakers, warnings, and whatever is not known yet."""

    kind: str
    payload: Mapping[str, Any]


ServerMessage = SessionStarted | PartialTranscript | Final | ErrorFrame | Other


@dataclass(frozen=True, slots=True)
class InputAudioChunk:
    """The one message that a client may send. ``audio`` is raw audio in the session's format, maybe empty."""

    audio: Bytes
    commit: bool = False
    sample_rate: int = 16_000
    #: Legal on the first chunk of a connection only.
    previous_text: str | None = None

    def encode(self) -> bytes:
        """The UTF-8 text frame."""
        commit = b"true" if self.commit else b"false"
        context = b""
        if self.previous_text is not None:
            context = b',"previous_text":' + json.dumps(self.previous_text).encode()
        return b'{"message_type":"input_audio_chunk","audio_base_64":"%b","commit":%b,"sample_rate":%d%b}' % (
            b2a_base64(self.audio, newline=False),
            commit,
            self.sample_rate,
            context,
        )


def decode(text: str | bytes) -> ServerMessage:
    """Read a server message. Never raises: what cannot be read comes back as ``Other("unreadable", ...)``."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _unreadable(text)
    if not isinstance(data, dict) or not isinstance(data.get("message_type"), str):
        return _unreadable(text)
    return _typed(data["message_type"], data)


def _unreadable(text: str | bytes) -> Other:
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return Other("unreadable", {"text": shown[:500]})


def _typed(kind: str, data: dict[str, Any]) -> ServerMessage:
    payload = {name: value for name, value in data.items() if name != "message_type"}
    if kind == "partial_transcript":
        return PartialTranscript(_text(data.get("text")))
    if kind in _FINALS:
        return _final(data, timed=_FINALS[kind])
    if kind == "session_started":
        config = data.get("config")
        return SessionStarted(_text(data.get("session_id")), config if isinstance(config, dict) else {})
    if is_error(kind):
        return ErrorFrame(kind, _error_text(data), payload)
    return Other(kind, payload)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _error_text(data: Mapping[str, Any]) -> str:
    for name in ("error", "message", "details"):
        if isinstance(data.get(name), str):
            return str(data[name])
    return ""


def _final(data: dict[str, Any], *, timed: bool) -> Final:
    language = data.get("language_code")
    return Final(
        _text(data.get("text")),
        timed,
        read_words(data.get("words")) if timed else None,
        language if isinstance(language, str) and language else None,
        {name: value for name, value in data.items() if name not in _FINAL_FIELDS},
    )


def read_words(value: Any) -> tuple[WireWord, ...] | None:
    """The words of a timed message; None when there is no list or a list without any times.

    A token that lacks a time borrows its neighbour's, so that no text is lost to a missing number.
    """
    if not isinstance(value, list):
        return None
    words: list[WireWord] = []
    reached, timed = 0.0, not value
    for item in value:
        if not isinstance(item, dict):
            continue
        start, end = _seconds(item.get("start")), _seconds(item.get("end"))
        timed = timed or start is not None or end is not None
        first = start if start is not None else reached
        last = max(first, end if end is not None else first)
        words.append(_word(item, first, last))
        reached = last
    return tuple(words) if timed else None


def _word(item: Mapping[str, Any], start: float, end: float) -> WireWord:
    kind, logprob, speaker = item.get("type"), item.get("logprob"), item.get("speaker_id")
    return WireWord(
        _text(item.get("text")),
        start,
        end,
        kind if isinstance(kind, str) else "word",
        float(logprob) if _is_number(logprob) else None,
        speaker if isinstance(speaker, str) else None,
        item.get("characters") or None,
    )


def _is_number(value: Any) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    # JSON has whole numbers that no float can hold.
    return (isinstance(value, int) and abs(value) < 2**53) or (isinstance(value, float) and math.isfinite(value))


def _seconds(value: Any) -> float | None:
    # A day is longer than any session: a number beyond it is noise and must not become a position.
    return float(value) if _is_number(value) and 0 <= value <= 86_400 else None
