"""What a client says beside its sound: small JSON messages, judged before anything is done. Pure.

The first one is ``start`` (a new transcript) or ``resume`` (the one of the address); then ``pause``, ``resume``,
``commit`` and ``stop``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from transcripts.media.formats import Encoding, SoundFormat
from transcripts.media.pcm import SAMPLE_RATE

#: Highest number that JSON of every language carries.
MAX_NUMBER = 2**53
TITLE_CHARS = 200
ORDERS = ("pause", "resume", "commit", "stop")
#: What may stand in ``start`` beside the options of a session.
_FIELDS = {"type", "title", "language", "engine", "preset", "format", "sample_rate", "channels", "team", "options"}


class Misunderstood(Exception):
    """``code`` and one sentence; ``next_step`` says what would be understood."""

    def __init__(self, code: str, message: str, next_step: str = "See docs/audio-socket.md.") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.next_step = code, message, next_step


@dataclass(frozen=True, slots=True)
class Start:
    """Make a transcript. ``fields`` are those of the form for new ones, still to be judged by it."""

    title: str = ""
    team: UUID | None = None
    sound: SoundFormat = field(default_factory=SoundFormat)
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attach:
    """Send to the transcript of the address. ``after`` is the last number of its log that the client has;
    ``take_over`` ends another connection that sends to it."""

    after: int = 0
    take_over: bool = False


def parse(text: str) -> dict[str, Any]:
    """One message. Raises Misunderstood."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Misunderstood("bad_message", "That is no JSON object with a type.")
    return message


def parse_start(text: str) -> Start:
    """The first message of a connection that makes a transcript. Raises Misunderstood."""
    message = parse(text)
    if message["type"] != "start":
        raise Misunderstood("bad_message", "The first message must be start.")
    if unknown := sorted(set(message) - _FIELDS):
        raise Misunderstood("unknown_field", f"There is no field {unknown[0][:40]!r} in start.")
    options = message.get("options", {})
    if not isinstance(options, dict):
        raise Misunderstood("bad_options", "The options must be a JSON object.")
    named: dict[str, Any] = {name: message[name] for name in ("language", "engine", "preset") if name in message}
    return Start(_title(message.get("title", "")), _team(message.get("team")), _sound(message), {**options, **named})


def parse_attach(text: str) -> Attach:
    """The first message of a connection to a transcript that is there. Raises Misunderstood."""
    message = parse(text)
    if message["type"] != "resume":
        raise Misunderstood("bad_message", "The first message must be resume.")
    after, take_over = message.get("after", 0), message.get("take_over", False)
    if type(after) is not int or not 0 <= after <= MAX_NUMBER or type(take_over) is not bool:
        raise Misunderstood("bad_message", "After must be a number of the log, and take_over true or false.")
    return Attach(after, take_over)


def parse_order(text: str) -> str:
    """One of ORDERS. Raises Misunderstood."""
    order: str = parse(text)["type"]
    if order not in ORDERS:
        raise Misunderstood("bad_message", f"Only {', '.join(ORDERS)} are understood now.")
    return order


def _title(title: object) -> str:
    if not isinstance(title, str):
        raise Misunderstood("bad_title", "The title must be a text.")
    shown = "".join(char if char.isprintable() else " " for char in title)
    return " ".join(shown.split())[:TITLE_CHARS]


def _team(team: object) -> UUID | None:
    if team is None:
        return None
    try:
        return UUID(str(team))
    except ValueError:
        raise Misunderstood("no_such_team", "There is no such team.") from None


def _sound(message: Mapping[str, Any]) -> SoundFormat:
    name = message.get("format", Encoding.PCM.value)
    rate, channels = message.get("sample_rate", SAMPLE_RATE), message.get("channels", 1)
    if not isinstance(name, str) or name not in set(Encoding):
        raise Misunderstood("bad_format", f"The format must be one of {', '.join(Encoding)}.")
    if type(rate) is not int or type(channels) is not int:
        raise Misunderstood("bad_format", "Sample rate and channels must be whole numbers.")
    sound = SoundFormat(Encoding(name), rate, channels)
    if problem := sound.problem():
        raise Misunderstood("bad_format", problem)
    return sound
